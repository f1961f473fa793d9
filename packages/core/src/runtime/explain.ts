import type {JupyterError, JupyterErrorCode} from '@cgpu/jupyter'
import {CgpuError, errors, proxyProblem} from '../errors.ts'
import {gone, reclaimed} from './choose.ts'
import type {RuntimeRecord} from './record.ts'

type Place = Pick<RuntimeRecord, 'name'>
type Maker = (place: Place, error: JupyterError) => CgpuError

const makers: Record<JupyterErrorCode, Maker> = {
  AUTH: (place, error) =>
    errors.auth(`${place.name} refused the token`, {
      code: 'TOKEN_REFUSED', fix: 'add it again with a valid token: cgpu runtime add URL --token-stdin', cause: error,
    }),
  NOT_FOUND: (place, error) =>
    errors.notFound(`${place.name}: ${error.message}`, {code: 'NOT_FOUND', fix: 'cgpu runtime show', cause: error}),
  CONFLICT: (place, error) => errors.conflict(`${place.name}: ${error.message}`, {code: 'CONFLICT', cause: error}),
  HTTP: (place, error) =>
    errors.network(`${place.name}: ${error.message}`, {
      code: 'SERVER_ERROR', category: 'network', retryable: true, fix: 'see the server\'s own log; --verbose shows the request', cause: error,
    }),
  NETWORK: (place, error) =>
    errors.network(`${place.name} does not answer: ${error.message}`, {
      code: 'RUNTIME_UNREACHABLE', category: 'network', retryable: true, fix: 'check the network, and that its server runs; how the others are: cgpu runtime list', cause: error,
    }),
  TLS: (place, error) =>
    errors.network(`the certificate of ${place.name} is not trusted: ${error.message}`, {
      code: 'TLS_NOT_TRUSTED', fix: 'add its authority: cgpu runtime add URL --ca FILE', cause: error,
    }),
  REDIRECT: (place, error) =>
    errors.network(`${place.name} redirects elsewhere: ${error.message}`, {
      code: 'REDIRECTED', fix: 'add the runtime by the address that it redirects to', cause: error,
    }),
  PROTOCOL: (place, error) =>
    errors.network(`${place.name} does not answer as a Jupyter server does: ${error.message}`, {
      code: 'NOT_JUPYTER', fix: 'check the URL', cause: error,
    }),
  TOO_BIG: (place, error) =>
    errors.usage(`that is too big to send to ${place.name} at once: ${error.message}`, {
      code: 'CODE_TOO_BIG', fix: 'run it as a script: cgpu run SCRIPT', cause: error,
    }),
  KERNEL_DEAD: (place, error) =>
    errors.lost(`the kernel on ${place.name} died`, {
      code: 'KERNEL_DIED', category: 'kernel',
      fix: 'often it ran out of memory: use less of it, or a runtime with more; the next exec starts a new kernel', cause: error,
    }),
  KERNEL_RESTARTED: (place, error) =>
    errors.lost(`the kernel on ${place.name} was restarted while the code ran`, {
      code: 'KERNEL_RESTARTED', category: 'kernel',
      fix: 'often it ran out of memory or someone restarted it; its variables are gone, run the code again', cause: error,
    }),
  GONE: (place) => reclaimed(place),
  CLOSED: (place, error) => errors.interrupted(`the connection to ${place.name} was closed`, {code: 'CLOSED', cause: error}),
}

/** A JupyterError in the user's terms; anything else as it is. */
export function explain(error: unknown, place: Place): unknown {
  if (error instanceof CgpuError || !(error instanceof Error) || error.name !== 'JupyterError') return error
  const jupyter = error as JupyterError // by its name, so that core does not load the library to ask
  return proxyProblem(error) ?? makers[jupyter.code]?.(place, jupyter) ?? error
}

/** An error of work that had not begun, on a session that others have worked on: a machine that was taken away is gone, and nothing was lost with it. */
export function explainUnbegun(error: unknown, place: Place): unknown {
  return error instanceof CgpuError && error.code === 'RUNTIME_RECLAIMED' ? gone(place) : error
}
