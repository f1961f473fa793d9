/** A signal that is aborted so much later than the given one, and for its reason. */
export function graceAfter(signal: AbortSignal, ms: number): AbortSignal {
  const late = new AbortController()
  signal.addEventListener('abort', () => setTimeout(() => late.abort(signal.reason), ms).unref(), {once: true})
  return late.signal
}
