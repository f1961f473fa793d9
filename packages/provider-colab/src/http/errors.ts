import type {HttpAnswer} from '@cgpu/jupyter/http'
import {CgpuError, errors, proxyProblem} from '@cgpu/core/errors'
import {isLoopback} from '@cgpu/core/loopback'
import {sanitizeLine} from '@cgpu/core/text/line'
import {protocolError, saidIn} from './answer.ts'

/** A status that no caller understood, in the user's terms. `what` names the request, `retryAfter` (ms) is what the server asked for. */
export function statusError(answer: HttpAnswer, what: string, host: string, retryAfter?: number): CgpuError {
  const {status} = answer
  const {message} = saidIn(answer)
  const because = message === undefined ? '' : `: ${message}`
  const details = {status, ...(retryAfter === undefined ? {} : {retryAfterSeconds: Math.ceil(retryAfter / 1000)})}
  if (status >= 300 && status < 400) {
    return errors.network(`${host} redirects ${what} elsewhere${placeOf(answer)}; redirects are not followed with a token`, {
      code: 'REDIRECTED', fix: 'sign in to the network (a browser shows its page), or check the proxy', details,
    })
  }
  if (status === 403) return errors.auth(`Colab forbids ${what}${because}`, {code: 'FORBIDDEN', fix: 'cgpu auth status', details})
  if (status === 404) return errors.notFound(`Colab knows nothing at ${what}${because}`, {code: 'NOT_FOUND', fix: 'cgpu runtime list', details})
  if (status === 429) {
    return errors.network(`Colab is asked too often (429 to ${what})${because}`, {code: 'RATE_LIMITED', retryable: true, fix: 'wait a minute, then try again', details})
  }
  if (status >= 500) {
    return errors.network(`Colab has a problem of its own (${status} to ${what})${because}`, {
      code: 'COLAB_UNAVAILABLE', retryable: true, fix: 'try again in a minute', details,
    })
  }
  return errors.network(`Colab refused ${what} with ${status}${because}`, {code: 'COLAB_REFUSED', fix: 'update cgpu; --verbose shows the requests', details})
}

/** What a socket threw. The jupyter library's errors are known by their name, so that it need not be loaded. */
export function requestFailed(error: unknown, what: string, host: string): unknown {
  if (error instanceof CgpuError || !(error instanceof Error) || error.name !== 'JupyterError') return error
  const proxy = proxyProblem(error)
  if (proxy) return proxy
  const code = 'code' in error ? error.code : undefined
  const said = sanitizeLine(error.message, 300)
  if (code === 'TLS') {
    return errors.network(`${host} cannot be trusted: ${said}`, {
      code: 'TLS_NOT_TRUSTED', fix: 'if a proxy inspects traffic here, name its authority in NODE_EXTRA_CA_CERTS', cause: error,
    })
  }
  if (code === 'PROTOCOL') return protocolError(what, said, error)
  // only an emulator is on this machine; one that is started again has another address
  const fix = isLoopback(host.replace(/:\d+$/, '')) ? 'start the emulator, and use it in this shell: eval "$(cgpu emulator start --env)"' : 'check the network, then try again'
  return errors.network(`Colab cannot be reached: ${said}`, {code: 'COLAB_UNREACHABLE', retryable: true, fix, cause: error})
}

export function signInRefused(account: string, what: string): CgpuError {
  return errors.auth(`Colab does not take the sign-in of ${account} (401 to ${what})`, {code: 'SIGN_IN_EXPIRED', fix: 'cgpu auth login'})
}

export function scopeMissing(account: string): CgpuError {
  return errors.auth(`the sign-in of ${account} does not include Colab`, {code: 'SCOPE_MISSING', fix: 'cgpu auth login, and leave Colab ticked'})
}

function placeOf(answer: HttpAnswer): string {
  const {location} = answer.headers
  return location === undefined ? '' : ` (to ${sanitizeLine(location.replace(/[?#].*$/s, ''), 120)})`
}
