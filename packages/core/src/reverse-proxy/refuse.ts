import {STATUS_CODES, type ServerResponse} from 'node:http'
import type {Duplex} from 'node:stream'
import {UpstreamTimeout} from './upstream.ts'

/** An answer of the proxy's own. */
export interface Refusal {
  status: number
  /** one sentence, shown to the client's user */
  message: string
  headers?: Record<string, string>
}

/** 504 for what did not answer in time, 502 for everything else. */
export function messageFor(error: unknown): Refusal {
  const text = error instanceof Error ? error.message : String(error)
  return {status: error instanceof UpstreamTimeout ? 504 : 502, message: text}
}

/** JSON, as Jupyter's own errors are: clients show its `message`. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return
  const body = bodyOf(refusal)
  response.writeHead(refusal.status, {...headersFor(body), ...refusal.headers})
  response.end(body)
}

export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  if (socket.destroyed) return
  const body = bodyOf(refusal)
  const headers = {...headersFor(body), connection: 'close', ...refusal.headers}
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n${lines.join('')}\r\n${body}`)
}

function bodyOf({message}: Refusal): string {
  return `${JSON.stringify({message, reason: null})}\n`
}

function headersFor(body: string): Record<string, string | number> {
  return {
    'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store', 'x-content-type-options': 'nosniff',
  }
}
