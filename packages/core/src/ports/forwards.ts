import type {Server, Socket} from 'node:net'
import type {ServerOptions} from '@cgpu/jupyter'
import type {RuntimeSession} from '../runtime/session.ts'
import type {Refused} from './connection.ts'
import {listen} from './listen.ts'
import type {ForwardSpec} from './spec.ts'
import {type Target, Tunnel} from './tunnel.ts'

export interface Traffic {
  /** connections that are open, and that were made since it began */
  open: number
  connections: number
  bytesSent: number
  bytesReceived: number
}

export interface ForwardsOptions {
  session: RuntimeSession
  /** a connection failed: said at most once a second for each port */
  onNotice: (message: string) => void
  /** the provider's own way to HTTP and WebSockets of a port; absent: everything goes through the agent */
  portEndpoint?: ((port: number) => Promise<ServerOptions>) | undefined
}

const sayAgainMs = 1_000

/** The ports of this computer that lead to one machine. */
export class PortForwards {
  readonly traffic: Traffic = {open: 0, connections: 0, bytesSent: 0, bytesReceived: 0}
  readonly #options: ForwardsOptions
  readonly #tunnel: Tunnel
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #said = new Map<number, number>()
  readonly #closing: (() => void)[] = []

  constructor(options: ForwardsOptions) {
    this.#options = options
    this.#tunnel = new Tunnel({agent: () => options.session.agent()})
  }

  /** Listens; what it returns has the port that was taken. Throws PORT_IN_USE (72), PORT_REFUSED (73), ADDRESS_UNKNOWN (64). */
  async listen({local, remote}: ForwardSpec): Promise<ForwardSpec> {
    const take = await this.#way({local, remote})
    const {server, at} = await listen(local, (socket) => {
      const {traffic} = this
      traffic.open++
      traffic.connections++
      this.#sockets.add(socket)
      socket.once('close', () => {
        traffic.open--
        this.#sockets.delete(socket)
      })
      take(socket)
    })
    this.#servers.push(server)
    return {local: at, remote}
  }

  /** Ends what is open, here and on the machine. */
  async close(): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const close of this.#closing) close()
    await this.#tunnel.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #way({local, remote}: ForwardSpec): Promise<(socket: Socket) => void> {
    const {portEndpoint} = this.#options
    if (!portEndpoint) return (socket) => this.#join(socket, remote)
    const [{HttpForward}, endpoint] = await Promise.all([import('./http.ts'), portEndpoint(remote.port)])
    const forward = new HttpForward(endpoint, local.address)
    this.#closing.push(() => forward.close())
    return (socket) => {
      socket.once('close', () => {
        this.traffic.bytesSent += socket.bytesRead
        this.traffic.bytesReceived += socket.bytesWritten
      })
      forward.take(socket)
    }
  }

  #join(socket: Socket, remote: Target): void {
    const {traffic} = this
    this.#tunnel.open(remote, {input: socket, output: socket}, {
      onBytes: (direction, count) => {
        if (direction === 'sent') traffic.bytesSent += count
        else traffic.bytesReceived += count
      },
      onClose: (failure) => {
        if (failure) this.#say(failure, remote)
      },
    })
  }

  #say(failure: Refused, {host, port}: Target): void {
    if (failure.code === 'RESET') return // as programs do to each other
    const now = performance.now()
    if (now - (this.#said.get(port) ?? -Infinity) < sayAgainMs) return
    this.#said.set(port, now)
    this.#options.onNotice(failureText(failure, {host, port}, this.#options.session.record.name))
  }
}

/** One sentence, lowercase. */
export function failureText({code, message}: Refused, {host, port}: Target, runtime: string): string {
  const where = host === 'localhost' ? `port ${port} of ${runtime}` : `${host}:${port}, as ${runtime} sees it`
  if (code === 'REFUSED') return `nothing listens on ${where}`
  if (code === 'NO_HOST') return `${runtime} knows no host ${host}`
  if (code === 'TIMEOUT') return `no answer from ${where}`
  return `a connection to ${where} was broken off: ${message}`
}
