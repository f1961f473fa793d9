/** Of an error: an `AbortSignal` did it. Apart from `problem.ts`, as hooks are asked by what has little time to load. */
export function isAbort(error: unknown): boolean {
  const {name, code} = (error ?? {}) as {name?: unknown; code?: unknown} // either may be missing
  return name === 'AbortError' || code === 'ABORT_ERR'
}
