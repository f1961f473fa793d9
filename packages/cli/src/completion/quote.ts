import type {TypedLine} from './typed.ts'

/**
 * The rest of a word as bash takes it for just this text, behind what stays as it is and within the quote that is open. Undefined:
 * it cannot be written there.
 */
export function quoteForBash(value: string, {kept, quote}: Pick<TypedLine, 'kept' | 'quote'>): string | undefined {
  const rest = value.slice(kept)
  if (quote === "'") return rest.replaceAll("'", `'\\''`)
  // within double quotes no backslash keeps `!` from the history
  if (quote === '"') return rest.includes('!') ? undefined : rest.replaceAll(/["$`\\]/g, '\\$&')
  return rest.replaceAll(/[^\w./:=@%+,\u0080-\u{10ffff}-]/gu, '\\$&')
}

/** A word as PowerShell takes it for just this text: curly quotes are quotes there too. */
export function quoteForPowerShell(value: string): string {
  return /^[\w./:=+~-]+$/.test(value) && !/^[~-]/.test(value.slice(0, 1)) ? value : /^--?[\w-]+(=[\w./:+-]*)?$/.test(value) ? value : `'${value.replaceAll(/['\u2018-\u201b]/g, '$&$&')}'`
}
