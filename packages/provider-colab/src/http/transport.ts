import type {Agent} from 'node:http'
import {type HttpAnswer, makeAgent, send} from '@cgpu/jupyter/http'
import {CgpuError, errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'

export interface TransportRequest {
  method: string
  url: URL
  headers: Record<string, string>
  body?: Uint8Array | undefined
  signal?: AbortSignal | undefined
  /** from the first byte sent to the last one received, so that an answer that only drips ends too */
  timeoutMs: number
  maxBytes: number
}

/** Sends one request; knows no accounts and no meaning. Throws what `@cgpu/jupyter/http` throws, TIMED_OUT, or the signal's reason. */
export class Transport {
  readonly #agents = new Map<string, Agent>()
  readonly #trace: ((line: string) => void) | undefined

  constructor(trace?: (line: string) => void) {
    this.#trace = trace
  }

  async send(request: TransportRequest): Promise<HttpAnswer> {
    const {method, url, timeoutMs} = request
    const limit = new AbortController()
    const signal = request.signal ? AbortSignal.any([request.signal, limit.signal]) : limit.signal
    const timer = setTimeout(() => limit.abort(timedOut(url.host, timeoutMs)), timeoutMs)
    const started = performance.now()
    // neither the query nor a header is shown: tokens may be there
    const trace = (outcome: string): void =>
      this.#trace?.(`${method} ${url.host}${sanitizeLine(url.pathname)} ${outcome} ${Math.round(performance.now() - started)} ms`)
    try {
      request.signal?.throwIfAborted()
      const answer = await send({...request, signal, headersTimeoutMs: timeoutMs}, this.#agent(url))
      trace(`${answer.status} ${answer.body.length} B`)
      return answer
    } catch (error) {
      trace(error instanceof Error ? sanitizeLine(error.message) : 'failed')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  #agent(url: URL): Agent {
    let agent = this.#agents.get(url.origin)
    if (!agent) this.#agents.set(url.origin, (agent = makeAgent(url, undefined)))
    return agent
  }
}

/** Whether it is a failure of the network or of a server, and not a bug or an abort. */
export function isCgpuFailure(error: unknown): error is CgpuError {
  return error instanceof CgpuError
}

function timedOut(host: string, ms: number): CgpuError {
  return errors.network(`${host} did not answer within ${ms / 1000} s`, {code: 'TIMED_OUT', retryable: true, fix: 'check the network, then try again'})
}
