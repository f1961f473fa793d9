import {JupyterError} from '../errors.ts'

export interface ProxyProblem {
  /** PROXY_INVALID: the variable holds no proxy that can be used */
  code: 'PROXY_AUTH_REQUIRED' | 'PROXY_FAILED' | 'PROXY_INVALID'
  /** what the user may change; names the variable, never its value */
  fix: string
}

/** A proxy stands in the way. To the rest of this package it is the network that fails; `proxy` says what to do about it. */
export class ProxyError extends JupyterError {
  readonly proxy: ProxyProblem

  constructor(message: string, {retryable = false, cause, ...proxy}: ProxyProblem & {retryable?: boolean; cause?: unknown}) {
    super('NETWORK', message, {retryable, cause})
    this.proxy = proxy
  }
}
