import type {Duplex} from 'node:stream'

/** A peer that has vanished is noticed after this and some ten seconds more, where the connection is silent. */
const silenceMs = 15_000

export interface End {
  socket: Duplex
  /** what was read from it already */
  head: Buffer
}

/** Everything that one side sends goes to the other; when one ends, both do. */
export function joinSockets(one: End, other: End): void {
  for (const [from, to] of [[one, other], [other, one]] as const) {
    if ('setNoDelay' in from.socket && typeof from.socket.setNoDelay === 'function') from.socket.setNoDelay(true)
    if ('setKeepAlive' in from.socket && typeof from.socket.setKeepAlive === 'function') from.socket.setKeepAlive(true, silenceMs)
    if (from.head.length > 0) to.socket.write(from.head)
    from.socket.pipe(to.socket)
    from.socket.on('error', () => to.socket.destroy())
    from.socket.once('close', () => to.socket.destroy())
  }
}
