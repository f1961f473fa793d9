import type {Comm, KernelConnection} from '@cgpu/jupyter'
import {agentVersion} from '@cgpu/runtime-agent'
import {errors} from '../errors.ts'
import {isObject} from '../state/json.ts'
import {loadAgent} from './bootstrap.ts'
import {helloOf, type AgentHello} from './models.ts'
import {agentProblem} from './problem.ts'

export type Json = Record<string, unknown>
export interface Answer {
  data: Json
  buffers: Uint8Array[]
}

export interface ChannelOptions {
  /** the agent's own folder on the machine; default: CGPU_AGENT_HOME there, or ~/.cgpu */
  home?: string
  /** what relative paths are relative to; default: the kernel's folder */
  workdir?: string
  signal?: AbortSignal
}

interface Waiting {
  request: Json
  buffers: Uint8Array[]
  resolve: (answer: Answer) => void
  reject: (error: unknown) => void
  onPush: ((answer: Answer) => void) | undefined
  /** when it was last sent, or heard of: performance.now() */
  at: number
}

/** Pushes of this operation may have been lost: ask again from where you are. */
export class StreamLost extends Error {}

const target = 'cgpu.agent'
const tickMs = 5_000
const resendAfterMs = 10_000
// the agent says where a stream stands every 5 s
const streamSilentMs = 20_000
// the agent gives a client up that was silent for 150 s
const pingAfterMs = 30_000

/**
 * Requests and answers over a comm, whatever happens to the link: every request has an id, is sent again after a gap or when its
 * answer is late, and is done once by the agent, which remembers its answers. A kernel that was restarted gets the agent anew.
 */
export class AgentChannel {
  readonly #connection: KernelConnection
  readonly #options: ChannelOptions
  readonly #waiting = new Map<number, Waiting>()
  #comm: Comm | undefined
  #hello: AgentHello | undefined
  #greetings = 0
  #lastId = 0
  #lastSent = 0
  #closed = false
  #timer: NodeJS.Timeout | undefined

  private constructor(connection: KernelConnection, options: ChannelOptions) {
    this.#connection = connection
    this.#options = options
  }

  static async open(connection: KernelConnection, options: ChannelOptions = {}): Promise<AgentChannel> {
    const channel = new AgentChannel(connection, options)
    await channel.#connect(options.signal)
    channel.#timer = setInterval(() => channel.#tick(), tickMs)
    channel.#timer.unref()
    return channel
  }

  get hello(): AgentHello {
    if (!this.#hello) throw new Error('the channel is not open yet')
    return this.#hello
  }

  /** How often the agent was found anew: what was loaded into it before is gone. */
  get greetings(): number {
    return this.#greetings
  }

  /** One answer to one request. Rejects with CgpuError, JupyterError when the connection ends, or the signal's reason. */
  async request(op: string, fields: Json = {}, options: {buffers?: Uint8Array[]; signal?: AbortSignal | undefined} = {}): Promise<Answer> {
    return this.#ask(op, fields, options.buffers ?? [], undefined, options.signal).answer
  }

  /** An operation that pushes. `answer` rejects with StreamLost when pushes may be missing. */
  stream(op: string, fields: Json, onPush: (answer: Answer) => void, signal: AbortSignal | undefined, buffers: Uint8Array[] = []): {answer: Promise<Answer>; credit(bytes: number): void; cancel(): void} {
    const {id, answer} = this.#ask(op, fields, buffers, onPush, signal)
    return {
      answer,
      credit: bytes => void this.#tell({id: 0, op: 'credit', stream: id, bytes}),
      cancel: () => {
        this.#waiting.delete(id)
        void this.#tell({id: 0, op: 'cancel', stream: id})
      },
    }
  }

  /** Ends this client's operations; jobs go on. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#fail(errors.interrupted('the connection to the agent was closed', {code: 'AGENT_CLOSED'}))
    await this.#comm?.close().catch(() => undefined) // the link may be down: the agent forgets silent clients
  }

  #ask(op: string, fields: Json, buffers: Uint8Array[], onPush: Waiting['onPush'], signal: AbortSignal | undefined): {id: number; answer: Promise<Answer>} {
    const id = ++this.#lastId
    const {promise, resolve, reject} = Promise.withResolvers<Answer>()
    if (this.#closed) reject(errors.interrupted('the connection to the agent was closed', {code: 'AGENT_CLOSED'}))
    else if (signal?.aborted) reject(signal.reason)
    else {
      const waiting = {request: {...fields, id, op}, buffers, resolve, reject, onPush, at: performance.now()}
      this.#waiting.set(id, waiting)
      const abort = (): void => {
        this.#waiting.delete(id)
        if (onPush) void this.#tell({id: 0, op: 'cancel', stream: id})
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, {once: true})
      const stop = (): void => signal?.removeEventListener('abort', abort)
      promise.then(stop, stop)
      this.#send(waiting)
    }
    return {id, answer: promise}
  }

  #send(waiting: Waiting): void {
    waiting.at = this.#lastSent = performance.now()
    this.#comm?.send(waiting.request, waiting.buffers).catch((error: unknown) => {
      // the link is down: sent again when it is back, or rejected when it will not come back
      if (this.#connection.state === 'closed') this.#fail(error)
    })
  }

  /** A message that nobody answers, sent once: whether it came shows in the stream that it belongs to. Resolves when it left, or could not. */
  async tell(op: string, fields: Json, buffers: Uint8Array[]): Promise<void> {
    await this.#tell({...fields, id: 0, op}, buffers)
  }

  #tell(data: Json, buffers: Uint8Array[] = []): Promise<void> | undefined {
    if (this.#closed) return undefined
    this.#lastSent = performance.now()
    return this.#comm?.send(data, buffers).catch(() => undefined) // a stream whose credit was lost is asked for again after the gap
  }

  #received(data: Json, buffers: Uint8Array[]): void {
    const waiting = typeof data['id'] === 'number' ? this.#waiting.get(data['id']) : undefined
    if (!waiting) return
    waiting.at = performance.now()
    if (typeof data['ok'] !== 'boolean') return waiting.onPush?.({data, buffers})
    this.#waiting.delete(Number(data['id']))
    if (data['ok']) waiting.resolve({data, buffers})
    else waiting.reject(agentProblem(data['error']))
  }

