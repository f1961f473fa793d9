import {errors} from './errors.ts'

/** How an account signs in. Unknown kinds, of a newer cgpu, are shown as they are. */
export type AccountKind = 'oauth' | 'adc' | 'service-account' | 'token' | (string & {})

/** One signed-in identity. No secrets. */
export interface Account {
  /** `google:me@example.com`; stable */
  id: string
  kind: AccountKind
  email: string
  name?: string
  /** as granted: full URLs, or the short names of OpenID */
  scopes: string[]
}

export interface TokenRequest {
  /** id or email; default: the account that counts */
  account?: string | undefined
  /** what the token must be good for; SCOPE_MISSING (67), with the command that asks for it, when it was not granted */
  scopes?: readonly string[]
  /** a token that a host answered 401 to: another one is got, once for all processes */
  refused?: string
  signal?: AbortSignal | undefined
}

/**
 * The accounts of this user, as providers and commands see them. Tokens live in memory and in the account's own store;
 * whoever gets one sends it only to the hosts of `google/hosts.ts`.
 */
export interface AccountAccess {
  /** The one that counts: `--account`, CGPU_ACCOUNT, profile, else the active one. Throws SIGN_IN_REQUIRED (67). */
  current(): Promise<Account>
  /** All, the active one first. */
  list(): Promise<Account[]>
  /** An access token. Throws SIGN_IN_REQUIRED, SIGN_IN_EXPIRED (`invalid_grant`), SCOPE_MISSING (67), or network errors (69). */
  token(request?: TokenRequest): Promise<string>
}

const signIn = (): Promise<never> => Promise.reject(errors.auth('nobody is signed in', {code: 'SIGN_IN_REQUIRED', fix: 'cgpu auth login'}))

/** Where nobody can sign in. */
export const noAccounts: AccountAccess = {current: signIn, list: () => Promise.resolve([]), token: signIn}
