import {randomUUID} from 'node:crypto'
import {Comm} from './comm.ts'
import type {CommHandlers} from './comm.ts'
import type {Channel, ExecuteOptions, ExecuteResult, KernelOptions, LinkDetail, LinkState, Message} from './contract.ts'
import {JupyterError} from './errors.ts'
import {Request} from './exchange.ts'
import type {Exchange} from './exchange.ts'
import {Execution} from './execution.ts'
import type {ExecutionHost} from './execution.ts'
import {isObject, optionalString} from './guard.ts'
import {ProcessIdentity} from './identity.ts'
import {Inbox} from './inbox.ts'
import {openLink} from './link.ts'
import type {Link, LinkLoss} from './link.ts'
import {newMessage} from './message.ts'
import {reconnect} from './reconnect.ts'
import type {JupyterServer} from './server.ts'
import {Supervisor} from './supervisor.ts'

export interface KernelInfo {
  implementation: string
  implementationVersion: string
  languageName: string
  languageVersion: string
  protocolVersion: string
  banner: string
}

export type LinkListener = (state: LinkState, detail: LinkDetail) => void

/** See `JupyterServer.openKernel`. */
export async function openKernel(server: JupyterServer, kernelId: string, options: KernelOptions): Promise<KernelConnection> {
  const kernel = new KernelConnection(server, kernelId, options)
  await kernel.connect()
  return kernel
}

/**
 * A kernel's channels over one WebSocket that comes back by itself. A request is sent once and never again: what a lost link
 * makes unknown is said to be unknown. All methods throw JupyterError, or the reason of the caller's signal.
 */
export class KernelConnection {
  readonly kernelId: string
  readonly #server: JupyterServer
  readonly #options: KernelOptions
  readonly #exchanges = new Map<string, Exchange>()
  readonly #comms = new Map<string, {comm: Comm; handlers: CommHandlers}>()
  readonly #listeners = new Set<LinkListener>()
  readonly #identity = new ProcessIdentity()
  readonly #inbox: Inbox
  readonly #supervisor: Supervisor
  readonly #closing = new AbortController()
  #wake = new AbortController()
  #session = ''
  #link: Link | undefined
  #ready = Promise.withResolvers<Link>()
  #state: LinkState = 'reconnecting'

