import {randomUUID} from 'node:crypto'
import type {KernelOptions, LinkDetail, LinkState, Message} from './contract.ts'
import {JupyterError} from './errors.ts'
import {openLink} from './link.ts'
import type {Link, LinkLoss} from './link.ts'
import {reconnect} from './reconnect.ts'
import type {JupyterServer} from './server.ts'

export type Gap = 'reconnected' | 'new-session'
export type LinkListener = (state: LinkState, detail: LinkDetail) => void

export interface KeeperEvents {
  onMessage(message: Message): void
  onSession(session: string): void
  /** The link is gone, another is being looked for. */
  onLost(error: JupyterError): void
  /** A link is there; `gap` unless it is the first one. */
  onLinked(gap: Gap | undefined): void
  /** The end of everything, by `shut` or because no link can be had any more. Once. */
  onShut(cause: unknown): void
}

/** While a handshake takes longer, it is asked now and then whether the kernel is still there. */
const slowOpenMs = 2_000

/** Keeps one link to a kernel's channels, and makes a new one when it is lost. */
export class LinkKeeper {
  readonly #server: JupyterServer
  readonly #kernelId: string
  readonly #options: KernelOptions
  readonly #events: KeeperEvents
  readonly #listeners = new Set<LinkListener>()
  readonly #closing = new AbortController()
  #wake = new AbortController()
  #session = ''
  #link: Link | undefined
  #next = unhandled<Link>()
  #state: LinkState = 'reconnecting'

  constructor(server: JupyterServer, kernelId: string, options: KernelOptions, events: KeeperEvents) {
    this.#server = server
    this.#kernelId = kernelId
    this.#options = options
    this.#events = events
  }

  get state(): LinkState {
    return this.#state
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** The session id that our messages carry; another one after a link died unnoticed by the server. */
  get session(): string {
    return this.#session
  }

  /** The link there is at the moment, usable or about to be found lost. */
  get link(): Link | undefined {
    return this.#link
  }

  /** The first link. KERNEL_DEAD when the server does not know the kernel. */
  async connect(): Promise<void> {
    this.#newSession()
    try {
      this.#linked(await this.#open(this.#options.signal), undefined)
    } catch (error) {
      const missing = error instanceof JupyterError && error.code === 'NOT_FOUND'
      const cause = missing ? new JupyterError('KERNEL_DEAD', `the server knows no kernel ${this.#kernelId}`, {status: 404, cause: error}) : error
      void this.shut(cause)
      throw cause
    }
  }

  /** A usable link, waited for while reconnecting; throws the signal's reason, or why there will be none. */
  async connected(signal: AbortSignal | undefined): Promise<Link> {
    for (;;) {
      signal?.throwIfAborted()
      this.#closing.signal.throwIfAborted()
      if (this.#link?.alive) return this.#link
      // a link that is closing is found lost in a moment; then there is a next one to wait for
      await abortable<unknown>(this.#link ? this.#link.ended : this.#next.promise, signal)
    }
  }

  /** The usable link of this moment, or NETWORK. */
  now(): Link {
    if (this.#link?.alive) return this.#link
    if (this.closed) throw this.#closing.signal.reason
    throw new JupyterError('NETWORK', 'the kernel connection is down at the moment')
  }

  onLink(listener: LinkListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  retryNow(): void {
    this.#wake.abort()
    this.#wake = new AbortController()
  }

  /** All that waits for a link, now or later, gets `cause`. Resolves when the socket is gone. */
  async shut(cause: unknown): Promise<void> {
    if (this.closed) return
    this.#closing.abort(cause)
    const link = this.#link
    this.#link = undefined
    this.#next.reject(cause)
    this.#events.onShut(cause)
    this.#tell('closed', {reason: cause instanceof Error ? cause.message : String(cause)})
    await link?.close()
  }

  #newSession(): void {
    this.#session = randomUUID()
    this.#events.onSession(this.#session)
  }

  /**
   * A server holds the handshake back until the kernel answers. One that is shut down meanwhile never does, and the server does not tell:
   * NOT_FOUND then.
   */
  async #open(signal: AbortSignal | undefined): Promise<Link> {
    const opened = new AbortController()
    const gone = new AbortController()
    const missing = (): JupyterError => new JupyterError('NOT_FOUND', `the server knows no kernel ${this.#kernelId}`, {status: 404})
    const looking = setInterval(() => {
      this.#server.getKernel(this.#kernelId, {signal: opened.signal}).then(kernel => kernel === null && gone.abort(missing()), () => undefined)
    }, slowOpenMs)
    try {
      return await this.#openAuthorized(signal ? AbortSignal.any([signal, gone.signal]) : gone.signal)
    } finally {
      clearInterval(looking)
      opened.abort()
    }
  }

  async #openAuthorized(signal: AbortSignal): Promise<Link> {
    const headers = await this.#server.authorize()
    try {
      return await this.#openWith(headers, signal)
    } catch (error) {
      const expired = error instanceof JupyterError && error.status === 401 && (await this.#server.reauthorized(headers))
      if (!expired) throw error
      return this.#openWith(await this.#server.authorize(), signal)
    }
  }

  async #openWith(headers: Record<string, string>, signal: AbortSignal): Promise<Link> {
    const url = new URL(`api/kernels/${encodeURIComponent(this.#kernelId)}/channels`, this.#server.url)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    url.searchParams.set('session_id', this.#session)
    const {ca, trace} = this.#server.options
    return openLink({
      url, ca, trace, signal, headers,
      v1: this.#options.framing !== 'json',
      heartbeatMs: this.#options.heartbeatMs ?? 10_000,
      onMessage: message => this.#events.onMessage(message),
      onLost: loss => this.#lost(loss),
    })
  }

  #linked(link: Link, gap: Gap | undefined): void {
    this.#link = link
    this.#next.resolve(link)
    this.#tell('connected', gap ? {gap} : {})
    this.#events.onLinked(gap)
    // only now: a replayed end must find its execution held
    link.start()
  }

  #lost(loss: LinkLoss): void {
    if (this.closed) return
    this.#link = undefined
    this.#next = unhandled()
    this.#events.onLost(new JupyterError('NETWORK', `the kernel connection was lost (${loss.reason})`))
    // to the same session the server replays what it kept; after a death that it has not noticed, only a new one is served at once
    const gap = loss.kind === 'dead' ? 'new-session' : 'reconnected'
    if (gap === 'new-session') this.#newSession()
    reconnect({
      loss,
      maxOfflineMs: this.#options.maxOfflineMs,
      signal: this.#closing.signal,
      open: signal => this.#open(signal),
      isGone: this.#options.isGone,
      onAttempt: (attempt, retryInMs, reason) => this.#tell('reconnecting', {attempt, retryInMs, reason}),
      wake: () => this.#wake.signal,
    }).then(
      link => (this.closed ? void link.close() : this.#linked(link, gap)),
      (cause: unknown) => void this.shut(cause),
    )
  }

  #tell(state: LinkState, detail: LinkDetail): void {
    this.#state = state
    const listeners = [...this.#listeners]
    for (const listener of listeners) listener(state, detail)
  }
}

/** A promise that may be rejected without anybody waiting for it. */
function unhandled<T>(): PromiseWithResolvers<T> {
  const made = Promise.withResolvers<T>()
  made.promise.catch(() => {})
  return made
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, {once: true})
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
