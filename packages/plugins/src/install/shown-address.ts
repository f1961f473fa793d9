import {sanitizeLine} from '@cgpu/core/text/line'

/** An address as it is shown: what stands before its host may be a password or a token; of ssh, a name alone is none. */
export function shownAddress(address: string, max = 300): string {
  const shown = address.replace(/(\w+:\/\/)([^/@\s]*)@/, (all, scheme: string, who: string) => (scheme.endsWith('ssh://') && !who.includes(':') ? all : `${scheme}…@`))
  return sanitizeLine(shown, max)
}
