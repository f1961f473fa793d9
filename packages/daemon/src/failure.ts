import {CgpuError, type ErrorCategory} from '@cgpu/core/errors'

/** An error as it travels; what is no CgpuError has no `exit`. */
export interface RemoteFailure {
  name?: string
  message: string
  code?: string
  category?: ErrorCategory
  exit?: number
  fix?: string
  retryable?: boolean
  details?: Record<string, unknown>
  syscall?: string
  path?: string
  /** of the innermost cause; shown with --verbose only */
  stack?: string
}

export function failureOf(error: unknown): RemoteFailure {
  if (!(error instanceof Error)) return {message: String(error)}
  const {cause} = error
  const stack = (cause instanceof Error ? cause.stack : undefined) ?? error.stack
  const common = {name: error.name, message: error.message, ...(stack === undefined ? {} : {stack})}
  if (error instanceof CgpuError) {
    const {code, category, exit, fix, retryable, details} = error
    return {...common, code, category, exit, retryable, ...(fix === undefined ? {} : {fix}), ...(details ? {details} : {})}
  }
  const {code, syscall, path} = error as NodeJS.ErrnoException // any may be missing
  return {
    ...common, ...(typeof code === 'string' ? {code} : {}), ...(typeof syscall === 'string' ? {syscall} : {}), ...(typeof path === 'string' ? {path} : {}),
  }
}

/** The error again, with what commands look at. */
export function errorOf({name, message, code, category = 'internal', exit, fix, retryable, details, syscall, path, stack}: RemoteFailure): Error {
  if (exit !== undefined && code !== undefined) {
    return new CgpuError(message, {code, category, exit, fix, retryable: retryable ?? false, ...(details ? {details} : {})})
  }
  const error = Object.assign(new Error(message), {name: name ?? 'Error'}, code === undefined ? {} : {code}, syscall === undefined ? {} : {syscall}, path === undefined ? {} : {path})
  if (stack !== undefined) error.stack = stack
  return error
}
