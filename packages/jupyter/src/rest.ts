import type * as http from 'node:http'
import {answerError, parseJson} from './answer.ts'
import {backoff, pause} from './backoff.ts'
import type {ServerOptions} from './contract.ts'
import {Credentials} from './credentials.ts'
import {JupyterError, messageOf} from './errors.ts'
import {makeAgent, send} from './http.ts'
import type {HttpAnswer} from './http.ts'
import {XsrfCookie} from './xsrf.ts'

export interface RequestOptions {
  query?: Record<string, string>
  /** sent as JSON, or as it is when it is bytes */
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** until the answer's headers; default 30_000 */
  timeoutMs?: number
  /** default 16 MiB */
  maxBytes?: number
}

const defaultMaxBytes = 16 * 1024 * 1024
const getAttempts = 4

/**
 * Requests to one Jupyter server. Every method throws JupyterError; paths are relative to the base path.
 * The token leaves this process in the Authorization header of requests to `url`'s origin and nowhere else.
 */
export class RestClient {
  /** normalised: with a trailing slash and its base path, without query, fragment or user */
  readonly url: string
  readonly options: ServerOptions
  readonly #agent: http.Agent
  readonly #xsrf = new XsrfCookie()
  readonly #credentials: Credentials

  constructor(options: ServerOptions) {
    this.url = normaliseUrl(options.url)
    this.options = options
    this.#agent = makeAgent(new URL(this.url), options.ca)
    this.#credentials = new Credentials(options)
  }

  /** The parsed JSON of a 2xx answer, undefined when it has no body; with `raw` the bytes and the headers. */
  request(method: string, path: string, options?: RequestOptions & {raw?: false}): Promise<unknown>
  request(method: string, path: string, options: RequestOptions & {raw: true}): Promise<HttpAnswer>
  async request(method: string, path: string, options: RequestOptions & {raw?: boolean} = {}): Promise<unknown> {
    const answer = await this.#retried(method, path, options)
    const error = answerError(answer, `${method} ${path}`, new URL(this.url).host)
    if (error) throw error
    return options.raw ? answer : parseJson(answer, path)
  }

  /** Headers for a request or an upgrade to this server, asked for anew each time. */
  async authorize(): Promise<Record<string, string>> {
    return this.#credentials.headers(own => this.#xsrf.addTo(own))
  }

  /** After a 401 to headers of `authorize`: true when `authorize` gives others now. */
  async reauthorized(refused: Record<string, string>): Promise<boolean> {
    return this.#credentials.renewed(refused)
  }

  /** A path never leads the token to another place than the one it was given for. */
  protected locate(path: string): URL {
    const url = new URL(path, this.url)
    if (!url.href.startsWith(this.url)) throw new JupyterError('PROTOCOL', `${path} is outside of the server's base path`)
    return url
  }

  /** Ends the idle connections. Kernel connections are closed on their own. */
  close(): void {
    this.#agent.destroy()
  }

  /** GET changes nothing, so it may be repeated; anything else is sent once. */
  async #retried(method: string, path: string, options: RequestOptions): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#withXsrf(method, path, options)
      } catch (error) {
        const again = method === 'GET' && attempt < getAttempts && error instanceof JupyterError && error.code === 'NETWORK' && error.retryable
        if (!again) throw error
        await pause(backoff(attempt, {baseMs: 200, capMs: 2_000}), options.signal)
      }
    }
  }

  /** A request refused for want of an XSRF cookie was not carried out, so that it can be sent again with one. */
  async #withXsrf(method: string, path: string, options: RequestOptions): Promise<HttpAnswer> {
    const answer = await this.#authorized(method, path, options)
    if (!XsrfCookie.isDemanded(answer)) return answer
    this.#xsrf.forget()
    for (const page of ['', 'login', 'lab', 'tree']) {
      await this.#authorized('GET', page, options.signal ? {signal: options.signal} : {})
      if (this.#xsrf.known) return this.#authorized(method, path, options)
    }
    return answer
  }

  /** What was answered 401 was not carried out either. */
  async #authorized(method: string, path: string, options: RequestOptions): Promise<HttpAnswer> {
    const own = await this.authorize()
    const answer = await this.#once(method, path, options, own)
    if (answer.status !== 401 || !(await this.reauthorized(own))) return answer
    return this.#once(method, path, options, await this.authorize())
  }

  async #once(method: string, path: string, options: RequestOptions, own: Record<string, string>): Promise<HttpAnswer> {
    const url = this.locate(path)
    for (const [key, value] of Object.entries(options.query ?? {})) url.searchParams.set(key, value)
    const {body} = options
    const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
    const headers = {
      accept: 'application/json',
      ...own,
      ...(bytes && {'content-length': String(bytes.length), 'content-type': body === bytes ? 'application/octet-stream' : 'application/json'}),
      ...options.headers,
    }
    const started = performance.now()
    const trace = (outcome: string): void => this.options.trace?.(`${method} ${url.pathname} ${outcome} ${Math.round(performance.now() - started)} ms`)
    try {
      const answer = await send({
        method, url, headers, body: bytes, signal: options.signal,
        headersTimeoutMs: options.timeoutMs ?? 30_000, maxBytes: options.maxBytes ?? defaultMaxBytes,
      }, this.#agent)
      this.#xsrf.remember(answer)
      trace(`${answer.status} ${answer.body.length} B`)
      return answer
    } catch (error) {
      trace(messageOf(error))
      throw error
    }
  }
}

function normaliseUrl(given: string): string {
  let url: URL
  try {
    url = new URL(given)
  } catch (cause) {
    throw new JupyterError('PROTOCOL', 'the server address is not a URL', {cause})
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new JupyterError('PROTOCOL', 'the server address must begin with http:// or https://')
  return `${url.origin}${url.pathname.replace(/\/*$/, '/')}`
}

