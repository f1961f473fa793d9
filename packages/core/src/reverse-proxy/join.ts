import {randomBytes} from 'node:crypto'
import type {Duplex} from 'node:stream'
import {FrameReader} from './frames.ts'

export interface End {
  socket: Duplex
  /** what was read from it already */
  head: Buffer
}

export interface JoinOptions {
  /** Told of each piece of a message, from either side; pings are none. */
  onMessage?: (() => void) | undefined
  /** The upstream is asked for a sign of life so often; after two without one it is given up. Default 20_000 */
  pingMs?: number | undefined
}

const missesAllowed = 2

/**
 * Joins a client and an upstream that speak WebSocket: everything that one sends goes to the other, and when one ends, both
 * do. Pings to the upstream are put between the client's frames (RFC 6455, 5.5.2): they keep the way open, and show when it
 * is dead without a word. Their answers reach the client, which passes over a pong that it did not ask for.
 */
export function joinSockets(client: End, upstream: End, {onMessage, pingMs = 20_000}: JoinOptions = {}): void {
  const asked = new FrameReader()
  let heard = true
  watch(client, asked, onMessage)
  watch(upstream, new FrameReader(), onMessage, () => (heard = true))
  let misses = 0
  const timer = setInterval(() => {
    // while the client takes nothing more, nothing more is read
    misses = heard || client.socket.writableNeedDrain ? 0 : misses + 1
    if (misses >= missesAllowed) return void upstream.socket.destroy()
    heard = false
    if (asked.between && !upstream.socket.writableNeedDrain) upstream.socket.write(ping())
  }, pingMs)
  upstream.socket.once('close', () => clearInterval(timer))
  passOn(client, upstream)
  passOn(upstream, client)
}

function watch({socket, head}: End, reader: FrameReader, onMessage: (() => void) | undefined, onBytes?: () => void): void {
  const look = (chunk: Buffer): void => {
    onBytes?.()
    if (reader.push(chunk)) onMessage?.()
  }
  if (head.length > 0) look(head)
  socket.on('data', look)
}

function passOn(from: End, to: End): void {
  if ('setNoDelay' in from.socket && typeof from.socket.setNoDelay === 'function') from.socket.setNoDelay(true)
  if (from.head.length > 0) to.socket.write(from.head)
  from.socket.pipe(to.socket)
  from.socket.on('error', () => to.socket.destroy())
  from.socket.once('close', () => to.socket.destroy())
}

/** Without a payload, masked as all that clients send. */
function ping(): Buffer {
  return Buffer.concat([Buffer.from([0x89, 0x80]), randomBytes(4)])
}
