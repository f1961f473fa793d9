import {connect, type Server, type Socket} from 'node:net'
import type {ServerOptions} from '@cgpu/jupyter'
import {remoteCode} from '../agent/problem.ts'
import {errors} from '../errors.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import type {LocalEnd, Refused} from './connection.ts'
import {listen} from './listen.ts'
import type {ForwardSpec} from './spec.ts'
import {type OpenOptions, type Target, Tunnel} from './tunnel.ts'

export interface Traffic {
  /** connections that are open, and that were made since it began */
  open: number
  connections: number
  bytesSent: number
  bytesReceived: number
}

export interface ForwardsOptions {
  session: RuntimeSession
  /** the record's id, by which the machine can be told that this process is gone */
  owner: string
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
    this.#tunnel = new Tunnel({
      agent: () => options.session.agent(), owner: options.owner,
      onListenerLost: (error) => options.onNotice(`a port of ${options.session.record.name} leads here no more: ${error.message}`),
    })
  }

  /** Listens; what it returns has the port that was taken. Throws PORT_IN_USE (72), PORT_REFUSED (73), ADDRESS_UNKNOWN (64). */
  async listen(spec: ForwardSpec): Promise<ForwardSpec> {
    const {local, remote} = spec
    if (spec.reverse) return this.#reverse(spec)
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

  async #reverse({local, remote, reverse}: ForwardSpec): Promise<ForwardSpec> {
    try {
      const port = await this.#tunnel.listen({address: remote.host, port: remote.port}, (join) => this.#arrived(local, join))
      return {local, remote: {...remote, port}, ...(reverse && {reverse})}
    } catch (error) {
      if (remoteCode(error) !== 'EXISTS') throw error
      throw errors.conflict(`port ${remote.port} of ${this.#options.session.record.name} is in use`, {
        code: 'PORT_IN_USE', category: 'network', fix: 'choose another, or 0:LOCAL for any that is free', details: {port: remote.port}, cause: error,
      })
    }
  }

  #arrived({address, port}: ForwardSpec['local'], join: (end: LocalEnd, options: OpenOptions) => void): void {
    const {traffic} = this
    const socket = connect({host: address, port, allowHalfOpen: true, noDelay: true})
    traffic.open++
    traffic.connections++
    this.#sockets.add(socket)
    socket.once('close', () => {
      traffic.open--
      this.#sockets.delete(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') this.#sayNow(port, `nothing listens on ${address}:${port} of this computer`)
    })
    join({input: socket, output: socket}, {onBytes: this.#count})
  }

  readonly #count = (direction: 'sent' | 'received', count: number): void => {
    if (direction === 'sent') this.traffic.bytesSent += count
    else this.traffic.bytesReceived += count
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
    this.#tunnel.open(remote, {input: socket, output: socket}, {
      onBytes: this.#count,
      onClose: (failure) => {
        if (failure) this.#say(failure, remote)
      },
    })
  }

  #say(failure: Refused, {host, port}: Target): void {
    if (failure.code === 'RESET') return // as programs do to each other
    this.#sayNow(port, failureText(failure, {host, port}, this.#options.session.record.name))
  }

  #sayNow(port: number, message: string): void {
    const now = performance.now()
    if (now - (this.#said.get(port) ?? -Infinity) < sayAgainMs) return
    this.#said.set(port, now)
    this.#options.onNotice(message)
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
