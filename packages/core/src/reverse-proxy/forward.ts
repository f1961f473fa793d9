import type {IncomingMessage, ServerResponse} from 'node:http'
import {type Duplex, pipeline, type Transform} from 'node:stream'
import {setTimeout as delay} from 'node:timers/promises'
import {RequestBody} from './body.ts'
import {endToEnd, type HeaderMap, withHeaders} from './headers.ts'
import {joinSockets, type JoinOptions} from './join.ts'
import {messageFor, type Refusal, refuse, refuseUpgrade} from './refuse.ts'
import type {Answer, Outgoing, Upstream} from './upstream.ts'

const againMs = 250

/** An answer's head on its way to the client. */
export interface AnswerHead {
  status: number
  headers: HeaderMap
}

export interface ForwardOptions extends JoinOptions {
  /** path and query at the upstream's origin, beginning with one slash; whoever gives it has checked it */
  path: string
  /** The last word on what the client sent; the headers of its connection are gone already, credentials come on top. */
  outgoing?: ((headers: HeaderMap) => HeaderMap) | undefined
  /** The last word on what is answered: another head, a body that is changed on its way, or a refusal in its place. */
  incoming?: ((head: AnswerHead) => Refusal | (AnswerHead & {through?: Transform[]})) | undefined
  /** A WebSocket that cannot be had is tried for so long before its client is told: clients take that for worse than a slow one. Default 0 */
  patienceMs?: number | undefined
  /** What the client is told when there is no answer. Default: 502, or 504, and the network's word for it. */
  failed?: ((error: unknown) => Refusal | Promise<Refusal>) | undefined
}

/** Passes one request on, and its answer back. Both bodies stream: memory does not depend on their size. */
export async function forwardRequest(upstream: Upstream, request: IncomingMessage, response: ServerResponse, options: ForwardOptions): Promise<void> {
  // where a body of another coding ends, the upstream might see otherwise
  if (!/^(chunked)?$/i.test(request.headers['transfer-encoding'] ?? '')) return refuse(response, {status: 400, message: 'only the chunked transfer coding is known here', headers: {connection: 'close'}})
  const left = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) left.abort()
  })
  const body = hasBody(request) ? new RequestBody(request) : undefined
  try {
    const headers = outgoingHeaders(request, options)
    // node sends a body without a length only when it is told so
    const framed = body && !('content-length' in headers) ? withHeaders(headers, {'transfer-encoding': 'chunked'}) : headers
    const answer = await upstream.request({method: request.method ?? 'GET', path: options.path, headers: framed, body, signal: left.signal})
    const head = answerHead(answer, options)
    if ('message' in head) {
      answer.destroy()
      body?.discard()
      return refuse(response, head)
    }
    if (!request.complete) answer.once('end', () => body?.discard())
    response.writeHead(head.status, answer.statusMessage, head.headers)
    // the head is of use before the first byte of an event stream, which has no length; flushHeaders would send it as UTF-8
    if (!('content-length' in head.headers)) response.write(Buffer.alloc(0))
    pipeline([answer, ...(head.through ?? []), response], (error) => {
      if (error) response.destroy()
    })
  } catch (error) {
    body?.discard()
    if (left.signal.aborted) return
    if (response.headersSent) response.destroy()
    else refuse(response, await (options.failed ?? messageFor)(error))
  }
}

/** Joins a client's socket to a WebSocket of the upstream. A refusal is passed on as it came. */
export async function forwardUpgrade(upstream: Upstream, request: IncomingMessage, client: Duplex, head: Buffer, options: ForwardOptions): Promise<void> {
  const left = new AbortController()
  const leave = (): void => left.abort()
  client.on('error', leave).once('close', leave)
  try {
    const outgoing = {method: 'GET', path: options.path, headers: outgoingHeaders(request, options), signal: left.signal}
    const got = await patiently(upstream, outgoing, options.patienceMs)
    const answered = answerHead(got.answer, options)
    if ('message' in answered) {
      if (got.upgraded) got.socket.destroy()
      got.answer.destroy()
      return refuseUpgrade(client, answered)
    }
    if (!got.upgraded) {
      client.write(headText(answered, got.answer.statusMessage, {connection: 'close'}))
      pipeline([got.answer, ...(answered.through ?? []), client], () => undefined)
      return
    }
    client.write(headText(answered, got.answer.statusMessage, {connection: 'Upgrade', upgrade: 'websocket'}))
    joinSockets({socket: client, head}, got, options)
  } catch (error) {
    if (left.signal.aborted) client.destroy()
    else refuseUpgrade(client, await (options.failed ?? messageFor)(error))
  }
}

/** Nothing is lost by asking again: the request has no body. */
async function patiently(upstream: Upstream, outgoing: Outgoing, patienceMs = 0): Promise<Answer> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await upstream.upgrade(outgoing)
    } catch (error) {
      const passing = error instanceof Error && 'code' in error && error.code === 'NETWORK'
      if (!passing || outgoing.signal.aborted || performance.now() > deadline) throw error
      await delay(againMs, undefined, {signal: outgoing.signal})
    }
  }
}

/** RFC 9112, 6: a request has a body when one of these says so. */
function hasBody({headers}: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

function outgoingHeaders(request: IncomingMessage, {outgoing}: ForwardOptions): HeaderMap {
  const headers = endToEnd(request.rawHeaders)
  return outgoing ? outgoing(headers) : headers
}

function answerHead(answer: IncomingMessage, {incoming}: ForwardOptions): Refusal | (AnswerHead & {through?: Transform[]}) {
  const head = {status: answer.statusCode ?? 502, headers: endToEnd(answer.rawHeaders)}
  return incoming ? incoming(head) : head
}

function headText({status, headers}: AnswerHead, phrase: string | undefined, hop: Record<string, string>): string {
  const lines = [`HTTP/1.1 ${status} ${phrase ?? ''}`]
  for (const [name, value] of Object.entries(withHeaders(headers, hop))) for (const one of [value].flat()) lines.push(`${name}: ${one}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
