import type {OnReadOpts, Socket} from 'node:net'
import type {ConnectionOptions} from 'node:tls'
import {answerError} from './answer.ts'
import {backoff, pause} from './backoff.ts'
import {JupyterError, fromSocketError} from './errors.ts'
import {trusted} from './http.ts'
import {type ConnectOptions, connectTo} from './proxy/connect.ts'
import {parseHead, type ResponseHead} from './response-head.ts'

/** What a stream is asked with: a RestClient, say. */
export interface StreamServer {
  authorize(): Promise<Record<string, string>>
  reauthorized(refused: Record<string, string>): Promise<boolean>
  options: {ca?: string; trace?: (line: string) => void}
}

export interface FileStreamOptions {
  url: URL
  /** the first byte that is wanted */
  from: number
  signal?: AbortSignal | undefined
}

interface Waiting {
  into: Uint8Array
  kept: number
  resolve(): void
  reject(error: unknown): void
}

const attempts = 4
const connectTimeoutMs = 5_000
const idleMs = 30_000
const headBytes = 64 << 10

/**
 * A file from one byte to its end by one GET, read piece by piece in order. The socket reads straight into the pieces' memory: node's
 * HTTP client makes a buffer for every 64 KiB, which is half of the work of a fast download. A connection that is lost is made anew for
 * what is still missing; with nobody waiting nothing is read. Only answers that say their length and begin where they should are taken.
 */
export class FileStream {
  readonly #server: StreamServer
  readonly #options: FileStreamOptions
  readonly #queue: Waiting[] = []
  /** the byte of the file that comes next */
  #at: number
  /** what came when nobody waited */
  #held: Uint8Array | undefined
  #socket: Socket | undefined
  #running = false
  #closed = false

  constructor(server: StreamServer, options: FileStreamOptions) {
    this.#server = server
    this.#options = options
    this.#at = options.from
  }

