import {scopes} from '@cgpu/core/google/scopes'

/** Scopes that say who somebody is: a person cannot refuse them one by one. */
export const identityScopes: ReadonlySet<string> = new Set([scopes.openid, scopes.email, scopes.profile])

const long: Record<string, string> = {email: scopes.email, profile: scopes.profile}

/** As Google grants them: long spellings, and `openid` wherever a profile is shared. */
export function grantedScopes(asked: readonly string[]): string[] {
  const names = new Set(asked.map((one) => long[one] ?? one))
  if (names.has(scopes.email) || names.has(scopes.profile)) names.add(scopes.openid)
  return [...names]
}

/** What a space-separated `scope` names, once each. */
export function parseScopes(text: string): string[] {
  return [...new Set(text.split(' ').filter((one) => one !== ''))]
}
