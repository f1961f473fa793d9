import type {ServerOptions} from '@cgpu/jupyter'
import {Credentials} from '@cgpu/jupyter/credentials'
import {makeAgent} from '@cgpu/jupyter/http'
import type {Agent, ClientRequest, IncomingMessage} from 'node:http'
import type {Duplex} from 'node:stream'
import type {RequestBody} from './body.ts'
import {type HeaderMap, withHeaders} from './headers.ts'

/** A request as it goes out: all but the upstream's credentials and its Host. */
export interface Outgoing {
  method: string
  /** path and query at the upstream's origin, beginning with one slash */
  path: string
  headers: HeaderMap
  body?: RequestBody | undefined
  /** ends the exchange, also while its answer still comes */
  signal: AbortSignal
}

export interface Upgraded {
  answer: IncomingMessage
  socket: Duplex
  /** what came with the answer already */
  head: Buffer
}

export type Answer = {upgraded: false; answer: IncomingMessage} | ({upgraded: true} & Upgraded)

const connectMs = 10_000
/** A runtime that starts a kernel takes up to a minute. */
const answerMs = 300_000
/** When others are refused as well, the 401 is the program's own: credentials are not got anew for each one that it answers. */
const quietMs = 30_000

/** The server that requests are passed on to. Its credentials are got for each request, and once more when they are refused. */
export class Upstream {
  /** with the base path and a trailing slash */
  readonly url: URL
  readonly #agent: Agent
  readonly #credentials: Credentials
  /** requests, and the sockets that they became */
  readonly #open = new Set<Duplex | ClientRequest>()
  #quietUntil = -Infinity

  constructor(options: ServerOptions) {
    const {origin, pathname} = new URL(options.url)
    this.url = new URL(pathname.replace(/\/*$/, '/'), origin)
    this.#agent = makeAgent(this.url, options.ca)
    this.#credentials = new Credentials(options)
  }

  /** The answer to one request. Rejects with node's error, or with what the credentials' provider threw. */
  async request(outgoing: Outgoing): Promise<IncomingMessage> {
    return (await this.#authorized(outgoing, {})).answer
  }

  /** The same for a request to become a WebSocket, which may be answered as any other. */
  async upgrade(outgoing: Outgoing): Promise<Answer> {
    return this.#authorized(outgoing, {connection: 'Upgrade', upgrade: 'websocket'})
  }

  /** Ends every exchange that is under way. */
  close(): void {
    for (const one of this.#open) one.destroy()
    this.#agent.destroy()
  }

  async #authorized(outgoing: Outgoing, hop: Record<string, string>): Promise<Answer> {
    const own = await this.#credentials.headers((given) => given)
    const first = await this.#once(outgoing, {...hop, ...own})
    if (first.answer.statusCode !== 401 || performance.now() < this.#quietUntil || !(await this.#credentials.renewed(own))) return first
    // too much of it has gone by; the client's next try has the new credentials
    if (outgoing.body && !outgoing.body.repeatable) return first
    first.answer.destroy()
    const again = await this.#once(outgoing, {...hop, ...(await this.#credentials.headers((given) => given))})
    if (again.answer.statusCode === 401) this.#quietUntil = performance.now() + quietMs
    return again
  }

  #once({method, path, headers, body, signal}: Outgoing, own: Record<string, string>): Promise<Answer> {
    const {request} = process.getBuiltinModule(this.url.protocol === 'https:' ? 'node:https' : 'node:http')
    const {promise, resolve, reject} = Promise.withResolvers<Answer>()
    const init = {
      method, path, agent: this.#agent, signal, setHost: false, headers: withHeaders(headers, {...own, host: this.url.host}),
      // node's own does not reach a connection through a proxy that is still being made
      tunnelSignal: signal,
    }
    const sent = request(this.url, init)
    this.#track(sent)
    watchTime(sent, this.url.host)
    sent.on('error', reject)
    sent.once('response', (answer) => resolve({upgraded: false, answer}))
    sent.once('upgrade', (answer, socket, head) => {
      this.#open.delete(sent)
      this.#track(socket)
      resolve({upgraded: true, answer, socket, head})
    })
    if (body) body.sendTo(sent)
    else sent.end()
    return promise
  }

  #track(one: Duplex | ClientRequest): void {
    this.#open.add(one)
    one.once('close', () => this.#open.delete(one))
  }
}

/** An error that says what did not happen in time. */
export class UpstreamTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

function watchTime(request: ClientRequest, where: string): void {
  let timer: NodeJS.Timeout | undefined
  const within = (ms: number, what: string): void => {
    clearTimeout(timer)
    timer = setTimeout(() => request.destroy(new UpstreamTimeout(`${where} ${what} within ${ms / 1000} s`)), ms)
  }
  const done = (): void => clearTimeout(timer)
  request.once('response', done).once('upgrade', done).once('close', done)
  within(connectMs, 'did not accept a connection')
  request.once('socket', (socket) => {
    // a body may take hours: time counts from its end
    const connected = (): void => (request.writableFinished ? within(answerMs, 'did not answer') : done())
    request.once('finish', () => within(answerMs, 'did not answer'))
    if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected)
    else connected()
  })
}
