import {readFile} from 'node:fs/promises'
import type {IncomingMessage, ServerResponse} from 'node:http'
import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {SiteHandler} from '../contract.ts'
import {issueLines} from '../scenario/values.ts'
import {comparable, type Exchange, linking, type Recording, recordingSchema} from './format.ts'

interface Recorded {
  exchange: Exchange
  used: boolean
}

/**
 * Answers from a recording: the same method, path and query (in any order), and what an answer before gave to bring. Each
 * exchange answers once, in order; the last one that matches answers again. Anything else is status 599.
 */
export class Replay implements SiteHandler {
  readonly #recorded = new Map<string, Recorded[]>()
  readonly #paths: string[]

  constructor({exchanges}: Recording) {
    for (const exchange of exchanges) {
      const {method, path, query} = exchange.request
      const key = keyOf(method, path, query)
      this.#recorded.set(key, [...(this.#recorded.get(key) ?? []), {exchange, used: false}])
    }
    this.#paths = [...new Set(exchanges.map(({request}) => `${request.method} ${request.path}`))]
  }

  /** Throws RECORDING_INVALID (65), RECORDING_NOT_FOUND (66). */
  static async open(file: string): Promise<Replay> {
    const shown = sanitizeLine(file, 200)
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (cause) {
      throw errors.notFound(`there is no recording ${shown} that can be read`, {code: 'RECORDING_NOT_FOUND', category: 'file', fix: 'make one: cgpu emulator start --record FILE --upstream URL', cause})
    }
    const invalid = (why: string): Error => errors.data(`${shown} is no recording: ${why}`, {code: 'RECORDING_INVALID', category: 'file', fix: 'record it again: cgpu emulator start --record FILE --upstream URL'})
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw invalid('it is no JSON')
    }
    const parsed = recordingSchema.safeParse(value)
    if (!parsed.success) throw invalid(issueLines(parsed.error)[0] ?? 'it is not understood')
    return new Replay(parsed.data)
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    request.resume()
    const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s, 2)
    const method = request.method ?? 'GET'
    const found = this.#find(request, keyOf(method, path, comparable(new URLSearchParams(query))))
    if (typeof found === 'string') {
      const error = {code: 'REPLAY_NO_MATCH', message: `the recording has no ${method} ${path}${query === '' ? '' : `?${query}`}: ${found}`, fix: 'record it again with this call'}
      response.writeHead(599, 'Not Recorded', {'content-type': 'application/json'}).end(JSON.stringify({error}))
      return
    }
    const {status, headers, body, encoding} = found.response
    response.writeHead(status, headers).end(Buffer.from(body, encoding))
  }

  /** The exchange, or why there is none. */
  #find(request: IncomingMessage, key: string): Exchange | string {
    const same = this.#recorded.get(key)
    if (!same) {
      const {method = 'GET', url = '/'} = request
      const path = `${method} ${url.split('?')[0]}`
      return this.#paths.includes(path) ? 'only with another query' : `it has ${this.#paths.slice(0, 20).join(', ') || 'nothing'}`
    }
    const linked = same.filter(({exchange}) => linking.every((name) => exchange.request.headers[name] === undefined || exchange.request.headers[name] === request.headers[name]))
    if (linked.length === 0) return `only with another ${linking.join(', ')}`
    const next = linked.find(({used}) => !used) ?? linked.at(-1)
    if (!next) return 'it is used up'
    next.used = true
    return next.exchange
  }
}

const keyOf = (method: string, path: string, query: readonly [string, string][]): string => JSON.stringify([method, path, query])
