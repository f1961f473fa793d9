import {setTimeout as delay} from 'node:timers/promises'
import {z} from 'zod/mini'
import {CgpuError, errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {jsonOf, type Send, unexpected, type WireAnswer, type WireRequest} from './wire.ts'

/** What a token endpoint gave. Facts: RFC 6749 section 5.1, and shared protocol notes, section 2.2. */
export interface Grant {
  accessToken: string
  /** seconds */
  expiresIn: number
  refreshToken?: string
  /** what was granted; undefined: just what was asked for */
  scopes?: string[]
}

/** No header may be broken by a token, and none is longer in practice. */
const tokenText = z.string().check(z.regex(/^[\x21-\x7e]{1,8192}$/))
const seconds = z.union([z.number(), z.pipe(z.string().check(z.regex(/^\d{1,9}$/)), z.transform(Number))])
const grantShape = z.object({
  access_token: tokenText,
  expires_in: z.optional(seconds),
  refresh_token: z.optional(tokenText),
  scope: z.optional(z.string()),
  token_type: z.optional(z.string()),
})
const refusalShape = z.object({error: z.string(), error_description: z.optional(z.string()), error_subtype: z.optional(z.string())})

/** The token endpoint said no, for good: RFC 6749 section 5.2. */
export class GrantRefused extends Error {
  /** `invalid_grant`, `invalid_client`, … */
  readonly reason: string
  /** `invalid_rapt`: the organisation wants a new sign-in */
  readonly subtype: string | undefined
  readonly description: string | undefined
  /** milliseconds since 1970 by the server's clock */
  readonly serverTime: number | undefined

  constructor(refusal: z.infer<typeof refusalShape>, serverTime?: number) {
    super(`the token endpoint refused: ${sanitizeLine(refusal.error, 60)}`)
    this.name = 'GrantRefused'
    this.reason = refusal.error
    this.subtype = refusal.error_subtype
    this.description = refusal.error_description === undefined ? undefined : sanitizeLine(refusal.error_description, 200)
    this.serverTime = serverTime
  }
}

/** Reads an answer of a token endpoint. Throws GrantRefused, or a CgpuError of exit 69. */
export function readGrant(answer: WireAnswer): Grant {
  const {host, status} = answer
  const body = jsonOf(answer)
  if (status >= 400) {
    const refusal = z.safeParse(refusalShape, body)
    if (refusal.success && status < 500) throw new GrantRefused(refusal.data, serverTime(answer))
    throw unexpected(host, `with status ${status}`)
  }
  const parsed = z.safeParse(grantShape, body)
  if (status !== 200 || !parsed.success) throw unexpected(host, `with something that is no token (status ${status})`)
  const {access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn = 3600, scope, token_type: type = 'Bearer'} = parsed.data
  if (type.toLowerCase() !== 'bearer') throw unexpected(host, `with a token of the type "${sanitizeLine(type, 40)}"`)
  if (!(expiresIn > 0 && expiresIn <= 31 * 86_400)) throw unexpected(host, 'with a token that lives for no sensible time')
  const scopes = scope?.split(' ').filter(one => one !== '')
  return {accessToken, expiresIn, ...(refreshToken === undefined ? {} : {refreshToken}), ...(scopes === undefined ? {} : {scopes})}
}

export function serverTime({headers}: WireAnswer): number | undefined {
  const time = Date.parse(headers.date ?? '')
  return Number.isNaN(time) ? undefined : time
}

export interface Patience {
  /** waits between attempts */
  pause: (ms: number, signal?: AbortSignal) => Promise<void>
  /** all attempts together, waiting included */
  budgetMs: number
  attempts: number
  now: () => number
}

export const patience: Patience = {
  pause: (ms, signal) => delay(ms, undefined, signal ? {signal} : {}),
  budgetMs: 20_000,
  attempts: 4,
  now: () => performance.now(),
}

/**
 * Sends until an answer comes that is neither 429 nor 5xx: four times at most, and within 20 s. A Retry-After is kept to; one
 * that is longer than that ends it at once. Throws BUSY (exit 69), or what `send` threw last.
 */
export async function sendPatiently(send: Send, request: WireRequest, {pause, budgetMs, attempts, now}: Patience = patience): Promise<WireAnswer> {
  const deadline = now() + budgetMs
  for (let attempt = 1; ; attempt++) {
    const outcome = await send(request).catch((error: unknown) => {
      if (error instanceof CgpuError && error.code === 'GOOGLE_UNREACHABLE') return error
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
  return Number.isNaN(wait) || /^-/.test(text) ? undefined : Math.max(0, wait)
}

function busy({host, status}: WireAnswer, retryAfter: number | undefined): CgpuError {
  const later = retryAfter === undefined ? 'try again in a minute' : `try again in ${Math.ceil(retryAfter / 1000)} s`
  return errors.network(status === 429 ? `${host} takes no more requests for now` : `${host} does not work for now (status ${status})`, {
    code: 'GOOGLE_BUSY', retryable: true, fix: `${later}; you stay signed in`,
    details: {status, ...(retryAfter === undefined ? {} : {retryAfterSeconds: Math.ceil(retryAfter / 1000)})},
  })
}
