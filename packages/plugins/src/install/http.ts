import type {IncomingHttpHeaders} from 'node:http'
import {errors} from '@cgpu/core/errors'
import {proxyProblem} from '@cgpu/core/errors'
import {errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {proxied, proxySet} from '@cgpu/jupyter/proxy'

export interface Request {
  method?: 'GET' | 'POST'
  /** sent to the origin of the address alone, whatever it redirects to */
  authorization?: string | undefined
  accept?: string
  json?: unknown
  maxBytes: number
  /** for the whole answer; default 60 s */
  timeoutMs?: number
  /** what is asked, for messages; default: the registry */
  what?: string
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export type Send = (url: string, request: Request) => Promise<Answer>

const node = {http: process.getBuiltinModule('node:http'), https: process.getBuiltinModule('node:https')}
const maxRedirects = 5

/** Follows redirects, but never from https to http. Throws REGISTRY_UNREACHABLE, PLUGIN_TOO_BIG (69), PROXY_INVALID (64). */
export const send: Send = async (address, request) => {
  const {what} = request
  let url = new URL(address)
  const {origin} = url
  for (let step = 0; step <= maxRedirects; step++) {
    const answer = await once(url, url.origin === origin ? request : {...request, authorization: undefined})
    const to = answer.headers.location
    if (![301, 302, 303, 307, 308].includes(answer.status) || to === undefined) return answer
    const next = URL.canParse(to, url.href) ? new URL(to, url) : undefined
    if (!next || !/^https?:$/.test(next.protocol)) throw unreachable(url, 'it leads to an address that is none', {what})
    if (next.protocol !== 'https:' && url.protocol === 'https:') throw unreachable(url, 'it leads from https to http', {what})
    url = next
  }
  throw unreachable(url, 'it leads in circles', {what})
}

function once(url: URL, {method = 'GET', authorization, accept = 'application/json', json, maxBytes, timeoutMs = 60_000, what}: Request): Promise<Answer> {
  const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json))
  const secure = url.protocol === 'https:'
  const {Agent, request: open} = secure ? node.https : node.http
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const request = open(url, {
      method, signal,
      headers: {
        accept, 'user-agent': 'cgpu', ...(authorization === undefined ? {} : {authorization}),
        ...(body ? {'content-type': 'application/json', 'content-length': body.length} : {}),
      },
      agent: proxySet() ? proxied(new Agent(), url) : undefined,
    })
    const fail = (error: unknown): void => reject(proxyProblem(error) ?? unreachable(url, signal.aborted ? 'it does not answer' : reasonOf(error), {what, cause: error}))
    request.on('error', fail)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > maxBytes) {
          reject(errors.network(`${url.host} sends more than ${maxBytes} bytes for ${sanitizeLine(url.pathname, 200)}`, {code: 'PLUGIN_TOO_BIG', category: 'plugin', fix: 'use another version'}))
          request.destroy()
        } else chunks.push(chunk)
      })
      response.on('error', fail)
      response.on('end', () => resolve({status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks)}))
    })
    request.end(body)
  })
}

function reasonOf(error: unknown): string {
  const code = errnoOf(error)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name is not known'
  if (code === 'ECONNREFUSED') return 'nothing listens there'
  return sanitizeLine(error instanceof Error ? error.message || String(code) : String(error), 200)
}

export const unreachable = (url: URL, why: string, {what = 'the registry', cause}: {what?: string | undefined; cause?: unknown} = {}) =>
  errors.network(`${what} at ${url.host} cannot be reached: ${why}`, {
    code: 'REGISTRY_UNREACHABLE', fix: 'check the network, CGPU_NPM_REGISTRY and HTTPS_PROXY, or add --offline', retryable: true, cause,
  })
