import type {Socket} from 'node:net'
import type {WebSocket} from 'ws'

export interface HeartbeatOptions {
  intervalMs: number
  onDead: () => void
}

/**
 * Pings every interval. Any received byte is a sign of life, and so is progress in what we send: a ping waits behind a big
 * frame on a slow line. Two intervals without either, and the link is dead, though no FIN came (half-open: cable, NAT, sleep).
 * A socket that we paused ourselves is not judged. Returns how to stop.
 */
export function watchHeartbeat(ws: WebSocket, socket: Socket, options: HeartbeatOptions): () => void {
  let read = socket.bytesRead
  let waiting = ws.bufferedAmount
  let misses = 0
  const timer = setInterval(() => {
    const alive = socket.bytesRead !== read || ws.bufferedAmount < waiting || ws.isPaused
    misses = alive ? 0 : misses + 1
    read = socket.bytesRead
    waiting = ws.bufferedAmount
    if (misses >= 2) return options.onDead()
    ws.ping(undefined, undefined, () => {})
  }, options.intervalMs)
  return () => clearInterval(timer)
}