  /** Answers and pushes may have been lost. */
  #gap(): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.onPush) this.#loseStream(id, waiting)
      else this.#send(waiting)
    }
  }

  #loseStream(id: number, waiting: Waiting): void {
    this.#waiting.delete(id)
    void this.#tell({id: 0, op: 'cancel', stream: id})
    waiting.reject(new StreamLost())
  }

  #tick(): void {
    if (this.#connection.state !== 'connected' || this.#closed) return
    const now = performance.now()
    let streams = false
    for (const [id, waiting] of this.#waiting) {
      if (waiting.onPush) {
        streams = true
        if (now - waiting.at > streamSilentMs) this.#loseStream(id, waiting)
      } else if (now - waiting.at > resendAfterMs) this.#send(waiting)
    }
    if (streams && now - this.#lastSent > pingAfterMs) this.request('ping').catch(() => undefined)
  }

  #fail(error: unknown): void {
    this.#closed = true
    clearInterval(this.#timer)
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }

  /** The kernel that held the other end is gone; where another took its place, everything is asked again. */
  #ended(): void {
    if (this.#closed) return
    this.#connect(undefined).then(() => this.#gap(), (error: unknown) => this.#fail(error))
  }

  async #connect(signal: AbortSignal | undefined): Promise<void> {
    for (let loads = 0; ; ) {
      const hello = await this.#greet(signal)
      if (hello !== 'unknown' && hello.version === agentVersion()) {
        this.#hello = hello
        this.#greetings++
        return
      }
      if (loads++ === 2) {
        throw errors.network('the agent cannot be started in this kernel', {
          code: 'AGENT_UNUSABLE', category: 'kernel', fix: 'restart the kernel, or use an IPython kernel',
        })
      }
      await this.#comm?.close().catch(() => undefined)
      await loadAgent(this.#connection, signal)
    }
  }

  /** Opens the comm and waits for the first word; asks again when that may have been lost. */
  async #greet(signal: AbortSignal | undefined): Promise<AgentHello | 'unknown'> {
    for (let patience = 2_000; ; patience = Math.min(patience * 2, 15_000)) {
      signal?.throwIfAborted()
      const heard = await this.#openOnce(patience, signal)
      if (heard !== 'again') return heard
      await this.#comm?.close().catch(() => undefined) // it may have arrived after all, or never
      await linked(this.#connection, signal)
    }
  }

  /** A kernel that just restarts loses what it is sent; one that works answers when it is done. */
  #openOnce(patience: number, signal: AbortSignal | undefined): Promise<AgentHello | 'unknown' | 'again'> {
    return new Promise((resolve, reject) => {
      let greeted = false
      const settle = (result: AgentHello | 'unknown' | 'again' | Error): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        if (result instanceof Error) reject(result)
        else resolve(result)
      }
      const abort = (): void => settle(asError(signal?.reason))
      const timer = setTimeout(() => settle('again'), patience)
      signal?.addEventListener('abort', abort, {once: true})
      const {home, workdir} = this.#options
      const comm = this.#connection.openComm(target, {...(home && {home}), ...(workdir && {workdir})}, {
        onMessage: (data, buffers) => {
          if (data['op'] !== 'hello') return this.#comm === comm ? this.#received(data, buffers) : undefined
          greeted = true
          settle(helloOf(data))
        },
        onClose: () => {
          if (greeted && this.#comm === comm) this.#ended()
          else settle('unknown')
        },
        onGap: () => {
          if (greeted && this.#comm === comm) this.#gap()
          else settle('again')
        },
      })
      this.#comm = comm
      comm.opened.catch((error: unknown) => settle(this.#connection.state === 'closed' ? asError(error) : 'again'))
    })
  }
}

/** A usable link, or the error that there will be none. */
function linked(connection: KernelConnection, signal: AbortSignal | undefined): Promise<void> {
  if (connection.state === 'connected') return new Promise(resolve => setTimeout(resolve, 20)) // about to be found lost
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      stop()
      signal?.removeEventListener('abort', abort)
      if (error) reject(error)
      else resolve()
    }
    const abort = (): void => done(asError(signal?.reason))
    const stop = connection.onLink((state, detail) => {
      if (state === 'connected') done()
      if (state === 'closed') done(errors.network(`the kernel connection was closed: ${detail.reason ?? 'no reason'}`, {code: 'RUNTIME_UNREACHABLE'}))
    })
    signal?.addEventListener('abort', abort, {once: true})
  })
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value))
}

/** Number field of an answer, or 0. */
export function numberOf(data: Json, name: string): number {
  const value = data[name]
  return typeof value === 'number' ? value : 0
}

/** Text field of an answer, or ''. */
export function textOf(data: Json, name: string): string {
  const value = data[name]
  return typeof value === 'string' ? value : ''
}

/** Objects of a list field of an answer. */
export function listOf(data: Json, name: string): Json[] {
  const value = data[name]
  return Array.isArray(value) ? value.filter(isObject) : []
}
