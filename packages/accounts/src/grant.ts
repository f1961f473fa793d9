import {z} from 'zod/mini'
import {sanitizeLine} from '@cgpu/core/text/line'
import {jsonOf, serverTime, unexpected, type WireAnswer} from './wire.ts'

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
