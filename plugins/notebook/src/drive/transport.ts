import {setTimeout as delay} from 'node:timers/promises'
import {CgpuError, type Fetched, type GoogleAccess} from '@cgpu/plugin-sdk'
import {isRateLimit, refusal} from './refusals.ts'

export interface DriveRequest {
  method?: string
  headers?: Record<string, string>
  body?: Uint8Array | string
  signal?: AbortSignal | undefined
  /** false: sent again only where Drive says that nothing was done; default: true but for POST */
  repeatable?: boolean
  /** statuses that are answers besides 2xx */
  expect?: readonly number[]
}

export interface TransportOptions {
  access: GoogleAccess
  /** between attempts; tests do not wait */
  wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
}

const attempts = 6
const longestMs = 60_000

/** Requests to Drive, repeated with growing pauses while the moment is bad. Throws the refusals of `refusals.ts`. */
export class Transport {
  readonly access: GoogleAccess
  readonly #wait: (ms: number, signal: AbortSignal | undefined) => Promise<void>

  constructor({access, wait = (ms, signal) => delay(ms, undefined, signal ? {signal} : {})}: TransportOptions) {
    this.access = access
    this.#wait = wait
  }

  /** `path` is below Drive's origin, or a whole address there. */
  async send(path: string, {repeatable, expect = [], ...request}: DriveRequest = {}): Promise<Fetched> {
    const url = new URL(path, this.access.drive).href
    const again = repeatable ?? request.method !== 'POST'
    for (let attempt = 1; ; attempt++) {
      const last = attempt === attempts
      try {
        const answer = await this.access.fetch(url, request)
        if ((answer.status >= 200 && answer.status < 300) || expect.includes(answer.status)) return answer
        if (last || !(isRateLimit(answer) || (again && answer.status >= 500))) throw refusal(answer, this.access.account.email)
        await this.pause(attempt, answer, request.signal)
      } catch (error) {
        if (last || !again || !isCut(error)) throw error
        await this.pause(attempt, undefined, request.signal)
      }
    }
  }

  /** As long as the server asks for, else 0.5 s and twice as long each time, with jitter. */
  async pause(attempt: number, answer: Fetched | undefined, signal: AbortSignal | undefined): Promise<void> {
    const asked = Number(answer?.headers['retry-after'] ?? Number.NaN) * 1000
    const usual = 500 * 2 ** (attempt - 1) * (0.5 + Math.random())
    await this.#wait(Math.min(longestMs, Number.isFinite(asked) && asked >= 0 ? asked : usual), signal)
  }
}

/** The connection broke, or never came to be. */
export const isCut = (error: unknown): boolean => error instanceof CgpuError && error.code === 'GOOGLE_UNREACHABLE' && error.retryable
