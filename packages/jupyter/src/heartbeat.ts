/** What can be seen of a socket at one moment. Counters only grow. */
export interface Signs {
  bytesRead: number
  /** big messages' parts that the system took off our hands; small ones it takes of a dead link as well */
  sendsFlushed: number
  /** we do not read, because a consumer is busy */
  paused: boolean
}

export interface HeartbeatOptions {
  intervalMs: number
  look: () => Signs
  ping: () => void
  onDead: () => void
}

/** Intervals without a sign of life after which a link is given up. */
const allowedMisses = 2
/** The same before the first byte: a server reads nothing, pings included, until a restarting kernel has answered it. */
const allowedAtFirst = 6

/**
 * Judges a link by what was seen at each tick. Any received byte is a sign of life, and so is progress in what we send: on a
 * slow line a ping waits behind a big message. A socket that we paused ourselves is not judged.
 */
export class Pulse {
  readonly #first: Signs
  #last: Signs
  #misses = 0

  constructor(first: Signs) {
    this.#first = this.#last = first
  }

  /** True when the link is dead, though no FIN or RST came: cable, NAT, sleep. */
  tick(now: Signs): boolean {
    const alive = now.bytesRead !== this.#last.bytesRead || now.sendsFlushed !== this.#last.sendsFlushed || now.paused
    this.#misses = alive ? 0 : this.#misses + 1
    this.#last = now
    return this.#misses >= (now.bytesRead === this.#first.bytesRead ? allowedAtFirst : allowedMisses)
  }
}

/** Pings every interval until the link is dead. Returns how to stop. */
export function watchHeartbeat(options: HeartbeatOptions): () => void {
  const pulse = new Pulse(options.look())
  const timer = setInterval(() => {
    if (pulse.tick(options.look())) options.onDead()
    else options.ping()
  }, options.intervalMs)
  return () => clearInterval(timer)
}
