import type * as http from 'node:http'
import {CgpuError, errors, proxyProblem} from '@cgpu/core/errors'
import {parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {proxied, proxySet} from '@cgpu/jupyter/proxy'

export interface WireRequest {
  method: 'GET' | 'POST'
  url: string
  headers?: Record<string, string>
  /** sent as application/x-www-form-urlencoded */
  form?: Record<string, string>
  signal?: AbortSignal | undefined
}

export interface WireAnswer {
  /** host and port that answered, for messages */
  host: string
  status: number
  headers: http.IncomingHttpHeaders
  text: string
}

/** One request, one answer. Redirects are answers: what is sent here goes to no other host. */
export type Send = (request: WireRequest) => Promise<WireAnswer>

/** A sign-in answer is a few kilobytes. */
const maxBytes = 256 * 1024

/** How long a connection may take, and the whole answer after it. */
export interface Limits {
  connectMs: number
  answerMs: number
}

const usual: Limits = {connectMs: 10_000, answerMs: 20_000}

// not imported: an import of node:http loads undici, which takes 30 ms
const node = {http: process.getBuiltinModule('node:http'), https: process.getBuiltinModule('node:https')}

/**
 * Throws errors of exit 69: GOOGLE_UNREACHABLE, TLS_NOT_TRUSTED, UNEXPECTED_ANSWER for one that is too big, PROXY_FAILED,
 * PROXY_AUTH_REQUIRED; PROXY_INVALID (64).
 */
export const sender = ({connectMs, answerMs}: Limits = usual): Send => ({method, url: address, headers = {}, form, signal}) => {
  const url = new URL(address)
  const body = form === undefined ? undefined : Buffer.from(new URLSearchParams(form).toString())
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? node.https : node.http).request(url, {
      method,
      headers: {
        accept: 'application/json',
        ...headers,
        ...(body ? {'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length} : {}),
      },
      agent: proxySet() && proxied(new (url.protocol === 'https:' ? node.https : node.http).Agent(), url),
      ...(signal ? {signal, tunnelSignal: signal} : {}),
    })
    let timer: NodeJS.Timeout | undefined
    const within = (ms: number, what: string): void => {
      clearTimeout(timer)
      timer = setTimeout(() => request.destroy(unreachable(url, `${what} within ${ms / 1000} s`)), ms)
    }
    const fail = (error: unknown): void => {
      clearTimeout(timer)
      reject(signal?.aborted ? signal.reason as Error : explain(url, error)) // whoever aborts gives an error
    }
    within(connectMs, 'it did not accept a connection')
    request.on('error', fail)
    request.once('socket', socket => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => within(answerMs, 'it did not answer'))
    })
    request.once('response', response => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > maxBytes) request.destroy(unexpected(url.host, `with more than ${maxBytes / 1024} KiB`))
        else chunks.push(chunk)
      })
      response.once('error', fail)
      response.once('end', () => {
        clearTimeout(timer)
        resolve({host: url.host, status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8')})
      })
    })
    request.end(body)
  })
}

/** Says what was sent and how it ended: method, place, status, milliseconds. */
export const traced = (send: Send, trace: (line: string) => void): Send => async request => {
  const {host, pathname} = new URL(request.url)
  const started = performance.now()
  const line = (end: string): void => trace(`${request.method} ${host}${pathname} ${end} ${Math.round(performance.now() - started)} ms`)
  try {
    const answer = await send(request)
    line(String(answer.status))
    return answer
  } catch (error) {
    line(error instanceof CgpuError ? error.code : 'failed')
    throw error
  }
}

/**
 * The answer's JSON. Throws REDIRECTED or CAPTIVE_PORTAL where something between here and Google answered, and
 * UNEXPECTED_ANSWER for anything else that is no JSON.
 */
export function jsonOf(answer: WireAnswer): unknown {
  const {host, status, headers, text} = answer
  if (status >= 300 && status < 400) throw redirected(host, headers.location)
  const html = /\bhtml\b/i.test(headers['content-type'] ?? '') || /^\s*<(!doctype|html)/i.test(text)
  if (html && status < 500) {
    throw errors.network(`${host} answered with a web page where an answer of Google was due`, {
      code: 'CAPTIVE_PORTAL', retryable: true, fix: 'this network may want you to sign in first: open any http page in a browser, then try again',
    })
  }
  try {
    return parseJson(text)
  } catch {
    throw unexpected(host, `with something that is no JSON (status ${status})`)
  }
}

/** The server's own clock, in milliseconds since 1970. */
export function serverTime({headers}: WireAnswer): number | undefined {
  const time = Date.parse(headers.date ?? '')
  return Number.isNaN(time) ? undefined : time
}

export function unexpected(host: string, how: string): CgpuError {
  return errors.network(`${host} answered ${how}`, {code: 'UNEXPECTED_ANSWER', fix: 'try again; if it stays so, look whether a proxy stands between'})
}

function redirected(host: string, location: string | undefined): CgpuError {
  const to = location !== undefined && URL.canParse(location, `http://${host}`) ? new URL(location, `http://${host}`).host : 'elsewhere'
  return errors.network(`${host} redirects to ${sanitizeLine(to, 100)}, and secrets are not sent on`, {
    code: 'REDIRECTED', fix: 'this network may want you to sign in first: open any http page in a browser, then try again',
  })
}

function unreachable(url: URL, why: string, cause?: unknown): CgpuError {
  return errors.network(`${url.host} cannot be reached: ${why}`, {
    code: 'GOOGLE_UNREACHABLE', retryable: true, fix: 'check the connection, then try again', cause,
  })
}

const causes: Record<string, string> = {
  ENOTFOUND: 'its name is not known here', EAI_AGAIN: 'the name server does not answer', ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut', EPIPE: 'the connection was cut', ETIMEDOUT: 'it does not answer', ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way to it', EPROTO: 'it does not speak TLS',
}

function explain(url: URL, error: unknown): CgpuError {
  const known = error instanceof CgpuError ? error : proxyProblem(error)
  if (known) return known
  // happy eyeballs tried several addresses: the first error says as much as all of them
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const code = errnoOf(first) ?? ''
  const text = sanitizeLine(first instanceof Error ? first.message : String(first), 200)
  if (/CERT|SELF_SIGNED|UNABLE_TO_|^ERR_TLS|^ERR_SSL/.test(code)) {
    return errors.network(`the certificate of ${url.host} is not trusted: ${text}`, {
      code: 'TLS_NOT_TRUSTED', fix: 'where a proxy of your company signs certificates, name its authority: NODE_EXTRA_CA_CERTS=FILE', cause: error,
    })
  }
  return unreachable(url, causes[code] ?? text, error)
}
