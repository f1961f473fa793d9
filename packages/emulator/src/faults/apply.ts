import type {IncomingMessage, ServerResponse} from 'node:http'
import type {Socket} from 'node:net'
import type {MetFault} from '../frame/frame.ts'
import {shapeWrites} from '../frame/shape-writes.ts'
import {cutBody, halved, mistyped, rewriteBody} from './rewrite.ts'
import type {FaultAction} from './rule.ts'

const portal = '<!doctype html>\n<html lang="en"><head><title>Sign in to the network</title></head><body><h1>Welcome</h1><p>Accept the terms to use this network.</p></body></html>\n'

/** The fault, ready to happen to one call. */
export function applied(id: string, action: FaultAction): MetFault {
  return {
    id,
    request: (request, response, proceed) => later(action.latency, () => {
      if (!response.destroyed) answer(action, request, response, proceed)
    }),
    upgrade: (request, socket, proceed) => later(action.latency, () => {
      if (!socket.destroyed) upgrade(action, request, socket, proceed)
    }),
  }
}

function later(ms: number | undefined, then: () => void): void {
  if (ms === undefined || ms === 0) then()
  else setTimeout(then, ms).unref()
}

function answer(action: FaultAction, request: IncomingMessage, response: ServerResponse, proceed: () => void): void {
  const {socket} = request
  if (action.dripBytesPerSecond !== undefined) {
    // the socket stays bent: it may not serve another request
    response.shouldKeepAlive = false
    shapeWrites(socket, {bytesPerSecond: action.dripBytesPerSecond})
  }
  if (action.cutAfter !== undefined) cutBody(response, action.cutAfter)
  if (action.freeze) {
    request.resume()
  } else if (action.drop === 'before') {
    socket.resetAndDestroy()
  } else if (action.drop === 'after') {
    response.shouldKeepAlive = false
    shapeWrites(socket, {discard: true})
    // in place of the orderly end: a reset after one has begun fails, and leaves a handle that keeps the process from ending
    socket.destroySoon = () => void socket.resetAndDestroy()
    proceed()
  } else if (action.malformed || action.wrongTypes) {
    rewriteBody(response, action.malformed ? halved : mistyped)
    proceed()
  } else if (action.giant !== undefined) {
    request.resume()
    sendGiant(response, action)
  } else if (hasFixedAnswer(action)) {
    request.resume()
    const {status, headers, body} = fixedAnswer(action)
    response.writeHead(status, headers).end(body)
  } else {
    for (const [name, value] of Object.entries(action.headers ?? {})) response.setHeader(name, value)
    proceed()
  }
}

function upgrade(action: FaultAction, request: IncomingMessage, socket: Socket, proceed: () => void): void {
  if (action.freeze) return
  if (action.drop === 'before') {
    socket.resetAndDestroy()
  } else if (hasFixedAnswer(action)) {
    const {status, headers, body} = fixedAnswer(action)
    const lines = Object.entries({...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close'}).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${status} ${status === 302 ? 'Found' : 'Fault'}\r\n${lines.join('')}\r\n${body}`)
  } else {
    // the handshake is what the server accepted; then the connection is lost
    shapeWrites(socket, {cutAfter: action.drop === 'after' ? 0 : action.cutAfter, bytesPerSecond: action.dripBytesPerSecond})
    proceed()
  }
}

const hasFixedAnswer = (action: FaultAction): boolean => action.status !== undefined || action.html !== undefined || action.redirect !== undefined

function fixedAnswer(action: FaultAction): {status: number; headers: Record<string, string>; body: string} {
  const given = Object.fromEntries(Object.entries(action.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  if (action.redirect !== undefined) return {status: action.status ?? 302, headers: {location: action.redirect, ...given}, body: ''}
  if (action.html !== undefined) {
    return {status: action.status ?? 200, headers: {'content-type': 'text/html; charset=utf-8', ...given}, body: action.html === true ? portal : action.html}
  }
  const status = action.status ?? 500
  const retry = action.retryAfter === undefined ? {} : {'retry-after': String(action.retryAfter)}
  if (typeof action.body === 'string') return {status, headers: {'content-type': 'text/plain; charset=utf-8', ...retry, ...given}, body: action.body}
  // as Google's front ends put it
  const body = action.body ?? {error: {code: status, message: `the emulator answers ${status} as its faults say`, status: 'FAULT'}}
  return {status, headers: {'content-type': 'application/json; charset=utf-8', ...retry, ...given}, body: JSON.stringify(body)}
}

/** `{"padding":"xxx…"}`, as fast as it is read. */
function sendGiant(response: ServerResponse, {giant = 1, headers}: FaultAction): void {
  const [open, close] = ['{"padding":"', '"}']
  const size = Math.max(giant, open.length + close.length)
  response.writeHead(200, {'content-type': 'application/json', 'content-length': size, ...headers})
  response.write(open)
  const piece = Buffer.alloc(64 * 1024, 'x')
  let left = size - open.length - close.length
  const more = (): void => {
    while (left > 0) {
      if (response.destroyed) return
      const part = piece.subarray(0, Math.min(left, piece.length))
      left -= part.length
      if (!response.write(part)) return void response.once('drain', more)
    }
    response.end(close)
  }
  more()
}
