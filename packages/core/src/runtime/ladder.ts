import {setTimeout as delay} from 'node:timers/promises'
import {CgpuError, errors, ExitCode} from '../errors.ts'
import type {ProgressEvent, RuntimeSpec} from '../provider.ts'
import {formatDuration} from '../text/format.ts'

/** One accelerator to try. */
export type Rung = RuntimeSpec['accelerator']

export interface LadderOptions {
  /** how long to go on when nothing is free; 0: each rung is tried once */
  waitMs?: number
  signal?: AbortSignal | undefined
  onProgress?: ((event: ProgressEvent) => void) | undefined
  /** told why a rung is passed over for good */
  onWarning?: ((message: string) => void) | undefined
  /** milliseconds that only go ahead */
  now?: () => number
  sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** in [0, 1), for the jitter */
  random?: () => number
}

interface Failure {
  rung: Rung
  error: CgpuError
  /** it may be had later: waiting is worth it */
  later: boolean
}

const firstPauseMs = 5_000
const longestPauseMs = 60_000

/** What another accelerator does not help against. */
const final = new Set(['ACCOUNT_DENYLISTED', 'TOO_MANY_RUNTIMES'])

/** `t4`, or `any gpu`, `cpu`. */
export const rungName = (rung: Rung): string => (rung.kind === 'cpu' ? 'cpu' : (rung.model ?? `any ${rung.kind}`))

/**
 * Tries accelerators in order until one can be had: each once, and with `waitMs` again and again, with growing pauses, those
 * that may become free. Throws at once what has nothing to do with the accelerator; else one error that lists what was tried.
 */
export async function climb<T>(rungs: readonly Rung[], attempt: (rung: Rung) => Promise<T>, options: LadderOptions = {}): Promise<T> {
  const {waitMs = 0, signal, onProgress, onWarning, now = () => performance.now(), sleep = pause, random = Math.random} = options
  const failures = new Map<Rung, Failure>()
  const deadline = now() + waitMs
  const mayWait = (all: Map<Rung, Failure>): boolean => waitMs > 0 && [...all.values()].some((one) => one.later)
  for (let round = 0; ; round++) {
    const open = rungs.filter((rung) => failures.get(rung)?.later ?? true)
    for (const [index, rung] of open.entries()) {
      signal?.throwIfAborted()
      try {
        return await attempt(rung)
      } catch (error) {
        const failure = failureOf(rung, error, round > 0)
        if (!failure) throw error
        failures.set(rung, failure)
        const next = open[index + 1]
        const last = next ? `; trying ${rungName(next)}` : ''
        // of the last one the error at the end tells, unless others are waited for
        if (!failure.later && (next || mayWait(failures))) onWarning?.(`${rungName(rung)}: ${failure.error.message}${last}`)
      }
    }
    const tried = [...failures.values()]
    const waiting = tried.filter((one) => one.later)
    const left = deadline - now()
    if (waiting.length === 0 || left <= 0) throw refusal(tried, waitMs)
    const asked = Math.max(0, ...waiting.map(({error}) => Number(error.details?.['retryAfterSeconds']) || 0)) * 1000
    const grown = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(round, 10)) * (0.75 + random() / 2)
    const ms = Math.min(left, Math.max(asked, grown))
    onProgress?.({
      message: `no ${list(waiting)} is free; waiting, ${formatDuration(left)} at most`, detail: `asking again in ${formatDuration(ms)}`,
    })
    await sleep(ms, signal)
  }
}

/** Undefined when no other accelerator, and no waiting, would help. */
function failureOf(rung: Rung, error: unknown, hasWaited: boolean): Failure | undefined {
  if (!(error instanceof CgpuError) || final.has(error.code)) return undefined
  if (error.exit === ExitCode.quota) return {rung, error, later: error.retryable || error.code === 'ACCELERATOR_MISMATCH'}
  // whoever waits for hours is not stopped by a network that is down for a minute
  return hasWaited && error.exit === ExitCode.network && error.retryable ? {rung, error, later: true} : undefined
}

function refusal(tried: Failure[], waitMs: number): CgpuError {
  const [first] = tried
  if (!first) throw new Error('no accelerator was tried')
  const later = tried.some((one) => one.later)
  if (tried.length === 1 && waitMs === 0) return withWait(first)
  const waited = later && waitMs > 0 ? ` within ${formatDuration(waitMs)}` : ''
  const codes = new Set(tried.map(({error}) => error.code))
  return errors.quota(`no ${list(tried)} could be had${waited}: ${tried.map(({rung, error}) => `${rungName(rung)}: ${error.message}`).join('; ')}`, {
    code: codes.size === 1 ? first.error.code : 'ACCELERATOR_UNAVAILABLE',
    category: later ? 'capacity' : 'quota',
    retryable: later,
    fix: later ? (waitMs > 0 ? 'try again later, or add others: --gpu a100,l4,t4' : waitFix) : (first.error.fix ?? 'cgpu runtime accelerators'),
    details: {tried: tried.map(({rung, error}) => ({accelerator: rungName(rung), code: error.code, message: error.message, retryable: error.retryable}))},
  })
}

const waitFix = 'wait for one: --wait 30m; or give others to try: --gpu a100,l4,t4'

/** The provider does not know that cgpu can wait. */
function withWait({error}: Failure): CgpuError {
  if (!error.retryable || error.category !== 'capacity') return error
  const {message, code, category, exit, retryable, details} = error
  return new CgpuError(message, {code, category, exit, retryable, fix: waitFix, cause: error, ...(details ? {details} : {})})
}

const list = (tried: Failure[]): string => new Intl.ListFormat('en', {type: 'disjunction'}).format(tried.map(({rung}) => rungName(rung)))

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal ? {signal} : {})
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}
