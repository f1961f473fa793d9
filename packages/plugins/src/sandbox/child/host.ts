/** The way to cgpu. What is asked of it is checked there: nothing here is a boundary. */

export interface Answer {
  message: string
  code?: string
  exit?: number
  fix?: string
  category?: string
  retryable?: boolean
  details?: Record<string, unknown>
}

const waiting = new Map<number, {resolve: (value: unknown) => void; reject: (error: Error) => void}>()
let calls = 0
const send = process.send?.bind(process)

export const tell = (message: Record<string, unknown>): void => void send?.(message)

/** The same fields as the host's CgpuError. */
export class CgpuError extends Error {
  readonly code: string
  readonly category: string
  readonly exit: number
  readonly fix: string | undefined
  readonly retryable: boolean
  readonly details: Record<string, unknown> | undefined

  constructor(message: string, options: Omit<Answer, 'message'> & {cause?: unknown} = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause})
    this.name = 'CgpuError'
    this.code = options.code ?? 'COMMAND_FAILED'
    this.category = options.category ?? 'plugin'
    this.exit = options.exit ?? 65
    this.fix = options.fix
    this.retryable = options.retryable ?? false
    this.details = options.details
  }
}

/** Asks cgpu for something that was granted. Throws what it answers, such as NOT_GRANTED. */
export async function ask<T>(method: string, params: Record<string, unknown> = {}): Promise<T> {
  const id = ++calls
  const {promise, resolve, reject} = Promise.withResolvers<unknown>()
  waiting.set(id, {resolve, reject})
  tell({type: 'call', id, method, params})
  return (await promise) as T // the host's answer to this method
}

/** An answer from the host. */
export function settle({answer, result, error}: {answer: number; result?: unknown; error?: Answer}): void {
  const call = waiting.get(answer)
  waiting.delete(answer)
  if (error) call?.reject(new CgpuError(error.message, error))
  else call?.resolve(result)
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
