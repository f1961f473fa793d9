import type {ProxyProblem} from '@cgpu/jupyter/proxy'
import {type CgpuError, errors} from './errors.ts'

/** What the jupyter library's ProxyError says, in the user's terms: PROXY_AUTH_REQUIRED, PROXY_FAILED (69), PROXY_INVALID (64). */
export function proxyProblem(error: unknown): CgpuError | undefined {
  // by its shape, so that the library is not loaded to ask
  if (!(error instanceof Error) || error.name !== 'JupyterError' || !('proxy' in error)) return undefined
  const {code, fix} = error.proxy as ProxyProblem
  const retryable = 'retryable' in error && error.retryable === true
  return (code === 'PROXY_INVALID' ? errors.usage : errors.network)(error.message, {code, fix, retryable, cause: error})
}
