/** Where it runs and how it tells of it: no part of what is done. */
const leftOut = new Set(['runtime', 'account', 'output', 'log-output', 'json', 'quiet', 'verbose'])

/** What was given of the flags, as words that give it again. `definitions` are the command's; `isDefault` says what was not given. */
export function wordsOf(flags: Readonly<Record<string, unknown>>, definitions: Readonly<Record<string, object>>, isDefault: (name: string) => boolean): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (leftOut.has(name) || isDefault(name)) return []
    if (value === true) return [`--${name}`]
    if (value === false) return isNegatable(definitions[name]) ? [`--no-${name}`] : []
    return [value].flat().filter((one) => typeof one === 'string').flatMap((one) => (one.startsWith('-') ? [`--${name}=${one}`] : [`--${name}`, one]))
  })
}

const isNegatable = (definition: object | undefined): boolean => definition !== undefined && 'allowNo' in definition && definition.allowNo === true
