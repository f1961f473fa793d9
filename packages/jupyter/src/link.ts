import type {Agent} from 'node:http'
import type {Socket} from 'node:net'
import type {WebSocket} from 'ws'
import type {Message} from './contract.ts'
import {JupyterError, fromSocketError, messageOf} from './errors.ts'
import {redirectError} from './answer.ts'
import {decode, encodeDefault, encodeV1, v1Protocol} from './framing.ts'
import type {Outgoing} from './framing.ts'
import {watchHeartbeat} from './heartbeat.ts'
import {trusted} from './http.ts'
import {proxied, proxySet} from './proxy/proxied.ts'
import {SendQueue} from './send-queue.ts'

/** How a link ended: `closed` is noticed by both ends, after `dead` the server may still believe in it. */
export interface LinkLoss {
  kind: 'closed' | 'dead'
  reason: string
}

export interface LinkOptions {
  url: URL
  headers: Record<string, string>
  ca?: string | undefined
  /** false asks for the default JSON framing */
  v1: boolean
  heartbeatMs: number
  signal?: AbortSignal | undefined
  trace?: ((line: string) => void) | undefined
  onMessage: (message: Message) => void
  /** exactly once, unless `close` was called */
  onLost: (loss: LinkLoss) => void
}

const handshakeMs = 30_000
const connectMs = 5_000
/** Received messages above this end the link: memory is bounded. A kernel's flush of a huge print is one message. */
const maxReceiveBytes = 256 * 1024 * 1024

/** One WebSocket to a kernel's channels, from its opening to its end; silent until `start`. Reconnecting is somebody else's idea. */
export class Link {
  readonly #ws: WebSocket
  readonly #queue: SendQueue
  readonly #v1: boolean
  readonly #trace: ((line: string) => void) | undefined
  #stopHeartbeat: () => void = () => {}
  #ended = false
  #early: (() => void)[] | undefined = []
  readonly #gone = Promise.withResolvers<void>()

