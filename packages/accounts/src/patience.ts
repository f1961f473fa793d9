import {setTimeout as delay} from 'node:timers/promises'
import {CgpuError, errors} from '@cgpu/core/errors'
import {type Send, serverTime, type WireAnswer} from './wire.ts'

export interface Patience {
  /** waits between attempts */
  pause: (ms: number, signal?: AbortSignal) => Promise<void>
  /** all attempts together, waiting included */
  budgetMs: number
  attempts: number
  now: () => number
}

export const patience: Patience = {
  async pause(ms, signal) {
    // the reason of the abort, not node's own error
    await delay(ms, undefined, signal ? {signal} : {}).catch(() => signal?.throwIfAborted())
  },
  budgetMs: 20_000,
  attempts: 4,
  now: () => performance.now(),
}

/**
 * Sends until an answer comes that is neither 429 nor 5xx: four times at most, and within 20 s. A Retry-After is kept to; one
 * that is longer than that ends it at once. Throws GOOGLE_BUSY (69), or what `send` threw last.
 */
export const patiently = (send: Send, {pause, budgetMs, attempts, now}: Patience = patience): Send => async request => {
  const deadline = now() + budgetMs
  for (let attempt = 1; ; attempt++) {
    const outcome = await send(request).catch((error: unknown) => {
      if (error instanceof CgpuError && error.retryable) return error
      throw error
    })
    if (!(outcome instanceof CgpuError) && outcome.status !== 429 && outcome.status < 500) return outcome
    const asked = outcome instanceof CgpuError ? undefined : retryAfterMs(outcome)
    const wait = asked ?? 500 * 2 ** (attempt - 1) * (0.5 + Math.random())
    if (attempt >= attempts || now() + wait > deadline) throw outcome instanceof CgpuError ? outcome : busy(outcome, asked)
    await pause(wait, request.signal)
  }
}

/** Seconds or a date (RFC 9110 section 10.2.3); one that has passed means now. */
function retryAfterMs(answer: WireAnswer): number | undefined {
  const text = answer.headers['retry-after']?.trim()
  if (text === undefined || text === '') return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1000
  // by the server's own clock, so that ours may be wrong
  const wait = Date.parse(text) - (serverTime(answer) ?? Date.now())
  return Number.isNaN(wait) || text.startsWith('-') ? undefined : Math.max(0, wait)
}

function busy({host, status}: WireAnswer, retryAfter: number | undefined): CgpuError {
  const later = retryAfter === undefined ? 'try again in a minute' : `try again in ${Math.ceil(retryAfter / 1000)} s`
  return errors.network(status === 429 ? `${host} takes no more requests for now` : `${host} does not work for now (status ${status})`, {
    code: 'GOOGLE_BUSY', retryable: true, fix: `${later}; you stay signed in`,
    details: {status, ...(retryAfter === undefined ? {} : {retryAfterSeconds: Math.ceil(retryAfter / 1000)})},
  })
}