  constructor(server: JupyterServer, kernelId: string, options: KernelOptions = {}) {
    this.#server = server
    this.kernelId = kernelId
    this.#options = options
    this.#ready.promise.catch(() => {})
    this.#newSession()
    this.#inbox = new Inbox(message => this.#dispatch(message), () => this.#link)
    this.#supervisor = new Supervisor({
      ask: (channel, untilIdle) => this.#ask(channel, 'kernel_info_request', {}, untilIdle),
      isGone: async () => (await server.getKernel(kernelId)) === null,
      executions: () => [...this.#exchanges.values()].filter(each => each instanceof Execution),
      onGone: () => this.#shut(new JupyterError('KERNEL_DEAD', 'the kernel is gone: the server does not know it any more', {status: 404})),
      intervalMs: options.heartbeatMs ?? 10_000,
    })
  }

  get state(): LinkState {
    return this.#state
  }

  /** Opens the first link; called once, by `openKernel`. */
  async connect(): Promise<void> {
    try {
      this.#linked(await this.#open(this.#options.signal))
    } catch (error) {
      const missing = error instanceof JupyterError && error.code === 'NOT_FOUND'
      const cause = missing ? new JupyterError('KERNEL_DEAD', `the server knows no kernel ${this.kernelId}`, {status: 404, cause: error}) : error
      this.#shut(cause)
      throw cause
    }
    this.#options.signal?.addEventListener('abort', () => void this.close(), {once: true})
  }

  /** What the kernel says of itself; answered by a busy kernel too, where it listens on its control channel. */
  async info(options: {signal?: AbortSignal} = {}): Promise<KernelInfo> {
    const control = this.request('control', 'kernel_info_request', {}, {...options, timeoutMs: 2_000})
    const reply = await control.catch((error: unknown) => {
      if (error instanceof JupyterError && error.code === 'NETWORK' && this.#state === 'connected') return this.request('shell', 'kernel_info_request', {}, options)
      throw error
    })
    const language = isObject(reply.content['language_info']) ? reply.content['language_info'] : {}
    return {
      implementation: optionalString(reply.content, 'implementation') ?? '',
      implementationVersion: optionalString(reply.content, 'implementation_version') ?? '',
      languageName: optionalString(language, 'name') ?? '',
      languageVersion: optionalString(language, 'version') ?? '',
      protocolVersion: optionalString(reply.content, 'protocol_version') ?? '',
      banner: optionalString(reply.content, 'banner') ?? '',
    }
  }

  /**
   * Runs code; resolves at the reply and idle, whatever the code's outcome. Rejects with KERNEL_DEAD, KERNEL_RESTARTED,
   * CLOSED, TOO_BIG, what `onOutput` or `onInput` threw, or the signal's reason; then the code may still be running
   * (`interrupt` stops it). While the link is down, a new execution waits for it. Cells sent at once run in order.
   */
  async execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResult> {
    const {signal} = options
    const link = await this.#connected(signal)
    const message = newMessage(this.#session, 'shell', 'execute_request', {
      code,
      silent: options.silent ?? false,
      store_history: options.storeHistory ?? !options.silent,
      user_expressions: options.userExpressions ?? {},
      allow_stdin: options.onInput !== undefined && options.allowStdin !== false,
      stop_on_error: options.stopOnError ?? true,
    })
    const execution = new Execution(message.id, options, this.#executionHost)
    return this.#tracked(execution, signal, async () => {
      this.#supervisor.watch()
      await link.send(message).catch((error: unknown) => {
        // a lost link is settled after the reconnect: part of it may have arrived
        if (!(error instanceof JupyterError) || error.code !== 'NETWORK') throw error
      })
      return execution.promise
    })
  }

  /** One request and its reply on the same channel. NETWORK when the link is lost or `timeoutMs` pass before the reply. */
  async request(
    channel: 'shell' | 'control', msgType: string, content: object,
    options: {buffers?: Uint8Array[]; signal?: AbortSignal; timeoutMs?: number} = {},
  ): Promise<Message> {
    const {buffers, signal, timeoutMs} = options
    await this.#connected(signal)
    return this.#ask(channel, msgType, content, false, {buffers, signal, timeoutMs})
  }

  /** Opens a comm. A target that the kernel does not know shows as `onClose`. */
  openComm(target: string, data: object = {}, handlers: CommHandlers = {}, buffers: readonly Uint8Array[] = []): Comm {
    const id = randomUUID()
    const host = {
      send: (type: string, content: object, attached: readonly Uint8Array[]) => this.#sendNow('shell', type, content, {buffers: attached}),
      forget: () => void this.#comms.delete(id),
    }
    const comm = new Comm(host, id, target, data, buffers)
    this.#comms.set(id, {comm, handlers})
    return comm
  }

  /** Interrupts what runs, by REST, which works for every kind of kernel. */
  async interrupt(): Promise<void> {
    for (const each of this.#exchanges.values()) if (each instanceof Execution) each.interruptAsked = true
    await this.#server.interruptKernel(this.kernelId)
  }

  /** Called at every change of the link, not at once. Returns how to stop listening. */
  onLink(listener: LinkListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** While reconnecting: try now. To be called when the network changed or the machine woke up. */
  reconnectNow(): void {
    this.#wake.abort()
    this.#wake = new AbortController()
  }

  /** Ends the connection, not the kernel. What is unanswered is rejected with CLOSED. */
  async close(): Promise<void> {
    const link = this.#link
    this.#shut(new JupyterError('CLOSED', 'the kernel connection was closed'))
    await link?.close()
  }

  readonly #executionHost: ExecutionHost = {
    sendInput: (value, request) => this.#sendNow('stdin', 'input_reply', {status: 'ok', value}, {parent: request.header}),
    interrupt: () => this.interrupt(),
    confirm: execution => this.#supervisor.confirm(execution),
    stalled: execution => this.#supervisor.settle([execution]),
  }

  async #tracked<T>(exchange: Exchange, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const abort = (): void => exchange.fail(signal?.reason)
    signal?.addEventListener('abort', abort, {once: true})
    this.#exchanges.set(exchange.id, exchange)
    try {
      return await work()
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#exchanges.delete(exchange.id)
    }
  }

  async #ask(
    channel: 'shell' | 'control', type: string, content: object, untilIdle: boolean,
    options: {buffers?: readonly Uint8Array[] | undefined; signal?: AbortSignal | undefined; timeoutMs?: number | undefined} = {},
  ): Promise<Message> {
    const request = new Request(randomUUID(), channel, untilIdle)
    const {buffers, signal, timeoutMs} = options
    return this.#tracked(request, signal, async () => {
      await this.#sendNow(channel, type, content, {...(buffers && {buffers}), id: request.id})
      const late = (): void => request.fail(new JupyterError('NETWORK', `the kernel did not answer ${type} within ${(timeoutMs ?? 0) / 1000} s`))
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs)
      return request.promise.finally(() => clearTimeout(timer))
    })
  }

  /** Sends over the link there is, or throws NETWORK: not sent. */
  async #sendNow(channel: Channel, type: string, content: object, extra: {buffers?: readonly Uint8Array[]; parent?: object; id?: string}): Promise<void> {
    const link = this.#link
    if (!link?.alive) {
      if (this.#state === 'closed') await this.#ready.promise
      throw new JupyterError('NETWORK', 'the kernel connection is down at the moment')
    }
    await link.send(newMessage(this.#session, channel, type, content, extra))
  }

  async #connected(signal: AbortSignal | undefined): Promise<Link> {
    signal?.throwIfAborted()
    if (this.#link?.alive) return this.#link
    if (!signal) return this.#ready.promise
    const {promise, reject} = Promise.withResolvers<never>()
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, {once: true})
    return Promise.race([this.#ready.promise, promise]).finally(() => signal.removeEventListener('abort', abort))
  }

  #newSession(): void {
    this.#session = randomUUID()
    this.#identity.addOurs(this.#session)
  }

  async #open(signal: AbortSignal | undefined): Promise<Link> {
    const url = new URL(`api/kernels/${encodeURIComponent(this.kernelId)}/channels`, this.#server.url)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    url.searchParams.set('session_id', this.#session)
    const {ca, trace} = this.#server.options
    return openLink({
      url, ca, trace, signal,
      headers: await this.#server.authorize(),
      v1: this.#options.framing !== 'json',
      heartbeatMs: this.#options.heartbeatMs ?? 10_000,
      onMessage: message => this.#inbox.receive(message),
      onLost: loss => this.#lost(loss),
    })
  }

  #linked(link: Link, gap?: 'reconnected' | 'new-session'): void {
    this.#link = link
    this.#inbox.linked()
    this.#ready.resolve(link)
    this.#tell('connected', gap ? {gap} : {})
    if (!gap) return
    for (const {handlers} of this.#comms.values()) handlers.onGap?.(gap)
    this.#supervisor.linkBack(gap)
  }

  #lost(loss: LinkLoss): void {
    if (this.#closing.signal.aborted) return
    this.#link = undefined
    this.#ready = Promise.withResolvers()
    this.#ready.promise.catch(() => {})
    const error = new JupyterError('NETWORK', `the kernel connection was lost (${loss.reason})`)
    for (const each of [...this.#exchanges.values()]) each.linkLost(error)
    // the server replays to the same session what it kept; after a death it has not noticed, only a new one is served at once
    if (loss.kind === 'dead') this.#newSession()
    reconnect({
      loss,
      maxOfflineMs: this.#options.maxOfflineMs,
      signal: this.#closing.signal,
      open: () => this.#open(this.#closing.signal),
      onAttempt: (attempt, retryInMs, reason) => this.#tell('reconnecting', {attempt, retryInMs, reason}),
      wake: () => this.#wake.signal,
    }).then(
      link => (this.#closing.signal.aborted ? void link.close() : this.#linked(link, loss.kind === 'dead' ? 'new-session' : 'reconnected')),
      (cause: unknown) => this.#shut(cause),
    )
  }

  /** The end of everything: all that is unanswered gets `cause`, and so does whatever is asked later. */
  #shut(cause: unknown): void {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(cause)
    const link = this.#link
    this.#link = undefined
    if (!link) this.#ready.reject(cause)
    this.#ready = Promise.withResolvers()
    this.#ready.promise.catch(() => {})
    this.#ready.reject(cause)
    this.#supervisor.stop()
    this.#failAll(cause)
    this.#tell('closed', {reason: cause instanceof Error ? cause.message : String(cause)})
    void link?.close()
  }

  #failAll(cause: unknown): void {
    for (const each of [...this.#exchanges.values()]) each.fail(cause)
    for (const {comm, handlers} of [...this.#comms.values()]) {
      comm.markClosed()
      handlers.onClose?.({})
    }
  }

  #tell(state: LinkState, detail: LinkDetail): void {
    this.#state = state
    for (const listener of [...this.#listeners]) listener(state, detail)
  }

  #dispatch(message: Message): void | Promise<void> {
    if (this.#closing.signal.aborted) return
    if (this.#identity.observe(message)) this.#restarted()
    const type = message.header.msg_type
    const parent = message.parent_header.msg_id
    if (message.channel === 'iopub') {
      if (type === 'status') this.#status(message.content['execution_state'])
      if (type === 'shutdown_reply') this.#shutdownSeen(message.content['restart'] === true)
      if (type === 'comm_msg' || type === 'comm_close') return this.#comm(type, message)
    }
    if (parent !== undefined) return this.#exchanges.get(parent)?.handle(message)
  }

  /** What the server says of the kernel's process; a kernel's own `busy` and `idle` are for their parents. */
  #status(state: unknown): void {
    if (state === 'restarting' || state === 'autorestarting') {
      this.#identity.retire()
      this.#restarted()
    } else if (state === 'dead') {
      this.#shut(new JupyterError('KERNEL_DEAD', 'the kernel died and could not be restarted'))
    }
  }

  /** A kernel says goodbye to all its clients. */
  #shutdownSeen(restart: boolean): void {
    this.#identity.retire()
    if (restart) this.#restarted()
    else this.#supervisor.checkGone()
  }

  #restarted(): void {
    this.#failAll(new JupyterError('KERNEL_RESTARTED', 'the kernel was restarted: what ran in it is lost, and so are its variables'))
  }

  #comm(type: string, message: Message): void | Promise<void> {
    const entry = this.#comms.get(optionalString(message.content, 'comm_id') ?? '')
    if (!entry) return
    const data = isObject(message.content['data']) ? message.content['data'] : {}
    if (type === 'comm_msg') return entry.handlers.onMessage?.(data, message.buffers)
    entry.comm.markClosed()
    entry.handlers.onClose?.(data)
  }
}