  constructor(ws: WebSocket, socket: Socket, options: LinkOptions) {
    this.#ws = ws
    this.#queue = new SendQueue(ws)
    this.#v1 = ws.protocol === v1Protocol
    this.#trace = options.trace
    ws.on('message', (data, binary) => {
      // carries the ACK that a server with Nagle's algorithm on waits for: 48 ms -> 6 ms a round trip (RFC 6455 5.5.3 allows it)
      ws.pong(undefined, undefined, ignoreError)
      // binaryType is nodebuffer: data is a Buffer
      const frame = data as Buffer
      const message = decode(frame, binary, this.#v1)
      this.#trace?.(message ? `ws < ${message.channel} ${message.header.msg_type} ${frame.length} B` : `ws < ${frame.length} B that are no message`)
      if (message) this.#inOrder(() => options.onMessage(message))
    })
    const lost = (loss: LinkLoss): void => {
      if (this.#ended) return
      this.#end()
      this.#inOrder(() => options.onLost(loss))
    }
    ws.on('error', error => lost({kind: 'closed', reason: messageOf(error)}))
    ws.on('close', (code, reason) => lost({kind: 'closed', reason: reason.length > 0 ? reason.toString() : `closed with ${code}`}))
    this.#stopHeartbeat = watchHeartbeat({
      intervalMs: options.heartbeatMs,
      look: () => ({bytesRead: socket.bytesRead, sendsFlushed: this.#queue.flushed, paused: ws.isPaused}),
      ping: () => ws.ping(undefined, undefined, ignoreError),
      onDead: () => {
        lost({kind: 'dead', reason: 'no sign of life'})
        ws.terminate()
      },
    })
  }

  /** Lets events through. What came before, often with the upgrade itself, has waited, so that its owner was ready for it. */
  start(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const event of early) event()
  }

  /** False from the first sign of its end on. */
  get alive(): boolean {
    return !this.#ended && this.#ws.readyState === this.#ws.OPEN
  }

  /** Resolves after `onLost` or `close`. */
  get ended(): Promise<void> {
    return this.#gone.promise
  }

  /** Resolves when the message is with the operating system, at once while little is waiting. `onFirstByte`: from now on it may arrive. */
  async send(message: Outgoing, onFirstByte?: () => void): Promise<void> {
    const frame = this.#v1 ? encodeV1(message) : encodeDefault(message)
    this.#trace?.(`ws > ${message.channel} ${String(message.header['msg_type'])} ${frame.length} B`)
    await this.#queue.send(frame, onFirstByte)
  }

  pause(): void {
    if (!this.#ended) this.#ws.pause()
  }

  resume(): void {
    if (!this.#ended) this.#ws.resume()
  }

  /** Says goodbye and resolves when the socket is gone, at most a second later. */
  close(): Promise<void> {
    const ws = this.#ws
    if (this.#ended) return Promise.resolve()
    this.#end()
    return new Promise(resolve => {
      const force = setTimeout(() => ws.terminate(), 1_000)
      ws.once('close', () => {
        clearTimeout(force)
        resolve()
      })
      ws.resume()
      ws.close(1000)
    })
  }

  #inOrder(event: () => void): void {
    if (this.#early) this.#early.push(event)
    else event()
  }

  #end(): void {
    this.#ended = true
    this.#stopHeartbeat()
    this.#gone.resolve()
  }
}

/** Throws NETWORK, TLS, AUTH, REDIRECT, PROTOCOL, or NOT_FOUND when the server does not know the kernel. */
export async function openLink(options: LinkOptions): Promise<Link> {
  const {WebSocket} = await import('ws')
  const where = options.url.host
  return new Promise((resolve, reject) => {
    const {signal} = options
    if (signal?.aborted) return reject(signal.reason)
    const ws = new WebSocket(options.url, options.v1 ? [v1Protocol] : [], {
      headers: options.headers,
      ...trusted(options.ca),
      ...(proxySet() && {agent: tunnelling(options.url), tunnelSignal: signal}),
      followRedirects: false,
      handshakeTimeout: handshakeMs,
      maxPayload: maxReceiveBytes,
      perMessageDeflate: false,
      // kernels do send broken text; replacement characters are better than a closed socket
      skipUTF8Validation: true,
      finishRequest: request => {
        request.once('socket', socket => {
          if (!socket.connecting) return
          const timer = setTimeout(() => request.destroy(new JupyterError('NETWORK', `${where} did not accept a connection within ${connectMs / 1000} s`)), connectMs)
          const stop = (): void => clearTimeout(timer)
          socket.once(options.url.protocol === 'wss:' ? 'secureConnect' : 'connect', stop).once('close', stop)
        })
        request.end()
      },
    })
    let socket: Socket | undefined
    const abort = (): void => fail(signal?.reason)
    const settle = (): void => {
      signal?.removeEventListener('abort', abort)
      ws.removeListener('error', fail)
    }
    const fail = (error: unknown): void => {
      settle()
      ws.on('error', ignoreError)
      ws.terminate()
      options.trace?.(`ws ${options.url.pathname} ${messageOf(error)}`)
      reject(signal?.aborted ? signal.reason : fromUpgradeError(error, where))
    }
    signal?.addEventListener('abort', abort, {once: true})
    ws.on('error', fail)
    ws.once('unexpected-response', (request, response) => {
      request.destroy()
      fail(statusError(response.statusCode ?? 0, response.headers.location, where))
    })
    ws.once('upgrade', response => {
      socket = response.socket
    })
    ws.once('open', () => {
      settle()
      options.trace?.(`ws ${options.url.pathname} open${ws.protocol === '' ? '' : ` ${ws.protocol}`}`)
      if (socket) resolve(new Link(ws, socket, options))
      else fail(new JupyterError('PROTOCOL', `${where} opened a socket without an upgrade`))
    })
  })
}

/** ws makes its own connections where there is no agent. */
export function tunnelling(url: URL): Agent {
  const {Agent} = process.getBuiltinModule(url.protocol === 'wss:' ? 'node:https' : 'node:http')
  return proxied(new Agent(), url)
}

function statusError(status: number, location: string | undefined, where: string): JupyterError {
  if (status >= 300 && status < 400) return redirectError(status, location, where)
  const message = `${where} answered ${status} to the kernel connection`
  if (status === 401 || status === 403) return new JupyterError('AUTH', message, {status})
  if (status === 404) return new JupyterError('NOT_FOUND', message, {status})
  if (status < 300) return new JupyterError('PROTOCOL', `${message}: this is not a Jupyter server's WebSocket`, {status})
  return new JupyterError('HTTP', message, {status, retryable: status === 429 || status >= 500})
}

function fromUpgradeError(error: unknown, where: string): JupyterError {
  if (error instanceof Error && /^(Invalid|Missing|Server sent|Unexpected|Parse Error)/.test(error.message)) {
    return new JupyterError('PROTOCOL', `${where} does not speak WebSocket as it should (${error.message})`, {cause: error})
  }
  return fromSocketError(error, where)
}

function ignoreError(): void {}
