import {type IncomingMessage, request as httpRequest, type ServerResponse} from 'node:http'
import {request as httpsRequest} from 'node:https'
import {isUtf8} from 'node:buffer'
import {writeAtomic} from '@cgpu/core/state/atomic'
import type {SiteHandler} from '../contract.ts'
import {comparable, type Exchange, linking, type Recording} from './format.ts'
import {Scrubber} from './scrub.ts'
import {upstreamOf} from './upstream.ts'

const hopByHop = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'content-length', 'accept-encoding'])
const keptHeaders = ['content-type', 'retry-after', 'location', 'www-authenticate', 'range']
const timeoutMs = 300_000

export interface RecordOptions {
  file: string
  upstream: string
  keepEmails?: boolean
}

/** Hands calls on to the upstream, and keeps them, without their secrets. */
export class Recorder implements SiteHandler {
  readonly #file: string
  readonly #upstream: string
  readonly #place: (path: string) => URL
  readonly #scrubber: Scrubber
  readonly #exchanges: Exchange[] = []
  readonly #startedAt = new Date().toISOString()
  #writing: Promise<void> = Promise.resolve()
  #dirty = false

  private constructor({file, upstream, keepEmails}: RecordOptions) {
    this.#file = file
    this.#upstream = upstream
    this.#place = upstreamOf(upstream)
    this.#scrubber = new Scrubber(keepEmails === undefined ? {} : {keepEmails})
  }

  /** Writes an empty recording first, so that a path that cannot be written is known at once. */
  static async open(options: RecordOptions): Promise<Recorder> {
    const recorder = new Recorder(options)
    await recorder.#write()
    return recorder
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    void this.#forward(request, response).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy()
      const message = `the upstream does not answer: ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`
      response.writeHead(502, {'content-type': 'application/json'}).end(JSON.stringify({error: {code: 502, message, status: 'UNAVAILABLE'}}))
    })
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#save()
    await this.#writing
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? '/'
    const mark = target.indexOf('?')
    const path = mark === -1 ? target : target.slice(0, mark)
    const query = new URLSearchParams(mark === -1 ? '' : target.slice(mark))
    const body = await read(request)
    const answer = await this.#ask(request, path, target, body)
    const received = await read(answer)
    const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !hopByHop.has(name)))
    response.writeHead(answer.statusCode ?? 502, headers).end(received)
    this.#keep(request, {path, query, body}, answer, received)
  }

  #ask(request: IncomingMessage, path: string, target: string, body: Buffer): Promise<IncomingMessage> {
    const place = this.#place(path)
    const ask = place.protocol === 'https:' ? httpsRequest : httpRequest
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !hopByHop.has(name)))
    return new Promise((resolve, reject) => {
      const asked = ask(place.origin + target, {
        method: request.method, headers: {...headers, 'accept-encoding': 'identity', ...(body.length > 0 ? {'content-length': body.length} : {})}, timeout: timeoutMs,
      }, resolve)
      asked.on('timeout', () => asked.destroy(new Error('it took too long')))
      asked.on('error', reject)
      asked.end(body)
    })
  }

  #keep(request: IncomingMessage, asked: {path: string; query: URLSearchParams; body: Buffer}, answer: IncomingMessage, received: Buffer): void {
    const text = isUtf8(received)
    const picked = (from: IncomingMessage, names: readonly string[]): Record<string, string> =>
      Object.fromEntries(names.flatMap((name) => (from.headers[name] === undefined ? [] : [[name, String(from.headers[name])]])))
    const pairs = (from: IncomingMessage): [string, string][] => Object.entries(from.headers).map(([name, value]) => [name, String(value)])
    const sent = asked.body.toString('utf8')
    const got = received.toString(text ? 'utf8' : 'base64')
    this.#scrubber.learnPairs(asked.query)
    this.#scrubber.learnPairs(pairs(request))
    this.#scrubber.learnPairs(pairs(answer))
    this.#scrubber.learnBody(sent)
    if (text) this.#scrubber.learnBody(got)
    const location = answer.headers.location
    if (location !== undefined && URL.canParse(location)) this.#scrubber.learnPairs(new URL(location).searchParams)
    this.#exchanges.push({
      request: {method: request.method ?? 'GET', path: asked.path, query: comparable(asked.query), headers: picked(request, linking), ...(sent === '' ? {} : {body: sent.slice(0, 65_536)})},
      response: {status: answer.statusCode ?? 502, headers: picked(answer, keptHeaders), body: got, encoding: text ? 'utf8' : 'base64'},
    })
    this.#save()
  }

  /** One write at a time; what comes meanwhile goes with the next. */
  #save(): void {
    if (this.#dirty) return
    this.#dirty = true
    this.#writing = this.#writing.then(() => this.#write())
  }

  async #write(): Promise<void> {
    this.#dirty = false
    const recording: Recording = {version: 1, upstream: this.#upstream, recordedAt: this.#startedAt, exchanges: this.#exchanges}
    // as a whole and each time: a secret that is known only now may stand in an earlier exchange
    const clean = JSON.stringify(recording, (key, value: unknown) => (typeof value === 'string' && key !== 'encoding' ? this.#scrubber.scrub(value) : value), 1)
    await writeAtomic(this.#file, `${clean}\n`)
  }
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer) // no encoding is set
  return Buffer.concat(chunks)
}
