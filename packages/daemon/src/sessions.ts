import type {Cgpu} from '@cgpu/core/cgpu'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {RuntimeSession, SessionOptions} from '@cgpu/core/runtime/session'
import type {SessionStatus} from './status.ts'

type LinkListener = NonNullable<SessionOptions['onLink']>

interface Warm {
  key: string
  record: RuntimeRecord
  session: RuntimeSession
  users: Set<LinkListener>
  usedAt: number
  /** its link is down, or its machine is gone: no new work comes to it */
  bad: boolean
  /** not ours any more: closed when the last one is done with it */
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
  /** so long after the last work the provider is told that the machine is used. Default 5 minutes */
  keepAliveMs?: number
  now?: () => number
}

/** Settings that do not change how a runtime is reached. */
const unrelated = new Set(['runtime', 'kernel', 'quiet', 'daemon', 'keep', 'wait', 'gpu', 'tpu', 'cpu', 'high-ram', 'image', 'lease', 'allow-downgrade', 'python', 'profile', 'provider'])

/** Sessions that stay open between commands, one for each runtime and way to reach it. */
export class WarmSessions {
  readonly #warm = new Map<string, Promise<Warm>>()
  readonly #all = new Set<Warm>()
  readonly #idleMs: number
  readonly #keepAliveMs: number
  readonly #now: () => number

  constructor({idleMs = 10 * 60_000, keepAliveMs = 5 * 60_000, now = Date.now}: WarmSessionsOptions = {}) {
    this.#idleMs = idleMs
    this.#keepAliveMs = keepAliveMs
    this.#now = now
  }

  /** A session on this runtime, open already or opened now. Rejects as `Cgpu.connect` does. */
  async use(cgpu: Cgpu, record: RuntimeRecord, onLink: LinkListener): Promise<UsedSession> {
    const key = keyOf(cgpu, record)
    let opening = this.#warm.get(key)
    const before = await opening?.catch(() => undefined)
    if (before?.bad) this.#drop(before)
    if (!before || before.bad) {
      // whoever came here first opens it for all
      const now = this.#warm.get(key)
      opening = now && now !== opening ? now : this.#open(cgpu, record, key)
      this.#warm.set(key, opening)
    }
    const warm = await opening!.catch((error: unknown) => {
      if (this.#warm.get(key) === opening) this.#warm.delete(key)
      throw error
    })
    warm.users.add(onLink)
    warm.usedAt = this.#now()
    return {
      session: warm.session,
      done: () => {
        warm.users.delete(onLink)
        warm.usedAt = this.#now()
        if ((warm.bad || warm.dropped) && warm.users.size === 0) this.#drop(warm)
      },
    }
  }

  status(): SessionStatus[] {
    return [...this.#all].map(({record, users, usedAt}) => ({runtime: record.name, running: users.size, idleSeconds: Math.round((this.#now() - usedAt) / 1000)}))
  }

  get running(): number {
    return [...this.#all].reduce((sum, {users}) => sum + users.size, 0)
  }

  /** Closes what nobody used for long, and what is on runtimes that are not there any more. `known`: ids that are remembered. */
  sweep(known?: ReadonlySet<string>): void {
    for (const warm of this.#all) {
      const idle = warm.users.size === 0
      if (idle && (this.#now() - warm.usedAt >= this.#idleMs || (known && !known.has(warm.record.id)))) this.#drop(warm)
    }
  }

  async close(): Promise<void> {
    const closing = [...this.#all].map((warm) => warm.session.close().catch(() => undefined))
    this.#all.clear()
    this.#warm.clear()
    await Promise.all(closing)
  }

  async #open(cgpu: Cgpu, record: RuntimeRecord, key: string): Promise<Warm> {
    let warm: Warm | undefined
    const session = await cgpu.connect(record, {
      keepsAlive: () => warm !== undefined && (warm.users.size > 0 || this.#now() - warm.usedAt < this.#keepAliveMs),
      onGone: () => {
        if (warm) warm.bad = true
      },
      onLink: (state, reason) => {
        if (!warm) return
        // work that runs waits for the link; new work does not
        warm.bad = state === 'reconnecting'
        for (const tell of warm.users) tell(state, reason)
        if (warm.bad && warm.users.size === 0) this.#drop(warm)
      },
    })
    warm = {key, record, session, users: new Set(), usedAt: this.#now(), bad: false, dropped: false}
    this.#all.add(warm)
    return warm
  }

  #drop(warm: Warm): void {
    warm.dropped = true
    this.#all.delete(warm)
    const {key} = warm
    void this.#warm.get(key)?.then((current) => {
      if (current === warm) this.#warm.delete(key)
    }, () => undefined)
    if (warm.users.size === 0) void warm.session.close().catch(() => undefined)
  }
}

function keyOf({settings}: Cgpu, {id, createdAt, endpointUrl, account}: RuntimeRecord): string {
  const relevant = settings.all.filter(({key, value}) => value !== undefined && !unrelated.has(key)).map(({key, value}) => [key, value])
  return JSON.stringify([id, createdAt, endpointUrl, account ?? null, relevant])
}
