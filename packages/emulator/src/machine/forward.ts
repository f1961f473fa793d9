import {type IncomingHttpHeaders, type IncomingMessage, request as httpRequest, type RequestOptions, type ServerResponse} from 'node:http'
import {type Duplex, pipeline} from 'node:stream'

/**
 * Where a proxy sends what it lets through. A Unix socket needs an agent that keeps connections: where the other side closes
 * after its answer, the empty write with which node ends a request can fail first, and the answer is lost.
 */
export type Upstream = Pick<RequestOptions, 'socketPath' | 'host' | 'port' | 'agent'>

export interface Outgoing {
  path: string
  headers: IncomingHttpHeaders
}

export interface Upgraded {
  socket: Duplex
  head: Buffer
  /** the client sent something */
  onData: () => void
}

/** Sends a request on and the answer back, both streamed. 502 when nobody is there. */
export function forwardRequest(upstream: Upstream, outgoing: Outgoing, request: IncomingMessage, response: ServerResponse): void {
  const sent = httpRequest({...upstream, method: request.method, path: outgoing.path, headers: endToEnd(outgoing.headers)})
  sent.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.headers))
    pipeline(answer, response, () => undefined)
  })
  sent.once('error', (error) => {
    if (response.headersSent) response.destroy()
    else refuse(response, 502, `bad gateway: ${error.message}`)
  })
  response.once('close', () => sent.destroy())
  request.pipe(sent)
}

/** Joins a client's socket to an upgraded one of the upstream; a refusal is passed on as it came. */
export function forwardUpgrade(upstream: Upstream, outgoing: Outgoing, {socket, head, onData}: Upgraded): void {
  const headers = {...endToEnd(outgoing.headers), connection: 'Upgrade', upgrade: outgoing.headers.upgrade ?? 'websocket'}
  const sent = httpRequest({...upstream, agent: false, method: 'GET', path: outgoing.path, headers})
  socket.on('error', () => sent.destroy())
  socket.once('close', () => sent.destroy())
  sent.once('upgrade', (answer, other: Duplex, otherHead: Buffer) => {
    socket.write(headOf(answer))
    if (otherHead.length > 0) socket.write(otherHead)
    if (head.length > 0) other.write(head)
    join(socket, other)
    socket.on('data', onData)
  })
  sent.once('response', (answer) => {
    answer.headers['connection'] = 'close'
    socket.write(headOf(answer))
    pipeline(answer, socket, () => undefined)
  })
  sent.once('error', (error) => refuseUpgrade(socket, 502, `bad gateway: ${error.message}`))
  sent.end()
}

function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [[one, other], [other, one]] as const) {
    from.pipe(to)
    from.once('close', () => to.destroy())
    from.on('error', () => to.destroy())
  }
}

export function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text)})
  response.end(text)
}

/** With a Content-Length: some clients cannot read the text of a failed handshake otherwise. */
export function refuseUpgrade(socket: Duplex, status: number, text: string): void {
  if (socket.destroyed) return
  socket.end(
    `HTTP/1.1 ${status} ${reasons[status] ?? 'Error'}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}

const reasons: Record<number, string> = {401: 'Unauthorized', 404: 'Not Found', 502: 'Bad Gateway'}

/** `transfer-encoding` is not among them: without it, and without a length, the body would be dropped. */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'upgrade'])

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)))
}

function headOf(answer: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`]
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) lines.push(`${answer.rawHeaders[at]}: ${answer.rawHeaders[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
