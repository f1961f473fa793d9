const key = Symbol.for('cgpu.early-warnings')

/** Shared by all copies of this package in the process. */
function list(): string[] {
  const holder = globalThis as unknown as Record<symbol, string[] | undefined> // a symbol of our own on the global object
  return (holder[key] ??= [])
}

/** A warning from before the command exists (an init hook): the command gives it out with its own. */
export function warnEarly(message: string): void {
  list().push(message)
}

export function takeEarlyWarnings(): string[] {
  return list().splice(0)
}
