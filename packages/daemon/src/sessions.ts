import type {Cgpu} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {RuntimeSession, SessionOptions} from '@cgpu/core/runtime/session'
import type {SessionStatus} from './status.ts'

type LinkListener = NonNullable<SessionOptions['onLink']>

interface Warm {
  key: string
  record: RuntimeRecord
  session: RuntimeSession
  users: Set<{onLink: LinkListener}>
  usedAt: number
  /** its link is down, its machine is gone, or its time is over: new work does not find it, and it is closed when the last one is done with it */
  dropped: boolean
}

/** A session while it is used. */
export interface UsedSession {
  session: RuntimeSession
  /** it may serve others; what still runs on it does not count as work any more */
  done: () => void
}

export interface WarmSessionsOptions {
  /** a session that nobody used for so long is closed: a machine that nobody uses must not be kept from going. Default 10 minutes */
  idleMs?: number
  /** so long after the last work the provider is told that the machine is used. Default: half of that */
  keepAliveMs?: number
  /** of those that nobody uses so many stay, those that were used last. Default 16 */
  keep?: number
  now?: () => number
}

/** Settings that do not change how a runtime is reached. */
const unrelated = new Set(['runtime', 'kernel', 'quiet', 'daemon', 'keep', 'wait', 'gpu', 'tpu', 'cpu', 'high-ram', 'image', 'lease', 'allow-downgrade', 'python', 'profile', 'provider'])

/** Sessions that stay open between commands, one for each runtime and way to reach it. */
export class WarmSessions {
  /** those that new work finds, some of them still being opened */
  readonly #warm = new Map<string, Promise<Warm>>()
  /** those that are open */
  readonly #all = new Set<Warm>()
  readonly #idleMs: number
  readonly #keepAliveMs: number
  readonly #keep: number
  readonly #now: () => number
  #closed = false

  constructor({idleMs = 10 * 60_000, keepAliveMs = idleMs / 2, keep = 16, now = Date.now}: WarmSessionsOptions = {}) {
    this.#idleMs = idleMs
    this.#keepAliveMs = keepAliveMs
    this.#keep = keep
    this.#now = now
  }

  /** A session on this runtime, open already or opened now. Rejects as `Cgpu.connect` does, and with SESSION_CLOSED after `close`. */
  async use(cgpu: Cgpu, record: RuntimeRecord, onLink: LinkListener): Promise<UsedSession> {
    const key = keyOf(cgpu, record)
    const find = (): Promise<Warm> => this.#warm.get(key) ?? this.#begin(cgpu, record, key)
    let warm = await find()
    // one that went while it was waited for serves nobody
    while (warm.dropped) warm = await find()
    // a command beside the daemon may have restarted a kernel
    warm.session.recall(record)
    const user = {onLink}
    warm.users.add(user)
    warm.usedAt = this.#now()
    return {
      session: warm.session,
      done: () => {
        warm.users.delete(user)
        warm.usedAt = this.#now()
        if (warm.dropped) this.#closeUnused(warm)
        else this.#limit()
      },
    }
  }

  status(): SessionStatus[] {
    return [...this.#all].map(({record, users, usedAt}) => ({runtime: record.name, running: users.size, idleSeconds: Math.round((this.#now() - usedAt) / 1000)}))
  }

  /** Closes what nobody used for long. */
  sweep(): void {
    for (const warm of this.#all) if (warm.users.size === 0 && this.#now() - warm.usedAt >= this.#idleMs) this.#drop(warm)
  }

  /** Closes all, those too that are used or still being opened. */
  async close(): Promise<void> {
    this.#closed = true
    this.#warm.clear()
    const closing = [...this.#all].map((warm) => {
      warm.dropped = true
      return warm.session.close().catch(() => undefined)
    })
    this.#all.clear()
    await Promise.all(closing)
  }

  /** Opens one for all who come meanwhile; a failure is theirs, and the next one tries again. */
  #begin(cgpu: Cgpu, record: RuntimeRecord, key: string): Promise<Warm> {
    const opening = this.#open(cgpu, record, key)
    this.#warm.set(key, opening)
    opening.catch(() => {
      if (this.#warm.get(key) === opening) this.#warm.delete(key)
    })
    return opening
  }

  async #open(cgpu: Cgpu, record: RuntimeRecord, key: string): Promise<Warm> {
    this.#refuseClosed(record)
    let warm: Warm | undefined
    const session = await cgpu.connect(record, {
      keepsAlive: () => warm !== undefined && (warm.users.size > 0 || this.#now() - warm.usedAt < this.#keepAliveMs),
      onGone: () => {
        if (warm) this.#drop(warm)
      },
      onLink: (state, reason) => {
        if (!warm) return
        for (const user of warm.users) user.onLink(state, reason)
        // work that runs waits for the link; new work does not
        if (state === 'reconnecting') this.#drop(warm)
      },
    })
    if (this.#closed) await session.close().catch(() => undefined)
    this.#refuseClosed(record)
    warm = {key, record, session, users: new Set(), usedAt: this.#now(), dropped: false}
    this.#all.add(warm)
    return warm
  }

  #refuseClosed({name}: RuntimeRecord): void {
    if (this.#closed) throw errors.interrupted(`the connection to ${name} was closed`, {code: 'SESSION_CLOSED'})
  }

  /** New work opens another one from now on: at once, or that one would be forgotten in its place. */
  #drop(warm: Warm): void {
    if (!warm.dropped) this.#warm.delete(warm.key)
    warm.dropped = true
    this.#closeUnused(warm)
  }

  #closeUnused(warm: Warm): void {
    if (warm.users.size > 0 || !this.#all.delete(warm)) return
    void warm.session.close().catch(() => undefined)
  }

  #limit(): void {
    const idle = [...this.#all].filter(({users}) => users.size === 0).sort((a, b) => b.usedAt - a.usedAt)
    for (const warm of idle.slice(this.#keep)) this.#drop(warm)
  }
}

/** Its name too: messages tell it. */
function keyOf({settings}: Cgpu, {id, name, createdAt, endpointUrl, account}: RuntimeRecord): string {
  const relevant = settings.all.filter(({key, value}) => value !== undefined && !unrelated.has(key)).map(({key, value}) => [key, value])
  return JSON.stringify([id, name, createdAt, endpointUrl, account ?? null, relevant])
}
