import type {IncomingMessage, ServerResponse} from 'node:http'
import {createServer, type Server, type Socket} from 'node:net'
import type {Duplex} from 'node:stream'
import {errors} from '@cgpu/core/errors'
import {isLoopback} from '@cgpu/core/loopback'
import type {Frame, Site, SiteHandler} from '../contract.ts'
import {headersOf, watchBody} from './facts.ts'
import type {LogEntry, RequestLog} from './request-log.ts'
import {Sockets} from './sockets.ts'

// imported, it would also load undici, which takes a fifth of the start
const {createServer: createHttpServer} = process.getBuiltinModule('node:http')

/** A call as faults judge it. */
export interface Call {
  site: Site
  method: string
  /** without the query, as it came */
  path: string
  query: URLSearchParams
  headers: Record<string, string>
}

/** A fault that a call meets. It runs the handler itself where the fault wants that, by calling `proceed`. */
export interface MetFault {
  /** for the log */
  id: string
  request(request: IncomingMessage, response: ServerResponse, proceed: () => void): void
  upgrade(request: IncomingMessage, socket: Socket, proceed: () => void): void
}

export interface FrameOptions {
  log: RequestLog
  /** the emulator's time, for the log */
  now: () => number
  /** what this call meets; undefined: nothing */
  fault?: (call: Call) => MetFault | undefined
  /** e-mail address of the account that a call belongs to */
  account?: (site: Site, headers: Record<string, string>) => string | null
}

interface Listening {
  site: Site
  sockets: Sockets
  close: () => Promise<void>
}

/** Every origin of the emulator: loopback only, logged, and behind its faults. */
export class HttpFrame implements Frame {
  readonly #options: FrameOptions
  readonly #sites = new Set<Listening>()
  #frozen: (site: Site) => boolean = () => false

  constructor(options: FrameOptions) {
    this.#options = options
  }

  async listen(site: Site, handler: SiteHandler, {port = 0}: {port?: number} = {}): Promise<{url: string; close(): Promise<void>}> {
    const sockets = new Sockets()
    const http = createHttpServer({requestTimeout: 0})
    http.on('request', (request, response) => void this.#request(site, sockets, handler, request, response))
    http.on('upgrade', (request, socket, head) => void this.#upgrade(site, sockets, handler, request, socket, head))
    // in front of it, so that a frozen site accepts and stays silent
    const server = createServer({allowHalfOpen: true, noDelay: true}, (socket) => sockets.take(socket, () => void http.emit('connection', socket)))
    if (this.#frozen(site)) sockets.freeze()
    const bound = await bind(server, port)
    const listening: Listening = {
      site, sockets,
      close: async () => {
        if (!this.#sites.delete(listening)) return
        const closed = new Promise<void>((resolve) => server.close(() => resolve()))
        sockets.destroy()
        await closed
      },
    }
    this.#sites.add(listening)
    return {url: `http://127.0.0.1:${bound}`, close: listening.close}
  }

  /** From now on the sites that match say nothing and hear nothing, on old connections and new ones. */
  freeze(matches: (site: Site) => boolean): void {
    this.#frozen = matches
    for (const {site, sockets} of this.#sites) if (matches(site)) sockets.freeze()
  }

  thaw(): void {
    this.#frozen = () => false
    for (const {sockets} of this.#sites) sockets.thaw()
  }

  /** The sites that listen, and how many connections each has. */
  sites(): {site: Site; connections: number; frozen: boolean}[] {
    return [...this.#sites].map(({site, sockets}) => ({site, connections: sockets.size, frozen: sockets.frozen}))
  }

  /** Resets every connection of the sites that match, as a network that goes away does. */
  reset(matches: (site: Site) => boolean): void {
    for (const {site, sockets} of this.#sites) if (matches(site)) sockets.destroy(true)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sites].map((one) => one.close()))
  }

  async #request(site: Site, sockets: Sockets, handler: SiteHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const {entry, call} = this.#begin(site, request)
    const started = performance.now()
    response.once('close', () => this.#options.log.end(entry, response.headersSent ? response.statusCode : null, performance.now() - started))
    if (sockets.frozen) await sockets.passing()
    if (misdirected(call)) return void response.writeHead(421, {'content-type': 'text/plain'}).end('the emulator answers under loopback names only\n')
    const proceed = (): void => handler.request(request, response)
    const fault = this.#meet(entry, call)
    if (fault) fault.request(request, response, proceed)
    else proceed()
  }

  async #upgrade(site: Site, sockets: Sockets, handler: SiteHandler, request: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void> {
    const socket = duplex as Socket // node:http types it wider; it comes from our net.Server
    const {entry, call} = this.#begin(site, request)
    this.#endWithHandshake(entry, socket)
    if (sockets.frozen) await sockets.passing()
    const proceed = (): void => {
      if (handler.upgrade) handler.upgrade(request, socket, head)
      else refuseUpgrade(socket, '404 Not Found')
    }
    if (misdirected(call)) return refuseUpgrade(socket, '421 Misdirected Request')
    const fault = this.#meet(entry, call)
    if (fault) fault.upgrade(request, socket, proceed)
    else proceed()
  }

  #begin(site: Site, request: IncomingMessage): {entry: LogEntry; call: Call} {
    const {log, now, account} = this.#options
    const [method, target] = [request.method ?? 'GET', request.url ?? '/']
    const headers = headersOf(request)
    const entry = log.begin({at: new Date(now()).toISOString(), site, method, path: target, headers, account: account?.(site, headers) ?? null})
    if (site === 'control') watchBody(request, (body) => (entry.body = body))
    const mark = target.indexOf('?')
    const path = mark === -1 ? target : target.slice(0, mark)
    return {entry, call: {site, method, path, query: new URLSearchParams(mark === -1 ? '' : target.slice(mark)), headers}}
  }

  #meet(entry: LogEntry, call: Call): MetFault | undefined {
    const fault = this.#options.fault?.(call)
    if (fault) entry.fault = fault.id
    return fault
  }

  /** A WebSocket counts as answered with its handshake; its status stands in the first bytes. */
  #endWithHandshake(entry: LogEntry, socket: Socket): void {
    const started = performance.now()
    const write = socket.write.bind(socket)
    let open = true
    const end = (status: number | null): void => {
      if (!open) return
      open = false
      this.#options.log.end(entry, status, performance.now() - started)
    }
    const watched: typeof socket.write = (data: string | Uint8Array, ...rest: unknown[]) => {
      if (open) {
        const status = /^HTTP\/1\.[01] (\d{3})/.exec(Buffer.from(data).subarray(0, 16).toString('latin1'))?.[1]
        end(status === undefined ? null : Number(status))
      }
      return (write as (...all: unknown[]) => boolean)(data, ...rest)
    }
    socket.write = watched
    socket.once('close', () => end(null))
  }
}

/** A web page whose name was pointed at 127.0.0.1 (DNS rebinding) must not sign in, and so run programs, as the user. */
function misdirected({headers}: Call): boolean {
  const host = headers['host']
  return host !== undefined && !(URL.canParse(`http://${host}`) && isLoopback(new URL(`http://${host}`).hostname))
}

function refuseUpgrade(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return reject(error)
      reject(errors.conflict(`port ${port} of 127.0.0.1 ${error.code === 'EACCES' ? 'may not be used' : 'is in use'}`, {code: 'PORT_IN_USE', fix: 'give another --port, or none for any free one', cause: error}))
    })
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
