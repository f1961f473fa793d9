import {randomUUID} from 'node:crypto'
import {CommTable} from './comm.ts'
import type {Comm, CommHandlers} from './comm.ts'
import type {Channel, ExecuteOptions, ExecuteResult, KernelOptions, LinkState, Message, OtherMessage} from './contract.ts'
import {JupyterError} from './errors.ts'
import {Request} from './exchange.ts'
import type {Exchange} from './exchange.ts'
import {Execution} from './execution.ts'
import type {ExecutionHost} from './execution.ts'
import type {Outgoing} from './framing.ts'
import {ProcessIdentity} from './identity.ts'
import {Inbox} from './inbox.ts'
import {kernelInfo} from './info.ts'
import type {KernelInfo} from './info.ts'
import {LinkKeeper} from './keeper.ts'
import type {LinkListener} from './keeper.ts'
import {newMessage} from './message.ts'
import type {JupyterServer} from './server.ts'
import {Supervisor} from './supervisor.ts'

/** See `JupyterServer.openKernel`. */
export async function openKernel(server: JupyterServer, kernelId: string, options: KernelOptions): Promise<KernelConnection> {
  const kernel = new KernelConnection(server, kernelId, options)
  await kernel.connect()
  return kernel
}

interface AskOptions {
  buffers?: readonly Uint8Array[] | undefined
  signal?: AbortSignal | undefined
  timeoutMs?: number | undefined
  /** for a link that is down; otherwise NETWORK */
  wait?: boolean
}

/**
 * A kernel's channels over one WebSocket that comes back by itself. A request is sent once and never again: what a lost link
 * makes unknown is said to be unknown. All methods throw JupyterError, or the reason of the caller's signal.
 */
export class KernelConnection {
  readonly kernelId: string
  readonly #server: JupyterServer
  readonly #signal: AbortSignal | undefined
  readonly #exchanges = new Map<string, Exchange>()
  readonly #comms: CommTable
  readonly #identity = new ProcessIdentity()
  /** after a restart, until the new process answers on all channels */
  #successor: Promise<void> | undefined
  readonly #keeper: LinkKeeper
  readonly #supervisor: Supervisor
  readonly #restartListeners = new Set<() => void>()
  readonly #otherListeners = new Set<(other: OtherMessage) => void>()
  /** the link was lost since the process was heard: it may be another one by now */
  #unsure = false

