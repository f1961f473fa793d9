import {type CgpuError, errors} from '@cgpu/core/errors'
import type {HttpAnswer} from '@cgpu/jupyter/http'
import {saidIn} from '../http/answer.ts'
import {isCgpuFailure} from '../http/transport.ts'
import {type Assignment, AssignRefused, type ProxyToken, type Wish} from './api.ts'
import {acceleratorOf, proxyOf, shapeOf, variantOf} from './vocabulary.ts'

// How dialect T asks for a machine, and what its answers mean (protocol notes, 3.2).

export const assignPath = '/tun/m/assign'
/** These always come as high-memory machines, and the parameter is then left out. */
const highMemoryOnly = new Set(['L4', 'V28', 'V5E1', 'V6E1'])

export function assignQuery({key, variant, accelerator, highMemory, image}: Wish): Record<string, string> {
  return {
    nbh: key,
    ...(variant === 'CPU' ? {} : {variant, accelerator}),
    ...(highMemory && !highMemoryOnly.has(accelerator) ? {shape: 'hm'} : {}),
    ...(image === undefined ? {} : {runtime_version_label: image}),
  }
}

interface Kind {
  endpoint: string
  accelerator?: string | undefined
  variant?: string | number | undefined
  machineShape?: string | number | undefined
}

export function kindOf({endpoint, accelerator, variant, machineShape}: Kind): Assignment {
  const model = acceleratorOf(accelerator)
  return {endpoint, accelerator: model, variant: variantOf(variant, model), shape: shapeOf(machineShape)}
}

type ProxyInfoT = {token: string; url: string; tokenExpiresInSeconds?: number | undefined} | undefined

export function machineOf(answer: Kind & {fit?: number | undefined; runtimeProxyInfo?: ProxyInfoT}): Assignment {
  const {fit} = answer
  return {
    ...kindOf(answer), ...proxyT(answer.runtimeProxyInfo, assignPath),
    ...(fit !== undefined && Number.isFinite(fit) && fit > 0 ? {idleTimeoutSeconds: fit} : {}),
  }
}

export function proxyT(info: ProxyInfoT, what: string): {proxy?: ProxyToken} {
  return info ? {proxy: proxyOf(info, info.tokenExpiresInSeconds, what)} : {}
}

/** Statuses of an assignment that say no (protocol notes, 3.2). */
export function refuse(answer: HttpAnswer): void {
  const {status} = answer
  const said = saidIn(answer).message
  if (status === 412) throw new AssignRefused('too-many', said)
  if (status === 503) throw new AssignRefused('capacity', said)
  if (status === 400) throw new AssignRefused('entitlement', said)
}

export function refuseOutcome(outcome: string | number | undefined): void {
  const name = String(outcome ?? '')
  if (/^[123]$|QUOTA/.test(name)) throw new AssignRefused('quota')
  if (/^5$|DENYLIST/.test(name)) throw new AssignRefused('denylisted')
}

/** A stale token of the pair; another GET gives another. */
export function refuseXsrf(answer: HttpAnswer, what: string): void {
  if (answer.status !== 403) return
  const {message} = saidIn(answer)
  throw errors.auth(`Colab did not take the token that it gave for ${what}${message === undefined ? '' : `: ${message}`}`, {
    code: 'XSRF_REFUSED', fix: 'cgpu auth status',
  })
}

/** A refused pair token is worth one more; a POST that failed otherwise may or may not have been carried out, which the GET tells. */
export function mayRepeat(error: unknown, attempt: number): error is CgpuError {
  return isCgpuFailure(error) && (error.retryable || (error.code === 'XSRF_REFUSED' && attempt === 1))
}

/** Milliseconds; the client has waited for what a server asks in `Retry-After` only where a request may be repeated. */
export function waitOf(error: CgpuError, attempt: number): number {
  if (error.code === 'XSRF_REFUSED') return 0
  const seconds = error.details?.['retryAfterSeconds']
  return typeof seconds === 'number' ? seconds * 1000 : 500 * 2 ** (attempt - 1)
}
