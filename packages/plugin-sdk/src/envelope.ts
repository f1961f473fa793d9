import type {CgpuError, ErrorCategory} from '@cgpu/core/errors'

export interface ErrorBody {
  code: string
  category: ErrorCategory
  message: string
  /** the next command to type, or what to change */
  fix: string | null
  retryable: boolean
  details?: Record<string, unknown>
}

export interface SuccessEnvelope<T = unknown> {
  schema: 1
  ok: true
  command: string
  data: T
  warnings: string[]
}

export interface FailureEnvelope {
  schema: 1
  ok: false
  command: string
  error: ErrorBody
  warnings: string[]
}

/** The one object that a command prints with --json. `command` is the id, `runtime:list`. */
export function success<T>(command: string, data: T, warnings: string[]): SuccessEnvelope<T> {
  return {schema: 1, ok: true, command, data, warnings}
}

export function failure(command: string, error: CgpuError, warnings: string[]): FailureEnvelope {
  const {code, category, message, fix, retryable, details} = error
  const body: ErrorBody = {code, category, message, fix: fix ?? null, retryable, ...(details === undefined ? {} : {details})}
  return {schema: 1, ok: false, command, error: body, warnings}
}
