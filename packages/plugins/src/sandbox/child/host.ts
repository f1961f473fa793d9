/** The way to cgpu. What is asked of it is checked there: nothing here is a boundary. Imports nothing: it is there before the SDK can be found. */

export interface Answer {
  message: string
  code?: string
  exit?: number
  fix?: string
  category?: string
  retryable?: boolean
  details?: Record<string, unknown>
}

export interface Reply {
  result?: unknown
  error?: Answer
}

const waiting = new Map<number, (reply: Reply) => void>()
let calls = 0
const send = process.send?.bind(process)

export const tell = (message: Record<string, unknown>): void => void send?.(message)

/** Asks cgpu for something; `signal` gives it up there too. */
export async function exchange(method: string, params: Record<string, unknown>, signal: AbortSignal | undefined): Promise<Reply> {
  const id = ++calls
  const {promise, resolve} = Promise.withResolvers<Reply>()
  waiting.set(id, resolve)
  tell({type: 'call', id, method, params})
  const cancel = (): void => tell({type: 'cancel', id})
  if (signal?.aborted) cancel()
  signal?.addEventListener('abort', cancel, {once: true})
  try {
    return await promise
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}

/** An answer from the host. */
export function settle({answer, ...reply}: Reply & {answer: number}): void {
  waiting.get(answer)?.(reply)
  waiting.delete(answer)
}

/** What was thrown, as fields. */
export function answerOf(thrown: unknown): Answer & {name?: string; stack?: string} {
  if (typeof thrown !== 'object' || thrown === null) return {message: String(thrown)}
  const {message, code, exit, fix, category, retryable, details, name, stack, oclif} = thrown as Record<string, unknown> & {oclif?: {exit?: unknown}} // anything may be thrown
  const status = exit ?? oclif?.exit
  return {
    message: typeof message === 'string' ? message : 'it failed',
    ...(typeof code === 'string' ? {code} : {}), ...(typeof status === 'number' ? {exit: status} : {}), ...(typeof fix === 'string' ? {fix} : {}),
    ...(typeof category === 'string' ? {category} : {}), ...(retryable === true ? {retryable} : {}),
    ...(typeof details === 'object' && details !== null ? {details: details as Record<string, unknown>} : {}),
    ...(typeof name === 'string' ? {name} : {}), ...(typeof stack === 'string' ? {stack} : {}),
  }
}
