import type {IncomingMessage} from 'node:http'
import {CgpuError, proxyProblem} from '@cgpu/core/errors'
import {errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {proxied, proxySet} from '@cgpu/jupyter/proxy'
import {refused, unavailable} from './problems.ts'

export interface GetOptions {
  /** seconds without a byte after which the server is given up */
  patience: number
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
}

/** 200, 206 and 416 for ranges, 404: everything else is thrown. */
export interface Answer {
  status: number
  response: IncomingMessage
}

const node = {http: process.getBuiltinModule('node:http'), https: process.getBuiltinModule('node:https')}
const maxRedirects = 5
const maxDocument = 8 * 2 ** 20

/** Manifests and archives come over TLS; plain http only from this machine. Throws UPDATE_URL_INVALID (64). */
export function checkedUrl(address: string): URL {
  const url = URL.parse(address)
  const loopback = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && loopback))) throw refused.badUrl(address)
  return url
}

/** One GET, redirects followed. The caller reads the response, whose silence ends it. Throws exit 69. */
export async function get(address: URL, options: GetOptions, hops = 0): Promise<Answer> {
  const response = await request(address, options)
  const status = response.statusCode ?? 0
  const {location} = response.headers
  if ([301, 302, 303, 307, 308].includes(status) && location !== undefined && hops < maxRedirects) {
    response.resume()
    return get(checkedUrl(new URL(location, address).href), options, hops + 1)
  }
  if (status === 200 || status === 206 || status === 404 || status === 416) return {status, response}
  response.destroy()
  throw unavailable.failed(address.host, status)
}

function request(url: URL, {patience, headers = {}, signal}: GetOptions): Promise<IncomingMessage> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>()
  const via = url.protocol === 'https:' ? node.https : node.http
  const sent = via.get(url, {headers: {'user-agent': 'cgpu', ...headers}, agent: proxySet() && proxied(new via.Agent(), url), ...(signal ? {signal, tunnelSignal: signal} : {})})
  // a timer of our own: the socket's begins only when it is connected
  let timer: NodeJS.Timeout
  let answer: IncomingMessage | undefined
  const wait = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => (answer ?? sent).destroy(unavailable.slow(url.host, patience)), patience * 1000)
  }
  wait()
  sent.on('response', response => {
    answer = response
    wait()
    response.on('data', wait)
    // a listener alone would have it flow before the caller reads
    response.pause()
    response.once('close', () => clearTimeout(timer))
    resolve(response)
  })
  sent.on('error', error => {
    clearTimeout(timer)
    reject(explain(url, error, signal))
  })
  return promise
}

/** What a request or its body failed of, in the user's terms. */
export function explain(url: URL, error: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted) return signal.reason as Error // whoever aborts gives an error
  if (error instanceof CgpuError) return error
  const known = proxyProblem(error)
  if (known) return known
  const errno = errnoOf(error)
  const why: Record<string, string> = {ECONNREFUSED: 'it refuses connections', ENOTFOUND: 'its name is not known', EAI_AGAIN: 'its name cannot be looked up', ECONNRESET: 'it closed the connection', ETIMEDOUT: 'it does not answer'}
  return unavailable.unreachable(url.host, why[errno ?? ''] ?? sanitizeLine(error instanceof Error ? error.message : String(error)), error)
}

/** A small document as text; undefined where there is none. A server that fails or breaks off is asked three times. */
export async function getText(url: URL, options: GetOptions): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await textOnce(url, options)
    } catch (error) {
      const again = error instanceof CgpuError && error.retryable && error.code !== 'UPDATE_SERVER_SLOW' && attempt < 3
      if (!again || options.signal?.aborted) throw error
      await new Promise(resolve => setTimeout(resolve, 200 * attempt))
    }
  }
}

async function textOnce(url: URL, options: GetOptions): Promise<string | undefined> {
  const {status, response} = await get(url, options)
  if (status !== 200) {
    response.destroy()
    return undefined
  }
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxDocument) throw refused.invalid(url.href, 'it is too big')
      chunks.push(chunk)
    }
  } catch (error) {
    throw errnoOf(error) === 'ECONNRESET' ? unavailable.truncated(url.href, size, Number(response.headers['content-length'] ?? 0)) : explain(url, error, options.signal)
  }
  return Buffer.concat(chunks).toString('utf8')
}
