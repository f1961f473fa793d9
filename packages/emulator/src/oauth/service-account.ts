import {createPublicKey, verify} from 'node:crypto'
import {z} from 'zod'
import {OAuthError} from './error.ts'

const claims = z.object({
  iss: z.string(), scope: z.string().default(''), aud: z.string(), exp: z.number(), iat: z.number(), sub: z.string().optional(),
})
const header = z.object({alg: z.literal('RS256')})

const hour = 3600
/** how far clocks may differ, in seconds */
const leeway = 300

interface Rules {
  keys: readonly {email: string; publicKey: string}[]
  audiences: readonly string[]
  /** milliseconds */
  now: number
}

/** Checks the JWT that a service account signs for itself. Source: RFC 7523; Google's "OAuth 2.0 for server to server applications". */
export function verifyAssertion(jwt: string, {keys, audiences, now}: Rules): {email: string; scope: string} | {error: OAuthError} {
  const [head = '', body = '', signature = ''] = jwt.split('.')
  const parsed = claims.safeParse(decode(body))
  if (!header.safeParse(decode(head)).success || !parsed.success) return grantError('Invalid JWT: it is malformed or not signed with RS256.')
  const {iss, scope, aud, exp, iat, sub} = parsed.data
  const key = keys.find((one) => one.email === iss)
  if (key === undefined) return grantError('Invalid grant: account not found')
  if (!signed(key.publicKey, `${head}.${body}`, signature)) return grantError('Invalid JWT Signature.')
  const seconds = now / 1000
  if (exp <= seconds - leeway || iat > seconds + leeway || exp - iat > hour + leeway) {
    return grantError('Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.')
  }
  if (!audiences.includes(aud)) return {error: new OAuthError('invalid_request', 'Invalid JWT: Failed audience check.')}
  if (sub !== undefined && sub !== iss) return {error: new OAuthError('unauthorized_client', 'Client is unauthorized to retrieve access tokens using this method.', {status: 401})}
  if (scope === '') return {error: new OAuthError('invalid_scope', 'Empty or missing scope not allowed.')}
  return {email: iss, scope}
}

function grantError(why: string): {error: OAuthError} {
  return {error: new OAuthError('invalid_grant', why)}
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString())
  } catch {
    return undefined
  }
}

function signed(publicKey: string, text: string, signature: string): boolean {
  try {
    return verify('RSA-SHA256', Buffer.from(text), createPublicKey(publicKey), Buffer.from(signature, 'base64url'))
  } catch {
    return false
  }
}
