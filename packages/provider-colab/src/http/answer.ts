import type {HttpAnswer} from '@cgpu/jupyter/http'
import {type CgpuError, errors} from '@cgpu/core/errors'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import * as z from 'zod/mini'

/** Colab may put this before JSON, so that no page can load it as a script (protocol notes, 3.0). */
const xssiPrefix = ")]}'\n"

/** The JSON of a good answer; undefined without a body. Throws CAPTIVE_PORTAL or PROTOCOL (69). */
export function jsonOf(answer: HttpAnswer, what: string): unknown {
  const text = answer.body.toString('utf8')
  const json = text.startsWith(xssiPrefix) ? text.slice(xssiPrefix.length) : text
  if (json.trim() === '') return undefined
  if (isHtml(answer)) throw captivePortal(what)
  try {
    return parseJson(json)
  } catch (cause) {
    throw protocolError(what, 'it is not JSON', cause)
  }
}

/** What a schema makes of the value. Throws PROTOCOL (69) that names the first place that is wrong. */
export function checked<T>(schema: z.ZodMiniType<T>, value: unknown, what: string): T {
  const result = z.safeParse(schema, value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = issue?.path.map(String).join('.') || 'the answer'
  throw protocolError(what, `${sanitizeLine(path, 80)}: ${sanitizeLine(issue?.message ?? 'wrong', 120)}`, result.error)
}

export function protocolError(what: string, why: string, cause?: unknown): CgpuError {
  return errors.network(`Colab's answer to ${what} cannot be understood: ${why}`, {
    code: 'PROTOCOL', fix: 'update cgpu: npm install -g @cgpu/cli; --verbose shows the requests', ...(cause === undefined ? {} : {cause}),
  })
}

function captivePortal(what: string): CgpuError {
  return errors.network(`a web page came back instead of Colab's answer to ${what}: something in the network is in the way`, {
    code: 'CAPTIVE_PORTAL', retryable: true, fix: 'sign in to the network (a browser shows its page), or check the proxy, then try again',
  })
}

/** A page for people. */
export function isHtml({headers, body}: HttpAnswer): boolean {
  return /^\s*</.test(body.subarray(0, 200).toString('utf8')) || (body.length > 0 && /^text\/html/i.test(headers['content-type'] ?? ''))
}

/** What Google says of an error. All of it may be missing. */
export interface Said {
  message?: string
  /** every `reason` of `google.rpc.ErrorInfo`, and the status name */
  reasons: string[]
}

/** Google's `{"error": {message, status, details: [{reason}]}}`, an OAuth-like `{"error": "…"}`, or nothing known. */
export function saidIn(answer: HttpAnswer): Said {
  let value: unknown
  try {
    value = jsonOf(answer, 'it')
  } catch {
    // what matters is the status
    return {reasons: []}
  }
  const error = isObject(value) ? value['error'] : undefined
  if (typeof error === 'string') return {message: sanitizeLine(error, 300), reasons: []}
  return isObject(error) ? saidOf(error) : {reasons: []}
}

export function saidOf(status: Record<string, unknown>): Said {
  const {message, status: name, details} = status
  const reasons = (Array.isArray(details) ? details : []).flatMap((one: unknown) =>
    isObject(one) && typeof one['reason'] === 'string' ? [one['reason']] : [])
  return {
    ...(typeof message === 'string' && message !== '' ? {message: sanitizeLine(message, 300)} : {}),
    reasons: [...reasons, ...(typeof name === 'string' ? [name] : [])],
  }
}
