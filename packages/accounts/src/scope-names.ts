import {errors} from '@cgpu/core/errors'
import {scopes} from '@cgpu/core/google/scopes'
import {didYouMean} from '@cgpu/core/text/closest'
import {sanitizeLine} from '@cgpu/core/text/line'

/** What people type for a scope: the end of its URL. */
const scopeNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(scopes).map((scope) => [scope.replace(/^.*\/auth\//, ''), scope]),
)

/** Full scopes for what was typed: `drive`, or a whole URL. Throws UNKNOWN_SCOPE (64). */
export function scopesNamed(typed: readonly string[]): string[] {
  return typed.flatMap((one) => one.split(/[\s,]+/)).filter((one) => one !== '').map((name) => {
    if (/^https:\/\/[\x21-\x7e]+$/.test(name)) return name
    const found = Object.hasOwn(scopeNames, name) ? scopeNames[name] : undefined
    if (found !== undefined) return found
    throw errors.usage(`there is no scope "${sanitizeLine(name, 80)}"`, {
      code: 'UNKNOWN_SCOPE', fix: didYouMean(name, Object.keys(scopeNames)) ?? `choose of: ${Object.keys(scopeNames).join(', ')}, or give a whole URL`,
    })
  })
}
