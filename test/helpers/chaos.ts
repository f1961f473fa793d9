import {connect, createServer} from 'node:net'
import type {Server, Socket} from 'node:net'

interface Pair {
  client: Socket
  upstream: Socket
  /** neither side hears of the other any more, and neither is told */
  dead: boolean
}

/** A TCP proxy that misbehaves on demand. Design and measurements: research/security-reliability.md, appendix A.1. */
export class ChaosProxy {
  readonly port: number
  /** `blackhole` swallows everything, of old and new connections; `mute` swallows what the server says */
  mode: 'pass' | 'blackhole' | 'mute' = 'pass'
  /** false: connections are reset as they come */
  accept = true
  /** each piece arrives this much later */
  delayMs = 0
  /** connections are reset after so many bytes in total, both directions */
  cutAfter = Infinity
  /** the byte that is the so-manieth in total, both directions, arrives as another one */
  spoilAt = Infinity
  /** bytes per 100 ms and direction; undefined is as fast as it goes */
  drip: number | undefined
  /** what has passed so far */
  bytes = 0
  /** connections that were made so far */
  connections = 0
  /** connections that were refused so far */
  refused = 0
  readonly #pairs = new Set<Pair>()
  readonly #server: Server
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  url(path = '/'): string {
    return `http://127.0.0.1:${this.port}${path}`
  }

  /** Half-open: existing connections carry nothing more, and no FIN or RST tells. New ones work. */
  freezeExisting(): void {
    for (const pair of this.#pairs) pair.dead = true
  }

  rstAll(): void {
    for (const pair of this.#pairs) reset(pair)
  }

  /** Only the client learns of it: the server goes on believing. */
  rstClientOnly(): void {
    for (const pair of this.#pairs) {
      pair.dead = true
      rst(pair.client)
    }
  }

  finAll(): void {
    for (const pair of this.#pairs) {
      pair.client.end()
      pair.upstream.end()
    }
  }

  /** New connections are refused from now on; `refuse(false)` ends that. */
  refuse(on = true): void {
    this.accept = !on
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const pair of this.#pairs) reset(pair)
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  /** A connection came in. */
  join(client: Socket, target: number): void {
    if (!this.accept) {
      this.refused++
      return rst(client)
    }
    this.connections++
    const upstream = connect({port: target, host: '127.0.0.1', allowHalfOpen: true})
    const pair: Pair = {client, upstream, dead: false}
    this.#pairs.add(pair)
    this.#forward(pair, client, upstream)
    this.#forward(pair, upstream, client)
  }

  #forward(pair: Pair, from: Socket, to: Socket): void {
    // without Nagle's algorithm: the proxy should add nothing of its own
    from.setNoDelay(true)
    // what comes later never overtakes, whatever the delay is by then
    const queue: {due: number; work: () => void}[] = []
    const inTurn = (work: () => void): void => {
      if (this.delayMs === 0 && queue.length === 0) return work()
      queue.push({due: performance.now() + this.delayMs, work})
      if (queue.length === 1) next()
    }
    const next = (): void => {
      const first = queue[0]
      if (!first) return
      this.#later(() => {
        first.work()
        queue.shift()
        next()
      }, Math.max(0, first.due - performance.now()))
    }
    from.on('data', data => {
      if (pair.dead || this.mode === 'blackhole' || (this.mode === 'mute' && from === pair.upstream)) return
      const spoilt = this.spoilAt - this.bytes
      if (spoilt >= 0 && spoilt < data.length) data.writeUInt8((data[spoilt] ?? 0) ^ 1, spoilt)
      this.bytes += data.length
      if (this.bytes > this.cutAfter) {
        // nothing behind the cut may pass, should the cut be over before the reset is
        pair.dead = true
        to.write(data.subarray(0, Math.max(0, data.length - (this.bytes - this.cutAfter))), () => reset(pair))
        return
      }
      if (this.drip !== undefined) this.#trickle(from, to, data, this.drip)
      else inTurn(() => this.#pass(from, to, data))
    })
    from.on('end', () => {
      if (!pair.dead && this.mode === 'pass') inTurn(() => void to.end())
    })
    from.on('error', () => {
      if (!pair.dead) to.destroy()
    })
    from.on('close', () => {
      if (from.destroyed && to.destroyed) this.#pairs.delete(pair)
      if (!pair.dead) inTurn(() => void to.destroy())
    })
  }

  #pass(from: Socket, to: Socket, data: Buffer): void {
    if (!to.writable || to.write(data)) return
    from.pause()
    to.once('drain', () => void from.resume())
  }

  #trickle(from: Socket, to: Socket, data: Buffer, rate: number): void {
    from.pause()
    const step = (start: number): void => {
      if (start >= data.length) return void from.resume()
      const piece = data.subarray(start, start + rate)
      if (to.writable) to.write(piece)
      this.#later(() => step(start + rate), (100 * piece.length) / rate)
    }
    step(0)
  }

  #later(work: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      work()
    }, ms)
    this.#timers.add(timer)
  }
}

function reset(pair: Pair): void {
  rst(pair.client)
  rst(pair.upstream)
}

/** One that has said its last word is only closed: Node 24 spins for ever at its exit after a reset of a socket that is shutting down. */
function rst(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

/** A proxy in front of another port, on a random one of loopback, or on the one that a former proxy had. */
export function startChaos(targetPort: number, port = 0): Promise<ChaosProxy> {
  return new Promise((resolve, reject) => {
    // filled before anything can connect: nobody knows the port yet
    let proxy: ChaosProxy | undefined
    const server = createServer({allowHalfOpen: true}, client => proxy?.join(client, targetPort))
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') return reject(new Error('the proxy has no port'))
      proxy = new ChaosProxy(server, address.port)
      resolve(proxy)
    })
  })
}
