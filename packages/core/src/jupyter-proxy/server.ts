import type {ServerOptions} from '@cgpu/jupyter'
import type {IncomingMessage, Server} from 'node:http'
import type {Duplex} from 'node:stream'
import {type ForwardOptions, forwardRequest, forwardUpgrade} from '../reverse-proxy/forward.ts'
import {foreignRequest, listenOnLoopback, loopbackServer} from '../reverse-proxy/loopback.ts'
import {messageFor, type Refusal, refuse, refuseUpgrade} from '../reverse-proxy/refuse.ts'
import {requestTarget, withoutQuery} from '../reverse-proxy/target.ts'
import {Upstream} from '../reverse-proxy/upstream.ts'
import {type Caller, Door} from './door.ts'
import {outgoingPath, type Place, placeOf, rewriting} from './rewrite.ts'
import {isUse, type Use} from './use.ts'

export interface JupyterProxyOptions {
  /** the runtime's, for messages */
  name: string
  /** how its server is reached */
  endpoint: ServerOptions
  /** of the proxy */
  token: string
  /** 0: any free one */
  port: number
  use: Use
  /** the server answered, or did not: told each time */
  onAnswer?: (() => void) | undefined
  onTrouble?: ((error: unknown) => void) | undefined
  /** see ForwardOptions */
  pingMs?: number | undefined
}

type Entry = {path: string; forward: ForwardOptions} | {refuse: Refusal} | {redirect: string; cookie?: string | undefined}

/** JupyterLab waits up to 30 s after a WebSocket that was refused; a network is often back sooner. */
const patienceMs = 10_000

/** A Jupyter server on loopback that is another one's front: same paths, own token. */
export class JupyterProxyServer {
  readonly port: number
  readonly token: string
  readonly #server: Server
  readonly #upstream: Upstream
  readonly #options: JupyterProxyOptions
  readonly #place: Place
  readonly #door: Door
  readonly #sockets = new Set<Duplex>()

  private constructor(server: Server, port: number, options: JupyterProxyOptions) {
    this.#server = server
    this.port = port
    this.token = options.token
    this.#options = options
    this.#place = placeOf(options.name, options.endpoint)
    this.#upstream = new Upstream(options.endpoint)
    this.#door = new Door(options.token, port)
    server.on('request', (request, response) => {
      const entry = this.#enter(request, false)
      if ('refuse' in entry) refuse(response, entry.refuse)
      else if ('redirect' in entry) response.writeHead(302, {location: entry.redirect, 'content-length': 0, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', ...(entry.cookie !== undefined && {'set-cookie': entry.cookie})}).end()
      else void forwardRequest(this.#upstream, request, response, entry.forward)
    })
    server.on('upgrade', (request, socket, head) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket))
      const entry = this.#enter(request, true)
      if ('forward' in entry) void forwardUpgrade(this.#upstream, request, socket, head, entry.forward)
      else refuseUpgrade(socket, 'refuse' in entry ? entry.refuse : {status: 404, message: 'there is no WebSocket here'})
    })
  }

  /** Throws PORT_IN_USE (72). */
  static async open(options: JupyterProxyOptions): Promise<JupyterProxyServer> {
    const server = loopbackServer()
    return new JupyterProxyServer(server, await listenOnLoopback(server, options.port), options)
  }

  /** The server's address for clients, without the token. */
  get url(): string {
    return `http://127.0.0.1:${this.port}${this.#place.url.pathname}`
  }

  /** Ends all that is under way, and the port. */
  async close(): Promise<void> {
    this.#upstream.close()
    for (const socket of this.#sockets) socket.destroy()
    const closed = Promise.withResolvers<void>()
    this.#server.close(() => closed.resolve())
    this.#server.closeAllConnections()
    await closed.promise
  }

  #enter(request: IncomingMessage, upgrade: boolean): Entry {
    const foreign = foreignRequest(request, this.port)
    if (foreign) return {refuse: foreign}
    const target = requestTarget(request.url)
    if (!target) return {refuse: {status: 400, message: 'there is no such path'}}
    if (upgrade && request.headers.upgrade?.toLowerCase() !== 'websocket') return {refuse: {status: 400, message: 'only WebSockets are passed on'}}
    const caller: Caller = {method: request.method ?? 'GET', headers: request.headers, query: target.query, upgrade}
    const verdict = this.#door.judge(caller)
    if (!verdict.allowed) return {refuse: verdict}
    const {path, query} = target
    // without the token: it would stay in the browser's history
    if (verdict.cookie !== undefined) return {redirect: outgoingPath(path, query), cookie: verdict.cookie}
    const base = this.#place.url.pathname
    if (path === '/' && base !== '/') return {redirect: `${base}${query === '' ? '' : `?${withoutQuery(query, [])}`}`}
    if (!`${path}/`.startsWith(base)) return {refuse: {status: 404, message: `this server is at ${base}`}}
    if (isUse(caller.method) || upgrade) this.#options.use.note()
    const {pingMs} = this.#options
    return {path, forward: {...this.#forward(path, query), onMessage: () => this.#options.use.note(), pingMs, patienceMs}}
  }

  #forward(path: string, query: string): ForwardOptions {
    const {outgoing, incoming} = rewriting(this.#place, this.#options.token, path)
    return {
      path: outgoingPath(path, query), outgoing,
      incoming: (head) => {
        this.#options.onAnswer?.()
        return incoming?.(head) ?? head
      },
      failed: (error) => {
        this.#options.onTrouble?.(error)
        // at 502 and 504 JupyterLab takes the kernel for dead; at 503 it tries again
        return {status: 503, message: messageFor(error).message, headers: {'retry-after': '1'}}
      },
    }
  }
}
