import type {HttpAnswer} from '@cgpu/jupyter/http'
import type {AccountAccess} from '@cgpu/core/account'
import {errors} from '@cgpu/core/errors'
import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {scopes} from '@cgpu/core/google/scopes'
import type {Effects} from '../effects.ts'
import {requestFailed, scopeMissing, signInRefused, statusError} from './errors.ts'
import {Circuit, retryAfterMs, waitBefore} from './retry.ts'
import {isCgpuFailure, type Transport} from './transport.ts'

/** Hosts that an account's token may be sent to. */
export type ControlHost = keyof Pick<GoogleHosts, 'colab' | 'colabApi' | 'colabPublic'>

export interface ControlRequest {
  method: 'GET' | 'POST' | 'DELETE'
  host: ControlHost
  /** begins with a slash; segments are encoded already */
  path: string
  query?: Record<string, string>
  headers?: Record<string, string>
  /** sent as JSON */
  body?: unknown
  /** Statuses that the caller understands: they are answers, neither retried nor errors. */
  expect?: readonly number[]
  /** False: never sent twice, except after 401, which says that nothing was done. Default: true for GET. */
  repeatable?: boolean
  /** an answer that does not come says nothing of the host */
  mayHang?: boolean
  /** one attempt, connecting and body included; default 30 s */
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

export interface ClientOptions {
  hosts: GoogleHosts
  accounts: AccountAccess
  /** id of the account whose token is sent */
  account: string
  transport: Pick<Transport, 'send'>
  effects: Effects
}

const attemptMs = 30_000
const maxBytes = 4 * 1024 * 1024
/** of one request, all attempts and waits together */
const operationMs = 90_000
const maxAttempts = 5

/** 500 and above, and 429: the request may be good, the moment is not. */
const passing = (status: number): boolean => status === 429 || status >= 500

/** The account has none to give: that says nothing of Colab, and is not tried again here. */
class NoToken extends Error {}

/**
 * Requests to Colab's own hosts for one account. Throws CgpuError: sign-in and scope (67), network and protocol (69).
 * Redirects are answers that nobody wants: they are never followed.
 */
export class ControlClient {
  readonly #options: ClientOptions
  readonly #circuits = new Map<string, Circuit>()

  constructor(options: ClientOptions) {
    this.#options = options
  }

  get account(): string {
    return this.#options.account
  }

  /** Waits, as effects have it. For callers that repeat more than one request. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#options.effects.sleep(ms, signal)
  }

  /** A 2xx answer, or one that is expected. */
  async send(request: ControlRequest): Promise<HttpAnswer> {
    const {effects} = this.#options
    const what = describe(request)
    const deadline = effects.uptime() + operationMs
    const repeatable = request.repeatable ?? request.method === 'GET'
    for (let attempt = 1; ; attempt++) {
      this.#checkCircuit(request)
      const {answer, failure} = await this.#tried(request, what)
      if (answer && !passing(answer.status)) {
        this.#circuit(request).succeeded()
        if (isGood(answer, request)) return answer
        throw statusError(answer, what, this.#hostName(request))
      }
      if (answer && request.expect?.includes(answer.status)) return answer
      const asked = answer && retryAfterMs(answer.headers['retry-after'], answer.headers.date, effects.wall())
      const error = answer ? statusError(answer, what, this.#hostName(request), asked) : failure
      if (!isCgpuFailure(error)) throw error
      if (error.retryable && !request.mayHang) this.#circuit(request).failed()
      const wait = waitBefore(attempt, asked, effects)
      if (!repeatable || !error.retryable || attempt >= maxAttempts || effects.uptime() + wait > deadline) throw error
      await effects.sleep(wait, request.signal)
    }
  }

  /** A failure is one of the request itself; an abort, or an account that has no token to give, is thrown. */
  async #tried(request: ControlRequest, what: string): Promise<{answer?: HttpAnswer; failure?: unknown}> {
    try {
      return {answer: await this.#authorized(request, what)}
    } catch (failure) {
      if (failure instanceof NoToken) throw failure.cause
      request.signal?.throwIfAborted()
      return {failure}
    }
  }

  /** With the account's token, and once more with another when this one is refused. */
  async #authorized(request: ControlRequest, what: string): Promise<HttpAnswer> {
    const {account} = this.#options
    const token = await this.#token(request)
    const answer = await this.#once(request, token)
    if (answer.status === 403 && lacksScope(answer)) throw scopeMissing(account)
    if (answer.status !== 401) return answer
    const other = await this.#token(request, token)
    const again = other === token ? answer : await this.#once(request, other)
    if (again.status === 401) throw signInRefused(account, what)
    return again
  }

  #token({signal}: ControlRequest, refused?: string): Promise<string> {
    const {accounts, account} = this.#options
    return accounts.token({account, scopes: [scopes.colab], signal, ...(refused === undefined ? {} : {refused})}).catch((error: unknown) => {
      throw new NoToken('', {cause: error})
    })
  }

  async #once(request: ControlRequest, token: string): Promise<HttpAnswer> {
    const url = this.#url(request)
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body))
    const headers: Record<string, string> = {
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      'x-colab-client-agent': 'cgpu',
      ...(body ? {'content-type': 'application/json'} : {}),
      // a POST without a body says so, or some servers wait for one
      ...(request.method === 'POST' ? {'content-length': String(body?.length ?? 0)} : {}),
      ...request.headers,
    }
    const sent = {method: request.method, url, headers, body, signal: request.signal, timeoutMs: request.timeoutMs ?? attemptMs, maxBytes}
    return this.#options.transport.send(sent).catch((error: unknown) => {
      request.signal?.throwIfAborted()
      throw requestFailed(error, describe(request), url.host)
    })
  }

  #url(request: ControlRequest): URL {
    const base = this.#options.hosts[request.host]
    const url = new URL(`${base}${request.path}`)
    if (url.origin !== new URL(base).origin) throw new TypeError('a path never changes the host')
    for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value)
    // the session host serves several signed-in accounts; ours is the token's (protocol notes, 3.0)
    if (request.host === 'colab') url.searchParams.set('authuser', '0')
    return url
  }

  #hostName(request: ControlRequest): string {
    return new URL(this.#options.hosts[request.host]).host
  }

  #circuit({host}: ControlRequest): Circuit {
    const origin = new URL(this.#options.hosts[host]).origin
    let circuit = this.#circuits.get(origin)
    if (!circuit) this.#circuits.set(origin, (circuit = new Circuit(this.#options.effects)))
    return circuit
  }

  #checkCircuit(request: ControlRequest): void {
    const wait = this.#circuit(request).enter()
    if (wait === 0) return
    const seconds = Math.ceil(wait / 1000)
    throw errors.network(`${this.#hostName(request)} keeps failing, so it is not asked for another ${seconds} s`, {
      code: 'COLAB_UNAVAILABLE', retryable: true, fix: `try again in ${seconds} s`, details: {retryAfterSeconds: seconds},
    })
  }
}

/** A `reason` in Google's error, or its text (protocol notes, 2.2). */
function lacksScope({body}: HttpAnswer): boolean {
  return /SCOPE_NOT_PERMITTED|ACCESS_TOKEN_SCOPE_INSUFFICIENT|insufficient authentication scopes/i.test(body.subarray(0, 20_000).toString('utf8'))
}

function isGood(answer: HttpAnswer, request: ControlRequest): boolean {
  return (answer.status >= 200 && answer.status < 300) || request.expect?.includes(answer.status) === true
}

function describe({method, path}: ControlRequest): string {
  return `${method} ${path}`
}

