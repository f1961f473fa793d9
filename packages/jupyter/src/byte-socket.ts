import type {Duplex} from 'node:stream'
import type {ServerOptions} from './contract.ts'
import {Credentials} from './credentials.ts'
import {fromSocketError} from './errors.ts'
import {trusted} from './http.ts'
import {tunnelling} from './link.ts'
import {proxySet} from './proxy/proxied.ts'

export interface ByteSocketOptions {
  /** below the server's URL, without a slash at its start */
  path: string
  headers: Record<string, string>
  signal?: AbortSignal | undefined
}

/** The server did not make a WebSocket of it. */
export class UpgradeRefused extends Error {
  readonly status: number
  /** the beginning of what it said */
  readonly body: string

  constructor(status: number, body: string) {
    super(`the server answered ${status}`)
    this.status = status
    this.body = body
  }
}

const handshakeMs = 30_000
const bodyBytes = 1_000

/**
 * A WebSocket whose binary frames are one stream of bytes; every write is a frame. Its end is the stream's. Throws UpgradeRefused, after
 * new credentials were tried where there are some; NETWORK, TLS.
 */
export async function openByteSocket(server: ServerOptions, options: ByteSocketOptions): Promise<Duplex> {
  const credentials = new Credentials(server)
  for (let again = false; ; again = true) {
    const own = await credentials.headers((given) => given)
    try {
      return await open(server, {...options, headers: {...own, ...options.headers}})
    } catch (error) {
      if (again || !(error instanceof UpgradeRefused) || error.status !== 401 || !(await credentials.renewed(own))) throw error
    }
  }
}

async function open({url: base, ca, trace}: ServerOptions, {path, headers, signal}: ByteSocketOptions): Promise<Duplex> {
  const {WebSocket, createWebSocketStream} = await import('ws')
  const url = new URL(path, base.replace(/\/*$/, '/'))
  url.protocol = url.protocol.replace('http', 'ws')
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const ws = new WebSocket(url, [], {
      headers, ...trusted(ca), ...(proxySet() && {agent: tunnelling(url), tunnelSignal: signal}),
      followRedirects: false, handshakeTimeout: handshakeMs, perMessageDeflate: false,
    })
    const fail = (error: unknown): void => {
      signal?.removeEventListener('abort', abort)
      ws.on('error', () => undefined)
      ws.terminate()
      trace?.(`ws ${url.pathname} ${error instanceof Error ? error.message : String(error)}`)
      reject(signal?.aborted ? signal.reason : error)
    }
    const abort = (): void => fail(signal?.reason)
    signal?.addEventListener('abort', abort, {once: true})
    ws.once('error', (error) => fail(fromSocketError(error, url.host)))
    ws.once('unexpected-response', (request, response) => {
      let body = ''
      const refused = (): void => {
        request.destroy()
        fail(new UpgradeRefused(response.statusCode ?? 0, body.slice(0, bodyBytes)))
      }
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
        if (body.length > bodyBytes) refused()
      })
      response.once('end', refused).once('error', refused)
    })
    ws.once('open', () => {
      signal?.removeEventListener('abort', abort)
      ws.removeAllListeners('error')
      trace?.(`ws ${url.pathname} open`)
      resolve(createWebSocketStream(ws))
    })
  })
}
