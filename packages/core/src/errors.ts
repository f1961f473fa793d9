import type {ProxyProblem} from '@cgpu/jupyter/proxy'

/** The exit statuses of `docs/exit-codes.md`. 1-63 and 128+n belong to the remote program. */
export const ExitCode = {
  ok: 0,
  usage: 64,
  data: 65,
  notFound: 66,
  auth: 67,
  quota: 68,
  network: 69,
  internal: 70,
  lost: 71,
  conflict: 72,
  cannotWrite: 73,
  vetoed: 75,
  stillRunning: 124,
  unknownCommand: 127,
  interrupted: 130,
} as const

export const errorCategories = [
  'usage', 'auth', 'quota', 'capacity', 'network', 'runtime', 'kernel', 'code', 'file', 'sync', 'plugin', 'internal',
] as const
export type ErrorCategory = (typeof errorCategories)[number]

export interface CgpuErrorOptions {
  /** stable, SCREAMING_SNAKE */
  code: string
  category: ErrorCategory
  exit: number
  /** the next command to type, or what to change */
  fix?: string | undefined
  retryable?: boolean
  /** shown with --json; never secrets */
  details?: Record<string, unknown>
  cause?: unknown
}

const brand = Symbol.for('cgpu.error')

/**
 * An error that is the user's to understand: one sentence, a stable code, an exit status, a fix.
 * Anything else that is thrown is a bug in cgpu (exit 70). `instanceof` holds across copies of this package.
 */
export class CgpuError extends Error {
  readonly code: string
  readonly category: ErrorCategory
  readonly exit: number
  readonly fix: string | undefined
  readonly retryable: boolean
  readonly details: Record<string, unknown> | undefined
  readonly [brand] = true

  constructor(message: string, options: CgpuErrorOptions) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause})
    this.name = 'CgpuError'
    this.code = options.code
    this.category = options.category
    this.exit = options.exit
    this.fix = options.fix
    this.retryable = options.retryable ?? false
    this.details = options.details
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true
  }
}

/** The same error, saying more to whoever reads its details. What is no error of ours stays as it is. */
export function withDetails(error: unknown, more: Record<string, unknown>): unknown {
  if (!(error instanceof CgpuError)) return error
  const {message, code, category, exit, fix, retryable, details, cause} = error
  return new CgpuError(message, {code, category, exit, fix, retryable, details: {...details, ...more}, cause})
}

type Shape = Omit<CgpuErrorOptions, 'category' | 'exit'> & {category?: ErrorCategory}
const kind = (category: ErrorCategory, exit: number) => (message: string, options: Shape): CgpuError =>
  new CgpuError(message, {category, exit, ...options})

/** The one place where errors are made: a maker per exit status. */
export const errors = {
  usage: kind('usage', ExitCode.usage),
  data: kind('usage', ExitCode.data),
  notFound: kind('runtime', ExitCode.notFound),
  auth: kind('auth', ExitCode.auth),
  quota: kind('quota', ExitCode.quota),
  network: kind('network', ExitCode.network),
  lost: kind('runtime', ExitCode.lost),
  conflict: kind('runtime', ExitCode.conflict),
  cannotWrite: kind('file', ExitCode.cannotWrite),
  vetoed: kind('plugin', ExitCode.vetoed),
  stillRunning: kind('runtime', ExitCode.stillRunning),
  interrupted: kind('runtime', ExitCode.interrupted),
}

/** What the jupyter library's ProxyError says, in the user's terms: PROXY_AUTH_REQUIRED, PROXY_FAILED (69), PROXY_INVALID (64). */
export function proxyProblem(error: unknown): CgpuError | undefined {
  // by its shape, so that the library is not loaded to ask
  if (!(error instanceof Error) || error.name !== 'JupyterError' || !('proxy' in error)) return undefined
  const {code, fix} = error.proxy as ProxyProblem
  const retryable = 'retryable' in error && error.retryable === true
  return (code === 'PROXY_INVALID' ? errors.usage : errors.network)(error.message, {code, fix, retryable, cause: error})
}
