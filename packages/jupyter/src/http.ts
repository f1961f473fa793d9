import type * as http from 'node:http'
import type * as https from 'node:https'
import {JupyterError, fromSocketError} from './errors.ts'
import {proxied} from './proxy/proxied.ts'

/** Requests go through node's own client: the first `fetch` of a process costs 69 ms, this about 5. */

export interface HttpRequest {
  method: string
  url: URL
  headers: Record<string, string>
  body?: Uint8Array | undefined
  signal?: AbortSignal | undefined
  /** how long the response's headers may take once connected */
  headersTimeoutMs: number
  /** an answer bigger than this is refused */
  maxBytes: number
}

export interface HttpAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

const connectTimeoutMs = 5_000
const bodyIdleMs = 30_000
/** A free socket is dropped before servers usually drop it, so that a POST never meets a half-closed one. */
const freeSocketMs = 4_000

/** What a TLS connection trusts: the system's authorities and, where given, one more. */
export function trusted(ca: string | undefined): {ca?: string[]} {
  return ca === undefined ? {} : {ca: [...process.getBuiltinModule('node:tls').getCACertificates('default'), ca]}
}

// not imported: an import of a built-in reads all of its exports, and one of node:http loads undici, which takes 30 ms
const {Agent, request: httpRequest} = process.getBuiltinModule('node:http')
// TLS takes 20 ms, which a server of this machine does not need
const tlsClient = (): typeof https => process.getBuiltinModule('node:https')

/** Keeps connections to `url`'s host for a while; they go through the environment's proxy, where there is one. */
export function makeAgent(url: URL, ca: string | undefined): http.Agent {
  const options = {keepAlive: true, timeout: freeSocketMs}
  return proxied(url.protocol === 'https:' ? new (tlsClient().Agent)({...options, ...trusted(ca)}) : new Agent(options), url)
}

/** One request, one answer; redirects are answers. Throws NETWORK, TLS, or PROTOCOL for an answer over the cap. */
export function send(request: HttpRequest, agent: http.Agent): Promise<HttpAnswer> {
  const where = request.url.host
  return new Promise((resolve, reject) => {
    const make = request.url.protocol === 'https:' ? tlsClient().request : httpRequest
    const req = make(request.url, {
      method: request.method,
      headers: request.headers,
      agent,
      ...(request.signal && {signal: request.signal, tunnelSignal: request.signal}),
    })
    let timer: NodeJS.Timeout | undefined
    const within = (ms: number, what: string): void => {
      clearTimeout(timer)
      timer = setTimeout(() => req.destroy(new JupyterError('NETWORK', `${where} ${what} within ${ms / 1000} s`)), ms)
    }
    const fail = (error: unknown): void => {
      clearTimeout(timer)
      reject(request.signal?.aborted ? request.signal.reason : fromSocketError(error, where))
    }
    req.on('error', fail)
    req.once('socket', socket => {
      const connected = (): void => within(request.headersTimeoutMs, 'did not answer')
      if (!socket.connecting) return connected()
      within(connectTimeoutMs, 'did not accept a connection')
      socket.once(request.url.protocol === 'https:' ? 'secureConnect' : 'connect', connected)
    })
    req.once('response', response => {
      const chunks: Buffer[] = []
      let size = 0
      const tooBig = (): void => {
        req.destroy(new JupyterError('PROTOCOL', `${where} answered with more than ${request.maxBytes} bytes`))
      }
      within(bodyIdleMs, 'stopped in the middle of an answer')
      if (Number(response.headers['content-length'] ?? 0) > request.maxBytes) tooBig()
      response.on('data', (chunk: Buffer) => {
        timer?.refresh()
        size += chunk.length
        if (size > request.maxBytes) tooBig()
        else chunks.push(chunk)
      })
      response.once('error', fail)
      response.once('end', () => {
        clearTimeout(timer)
        resolve({status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks)})
      })
    })
    req.end(request.body)
  })
}