  /** Fills it with what comes next. Rejects with JupyterError, or the signal's reason; then nothing is written to it any more. */
  read(into: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new JupyterError('CLOSED', 'the file was closed'))
      this.#queue.push({into, kept: 0, resolve, reject})
      const held = this.#held
      this.#held = undefined
      if (held) this.#take(held)
      if (this.#queue.length > 0 && this.#socket?.isPaused()) this.#socket.setTimeout(idleMs).resume() // its time may have run out while nobody waited
      if (!this.#running) void this.#run()
    })
  }

  close(): void {
    this.#fail(new JupyterError('CLOSED', 'the file was closed'))
  }

  #fail(error: unknown): void {
    this.#closed = true
    this.#socket?.destroy()
    this.#held = undefined
    for (const waiting of this.#queue.splice(0)) waiting.reject(error)
  }

  async #run(): Promise<void> {
    const {signal} = this.#options
    const abort = (): void => this.#fail(signal?.reason)
    signal?.addEventListener('abort', abort, {once: true})
    this.#running = true
    try {
      signal?.throwIfAborted()
      for (let attempt = 1; this.#queue.length > 0; attempt++) {
        const before = this.#at
        try {
          await this.#once()
          if (this.#queue.length > 0) throw new JupyterError('PROTOCOL', 'the file ended before it should')
        } catch (error) {
          if (this.#at > before) attempt = 0
          if (this.#closed || !(error instanceof JupyterError && error.code === 'NETWORK') || attempt === attempts) throw error
          await pause(backoff(attempt + 1, {baseMs: 200, capMs: 2_000}), signal)
        }
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#running = false
      signal?.removeEventListener('abort', abort)
    }
  }

  /** One request, and another one where its headers were not good any more. */
  async #once(): Promise<void> {
    const own = await this.#server.authorize()
    if ((await this.#exchange(own)) !== 401) return
    if (!(await this.#server.reauthorized(own)) || (await this.#exchange(await this.#server.authorize())) === 401) throw this.#refused({status: 401, headers: {}})
  }

  /** Resolves at the end of the body, or to 401. */
  async #exchange(own: Record<string, string>): Promise<401 | undefined> {
    const {url} = this.#options
    const {promise, resolve, reject} = Promise.withResolvers<401 | undefined>()
    promise.catch(() => undefined) // it may fail before it is waited for
    const from = this.#at
    let head: Buffer | undefined = Buffer.alloc(0)
    let left = Infinity
    const body = (chunk: Uint8Array): void => {
      const wanted = chunk.subarray(0, left)
      left -= wanted.length
      this.#take(wanted)
      if (left === 0) resolve(undefined)
      else if (this.#queue.length === 0) this.#socket?.pause()
    }
    const received = (chunk: Uint8Array): void => {
      if (!head) return body(chunk)
      head = Buffer.concat([head, chunk])
      const parsed = parseHead(head)
      if (!parsed && head.length > headBytes) throw new JupyterError('PROTOCOL', `${url.host} does not speak HTTP`)
      if (!parsed) return
      const rest = head.subarray(parsed.size)
      head = undefined
      if (parsed.status === 401) return resolve(401)
      left = this.#lengthOf(parsed, from)
      body(rest)
    }
    const guarded = (chunk: Uint8Array): void => {
      try {
        received(chunk)
      } catch (error) {
        reject(error)
      }
    }
    const spare = Buffer.allocUnsafeSlow(headBytes)
    const socket = await this.#connect({
      // of the piece that is waited for, its own memory; a false answer of the callback would pause, which `body` does
      buffer: () => (head ? spare : (this.#next(left) ?? spare)),
      callback: (size, buffer) => {
        guarded(buffer.subarray(0, size))
        return true
      },
    })
    this.#socket = socket
    if (this.#closed) socket.destroy()
    socket.on('data', guarded) // of a socket that a proxy made: it knows nothing of our memory
    socket.on('error', error => reject(fromSocketError(error, url.host)))
    for (const event of ['end', 'close']) socket.once(event, () => reject(new JupyterError('NETWORK', `${url.host} ended in the middle of a file`)))
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => socket.setTimeout(idleMs))
    socket.setTimeout(socket.connecting ? connectTimeoutMs : idleMs)
    socket.on('timeout', () => {
      if (this.#queue.length > 0) socket.destroy(new JupyterError('NETWORK', `${url.host} did not answer, or stopped in the middle of a file`))
    })
    socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${headerLines({
      host: url.host, ...own, accept: '*/*', 'accept-encoding': 'identity', connection: 'close', ...(from > 0 && {range: `bytes=${from}-`}),
    })}\r\n`)
    try {
      return await promise
    } finally {
      socket.destroy()
      this.#held = undefined
      this.#server.options.trace?.(`GET ${url.pathname} from ${from} to ${this.#at}`)
    }
  }

  /** How long the body is. */
  #lengthOf(head: ResponseHead, from: number): number {
    const {status, headers} = head
    const length = Number(headers['content-length'] ?? NaN)
    if (status !== 200 && status !== 206) throw this.#refused(head)
    if (!Number.isSafeInteger(length) || headers['transfer-encoding'] || headers['content-encoding']) throw new JupyterError('PROTOCOL', 'the server does not say how long the file is')
    const begins = status === 200 ? 0 : Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? NaN)
    if (begins !== from) throw new JupyterError('PROTOCOL', 'the server knows no ranges')
    return length
  }

  #refused({status, headers}: Pick<ResponseHead, 'status' | 'headers'>): Error {
    const {url} = this.#options
    return answerError({status, headers, body: Buffer.alloc(0)}, `GET ${url.pathname}`, url.host) ?? new JupyterError('PROTOCOL', `${url.host} answered ${status}`)
  }

  /** The rest of the piece that is waited for. */
  #next(most: number): Uint8Array | undefined {
    const [waiting] = this.#queue
    const rest = waiting?.into.subarray(waiting.kept, Math.min(waiting.into.length, waiting.kept + most))
    return rest?.length ? rest : undefined
  }

  #take(chunk: Uint8Array): void {
    for (let rest = chunk; rest.length > 0; ) {
      const [waiting] = this.#queue
      if (!waiting) {
        this.#held = Buffer.from(rest)
        return
      }
      const part = rest.subarray(0, waiting.into.length - waiting.kept)
      const there = waiting.into.subarray(waiting.kept, waiting.kept + part.length)
      if (part.buffer !== there.buffer || part.byteOffset !== there.byteOffset) there.set(part)
      waiting.kept += part.length
      this.#at += part.length
      rest = rest.subarray(part.length)
      if (waiting.kept < waiting.into.length) continue
      this.#queue.shift()
      waiting.resolve()
    }
  }

  async #connect(onread: OnReadOpts): Promise<Socket> {
    const {url, signal} = this.#options
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const {connect, isIP} = process.getBuiltinModule('node:net')
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    const direct = ({socket}: ConnectOptions): Socket => {
      if (url.protocol !== 'https:') return connect({host, port, onread})
      const own = {...trusted(this.#server.options.ca), servername: isIP(host) ? '' : host}
      const {connect: secured} = process.getBuiltinModule('node:tls')
      const options: ConnectionOptions & {onread?: OnReadOpts} = socket ? {socket, ...own} : {host, port, ...own, onread} // its types lack it
      return secured(options)
    }
    return (await connectTo(url, {...(signal && {tunnelSignal: signal})}, direct)) as Socket // a tunnel is one, too
  }
}

function headerLines(headers: Record<string, string>): string {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
}