  constructor(server: JupyterServer, kernelId: string, options: KernelOptions = {}) {
    this.#server = server
    this.kernelId = kernelId
    this.#signal = options.signal
    const inbox = new Inbox(message => this.#dispatch(message), () => this.#keeper.link)
    this.#supervisor = new Supervisor({
      ask: (channel, timeoutMs) => this.#ask(new Request(randomUUID(), channel, false), 'kernel_info_request', {}, {timeoutMs}),
      drain: request => this.#ask(request, 'kernel_info_request', {}, {}),
      isGone: async () => (await server.getKernel(kernelId)) === null,
      executions: () => this.#executions().filter(each => each.sent),
      watched: () => this.#comms.size > 0 || this.#executions().length > 0,
      onGone: () => void this.#keeper.shut(gone()),
      intervalMs: options.heartbeatMs ?? 10_000,
    })
    this.#comms = new CommTable((type, content, buffers) => this.#sendNow('shell', type, content, {buffers}))
    this.#keeper = new LinkKeeper(server, kernelId, options, {
      onMessage: message => inbox.receive(message),
      onSession: session => this.#identity.addOurs(session),
      onLost: error => {
        for (const each of this.#exchanges.values()) each.linkLost(error)
      },
      onLinked: gap => {
        inbox.linked()
        if (!gap) return
        this.#unsure = true
        this.#comms.gap(gap)
        this.#supervisor.linkBack(gap)
      },
      onShut: cause => {
        this.#supervisor.stop()
        for (const each of this.#exchanges.values()) each.fail(cause)
        this.#comms.closeAll()
      },
    })
  }

  get state(): LinkState {
    return this.#keeper.state
  }

  /** Opens the first link; called once, by `openKernel`. */
  async connect(): Promise<void> {
    await this.#keeper.connect()
    this.#signal?.addEventListener('abort', () => void this.close(), {once: true})
  }

  /** What the kernel says of itself; answered by a busy kernel too, where it listens on its control channel. */
  async info(options: {signal?: AbortSignal} = {}): Promise<KernelInfo> {
    const control = this.request('control', 'kernel_info_request', {}, {...options, timeoutMs: 2_000})
    const reply = await control.catch((error: unknown) => {
      const silent = error instanceof JupyterError && error.code === 'NETWORK' && this.state === 'connected'
      if (silent) return this.request('shell', 'kernel_info_request', {}, options)
      throw error
    })
    return kernelInfo(reply.content)
  }

  /**
   * Runs code; resolves at the reply and idle, whatever the code's outcome. Rejects with KERNEL_DEAD, KERNEL_RESTARTED,
   * CLOSED, TOO_BIG, what `onOutput` or `onInput` threw, or the signal's reason; then the code may still be running
   * (`interrupt` stops it). While the link is down, a new execution waits for it. Cells sent at once run in order.
   */
  async execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResult> {
    const {signal} = options
    signal?.throwIfAborted()
    const id = randomUUID()
    const execution = new Execution(id, options, this.#executionHost)
    const content = {
      code,
      silent: options.silent ?? false,
      store_history: options.storeHistory ?? !options.silent,
      user_expressions: options.userExpressions ?? {},
      allow_stdin: options.onInput !== undefined && options.allowStdin !== false,
      stop_on_error: options.stopOnError ?? true,
    }
    return this.#tracked(execution, signal, async () => {
      this.#supervisor.watch()
      // what a kernel publishes before the server has subscribed to it is lost
      while (this.#successor) await Promise.race([this.#successor, execution.promise])
      await this.#sendOnce(execution, () => newMessage(this.#keeper.session, 'shell', 'execute_request', content, {id, ...(options.metadata && {metadata: options.metadata})}), signal)
      return execution.promise
    })
  }

  /** One request and its reply on the same channel. NETWORK when the link is lost or `timeoutMs` pass before the reply. Waits for a link that is down. */
  async request(
    channel: 'shell' | 'control', msgType: string, content: object,
    options: {buffers?: Uint8Array[]; signal?: AbortSignal; timeoutMs?: number} = {},
  ): Promise<Message> {
    return this.#ask(new Request(randomUUID(), channel, false), msgType, content, {...options, wait: true})
  }

  /** A message on shell that has no reply, such as `comm_msg` of a comm that the kernel opened. NETWORK while the link is down: not sent. */
  async send(msgType: string, content: object): Promise<void> {
    await this.#sendNow('shell', msgType, content, {})
  }

  /** Opens a comm. A target that the kernel does not know shows as `onClose`. */
  openComm(target: string, data: object = {}, handlers: CommHandlers = {}, buffers: readonly Uint8Array[] = []): Comm {
    const comm = this.#comms.open(target, data, handlers, buffers)
    this.#supervisor.watch()
    return comm
  }

  /** Interrupts what runs, by REST, which works for every kind of kernel. */
  async interrupt(): Promise<void> {
    const running = this.#executions()
    for (const each of running) each.interruptAsked = true
    try {
      await this.#server.interruptKernel(this.kernelId)
    } catch (error) {
      for (const each of running) each.interruptAsked = false
      throw error
    }
  }

  /**
   * An `input_reply` that no `input_request` asked for: libraries on the machine read such from stdin, as Colab's do. `value`
   * is any JSON. Waits for a link that is down, and is sent once.
   */
  async replyInput(value: unknown, options: {signal?: AbortSignal} = {}): Promise<void> {
    for (;;) {
      const link = await this.#keeper.connected(options.signal)
      let sent = false
      try {
        return await link.send(newMessage(this.#keeper.session, 'stdin', 'input_reply', {status: 'ok', value}), () => (sent = true))
      } catch (error) {
        if (sent || !(error instanceof JupyterError) || error.code !== 'NETWORK') throw error
      }
    }
  }

  /** Called at every change of the link, not at once. Returns how to stop listening. */
  onLink(listener: LinkListener): () => void {
    return this.#keeper.onLink(listener)
  }

  /** Which process the kernel is, in a word of its own that changes with a restart; undefined: it has not said anything yet, or does not tell. */
  get process(): string | undefined {
    return this.#identity.current
  }

  /**
   * Hears the kernel once where its process is not known for certain, so that a restart meanwhile is noticed. Waits for a link that
   * is down, and for a kernel that works and does not answer beside it. KERNEL_DEAD when it is gone.
   */
  async identify(): Promise<string | undefined> {
    while (this.#successor) await this.#successor
    if (this.process === undefined || this.#unsure) await this.#heard()
    this.#unsure = false
    return this.process
  }

  /** Called when the kernel's process is found to be another one, or about to be, also while nothing of ours runs. Returns how to stop listening. */
  onRestart(listener: () => void): () => void {
    this.#restartListeners.add(listener)
    return () => this.#restartListeners.delete(listener)
  }

  /** Called with iopub messages that belong to no work of this connection that runs. Returns how to stop listening. */
  onOther(listener: (other: OtherMessage) => void): () => void {
    this.#otherListeners.add(listener)
    return () => this.#otherListeners.delete(listener)
  }

  /** While reconnecting: try now. To be called when the network changed or the machine woke up. */
  reconnectNow(): void {
    this.#keeper.retryNow()
  }

  /** Ends the connection, not the kernel. What is unanswered is rejected with `cause`, or CLOSED. */
  async close(cause?: Error): Promise<void> {
    await this.#keeper.shut(cause ?? new JupyterError('CLOSED', 'the kernel connection was closed'))
  }

  async #heard(): Promise<void> {
    const again = (error: unknown): void => {
      if (!(error instanceof JupyterError) || error.code !== 'NETWORK' || this.#keeper.closed) throw error
    }
    for (;;) {
      try {
        await this.request('control', 'kernel_info_request', {}, {timeoutMs: 1_000})
        return
      } catch (error) {
        again(error)
      }
      if (this.state !== 'connected') continue
      // shut down, perhaps: then nobody will ever answer
      this.#supervisor.checkGone()
      try {
        return await this.#supervisor.drained()
      } catch (error) {
        again(error)
      }
    }
  }

  readonly #executionHost: ExecutionHost = {
    sendInput: (value, request) => this.#sendNow('stdin', 'input_reply', {status: 'ok', value}, {parent: request.header}),
    interrupt: () => this.interrupt(),
    confirm: execution => this.#supervisor.confirm(execution),
    stalled: execution => this.#supervisor.settle([execution]),
  }

  #executions(): Execution[] {
    return [...this.#exchanges.values()].filter(each => each instanceof Execution)
  }

  /** Waits for a link as long as not a byte was sent; a link lost later is settled after the reconnect. */
  async #sendOnce(execution: Execution, make: () => Outgoing, signal: AbortSignal | undefined): Promise<void> {
    while (!execution.over) {
      const link = await this.#keeper.connected(signal)
      try {
        return await link.send(make(), () => (execution.sent = true))
      } catch (error) {
        if (!(error instanceof JupyterError) || error.code !== 'NETWORK') throw error
        if (execution.sent) return
      }
    }
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

  async #ask(request: Request, type: string, content: object, options: AskOptions): Promise<Message> {
    const {buffers, signal, timeoutMs, wait} = options
    return this.#tracked(request, signal, async () => {
      const late = (): void => request.fail(new JupyterError('NETWORK', `the kernel did not answer ${type} within ${(timeoutMs ?? 0) / 1000} s`))
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs)
      try {
        if (wait) await Promise.race([this.#keeper.connected(signal), request.promise])
        await this.#sendNow(request.channel, type, content, {...(buffers && {buffers}), id: request.id})
        return await request.promise
      } finally {
        clearTimeout(timer)
      }
    })
  }

  /** Sends over the link there is, or throws NETWORK: not sent. */
  async #sendNow(channel: Channel, type: string, content: object, extra: {buffers?: readonly Uint8Array[]; parent?: object; id?: string}): Promise<void> {
    await this.#keeper.now().send(newMessage(this.#keeper.session, channel, type, content, extra))
  }

  #dispatch(message: Message): void | Promise<void> {
    if (this.#keeper.closed) return
    const type = message.header.msg_type
    const parent = message.parent_header.msg_id
    const succession = this.#identity.observe(message)
    if (succession === 'surprise') {
      this.#restarted(parent)
      this.#tellRestart()
    }
    if (succession === 'expected') this.#buryStarted(parent)
    if (message.channel === 'iopub') {
      if (type === 'status') this.#status(message.content['execution_state'])
      if (type === 'shutdown_reply') this.#shutdownSeen(message.content['restart'] === true)
      if (type === 'comm_msg' || type === 'comm_close') return this.#comm(message, parent)
    }
    if (message.channel === 'iopub' && !jupyterTypes.has(type)) this.#custom(message, parent)
    const exchange = parent === undefined ? undefined : this.#exchanges.get(parent)
    if (!exchange && message.channel === 'iopub') this.#other(message)
    if (!exchange || !this.#identity.isRetired(message)) return exchange?.handle(message)
    // code that ran did run; any other answer of a process that is going says nothing
    if (!(exchange instanceof Execution)) return
    exchange.orphaned = true
    return exchange.handle(message)
  }

  /** Of a comm that is open here, or of one of the kernel's own, which is whoever's who watches the execution that it belongs to. */
  #comm(message: Message, parent: string | undefined): void | Promise<void> {
    if (this.#identity.isRetired(message)) return
    if (this.#comms.owns(message)) return this.#comms.handle(message)
    const exchange = parent === undefined ? undefined : this.#exchanges.get(parent)
    if (exchange instanceof Execution) return exchange.handle(message)
  }

  /** A thread's messages may have no parent: they are of what runs, not of what waits behind somebody else's work. */
  #custom(message: Message, parent: string | undefined): void {
    for (const each of this.#executions()) if (each.id === parent || (!parent && each.started)) each.custom(message)
  }

  #other(message: Message): void {
    const {session, msg_type: asked} = message.parent_header
    if (this.#otherListeners.size === 0 || asked !== 'execute_request') return
    const other = {message, foreign: !this.#identity.isOurs(session)}
    for (const listener of this.#otherListeners) listener(other)
  }

  /** What the server says of the kernel's process; a kernel's own `busy` and `idle` are for their parents. */
  #status(state: unknown): void {
    if (state === 'restarting' || state === 'autorestarting') {
      this.#retired()
    } else if (state === 'dead') {
      void this.#keeper.shut(new JupyterError('KERNEL_DEAD', 'the kernel died and could not be restarted'))
    }
  }

  /** A kernel says goodbye to all its clients. */
  #shutdownSeen(restart: boolean): void {
    if (restart) return this.#retired()
    this.#identity.retire()
    this.#supervisor.farewell()
  }

  /** Said by the old process and by the server, of the same restart. */
  #retired(): void {
    const isNews = this.#identity.current !== undefined
    this.#identity.retire()
    this.#restarted()
    if (isNews) this.#tellRestart()
  }

  #tellRestart(): void {
    for (const listener of this.#restartListeners) listener()
  }

  /** Another process answers, perhaps to `parent`. What was not seen to start may be waiting in the new one's queue. */
  #restarted(parent?: string): void {
    const error = restarted()
    const unsure: Execution[] = []
    for (const each of this.#exchanges.values()) {
      if (each.id === parent) continue
      if (!(each instanceof Execution) || each.started) each.fail(error)
      else if (each.sent) {
        each.restart = error
        unsure.push(each)
      }
    }
    this.#comms.closeAll()
    this.#supervisor.settle(unsure)
    this.#awaitSuccessor()
  }

  #awaitSuccessor(): void {
    // a link that is lost meanwhile has its own way back
    const ended = (): void => {
      if (this.#successor === successor) this.#successor = undefined
    }
    const successor: Promise<void> = this.#supervisor.drained().then(ended, ended)
    this.#successor = successor
  }

  /** A kernel that said goodbye may take up one thing more, which ends with it; what its successor was given is none of these. */
  #buryStarted(parent?: string): void {
    for (const each of this.#executions()) if (each.id !== parent) each.bury(restarted())
  }
}

/** https://jupyter-client.readthedocs.io/en/stable/messaging.html#messages-on-the-iopub-pub-sub-channel */
const jupyterTypes = new Set([
  'stream', 'display_data', 'update_display_data', 'execute_input', 'execute_result', 'error', 'status', 'clear_output', 'debug_event',
  'comm_open', 'comm_msg', 'comm_close', 'shutdown_reply', 'iopub_welcome',
])

function restarted(): JupyterError {
  return new JupyterError('KERNEL_RESTARTED', 'the kernel was restarted: what ran in it is lost, and so are its variables')
}

function gone(): JupyterError {
  return new JupyterError('KERNEL_DEAD', 'the kernel is gone: the server does not know it any more', {status: 404})
}
