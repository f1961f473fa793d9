import type {JupyterErrorCode} from './contract.ts'

export interface JupyterErrorOptions {
  /** HTTP status, where there was one */
  status?: number | undefined
  retryable?: boolean | undefined
  cause?: unknown
}

/**
 * The only error this package throws on purpose (an aborted signal throws the signal's own reason).
 * `retryable` says that the same call may succeed later without anybody changing anything.
 */
export class JupyterError extends Error {
  readonly code: JupyterErrorCode
  readonly status: number | undefined
  readonly retryable: boolean

  constructor(code: JupyterErrorCode, message: string, options: JupyterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause})
    this.name = 'JupyterError'
    this.code = code
    this.status = options.status
    this.retryable = options.retryable ?? code === 'NETWORK'
  }
}

const tlsCodes =
  /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET)|INVALID_CA|HOSTNAME_MISMATCH|EPROTO)/

/** Whether a system error's code says that TLS failed. */
export function isTlsCode(code: string): boolean {
  return tlsCodes.test(code)
}

/** Sorts what node's sockets throw into NETWORK, TLS and PROTOCOL. `where` is a host, never a URL with a query. */
export function fromSocketError(error: unknown, where: string): JupyterError {
  if (error instanceof JupyterError) return error
  const code = errorCode(error)
  if (code !== undefined && isTlsCode(code)) {
    return new JupyterError('TLS', `the certificate of ${where} is not accepted (${code})`, {cause: error})
  }
  if (code?.startsWith('HPE_')) return new JupyterError('PROTOCOL', `${where} does not speak HTTP (${code})`, {cause: error})
  return new JupyterError('NETWORK', `cannot reach ${where} (${code ?? messageOf(error)})`, {cause: error})
}

/** The code of a system error. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
