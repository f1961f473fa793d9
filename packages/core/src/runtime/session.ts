import type {JupyterServer, KernelConnection, LinkState} from '@cgpu/jupyter'
import {abortable} from '../abortable.ts'
import type {AgentClient} from '../agent/client.ts'
import {CgpuError, errors} from '../errors.ts'
import type {RuntimeEndpoint} from '../provider.ts'
import {OwnKernels} from './own-kernels.ts'
import {type KeepAlive, Presence} from './presence.ts'
import type {KnownKernel, RuntimeRecord} from './record.ts'
import type {RecordStore} from './store.ts'

export interface SessionOptions {
  record: RuntimeRecord
  endpoint: RuntimeEndpoint
  store: RecordStore
  signal?: AbortSignal | undefined
  /** told once when the first of this session's links is lost, and once when all are back */
  onLink?: ((state: 'reconnecting' | 'connected', reason: string) => void) | undefined
  /** how often links are checked for life; two misses end one. Default 10_000 */
  heartbeatMs?: number | undefined
  /** true only when the provider is sure that the machine is gone; asked when work fails, or a link does not come back */
  isGone?: (() => Promise<boolean>) | undefined
  keepAlive?: KeepAlive | undefined
  /** the machine is gone: told once, after which all work rejects with RUNTIME_RECLAIMED (71) */
  onGone?: ((error: CgpuError) => void) | undefined
}

export interface UserKernel {
  kernel: KnownKernel
  connection: KernelConnection
  /** under which this machine remembers it; null: it does not */
  key: string | null
  /** true when a new one was started in place of one that this machine remembered: variables that people count on are gone */
  replaced: boolean
}

const leaseNoteMs = 60_000

/** Paths under which cgpu's kernels are registered as sessions, so that every command, from wherever, finds the same ones. */
const sessionPath = (key: string): string => (key === 'default' ? 'cgpu' : `cgpu-${key}`)

/**
 * A connection to one runtime: its server, the kernels that cgpu uses on it, and the agent. Everything is opened when it
 * is first needed, and `close` ends this side only: kernels and jobs go on.
 */
export class RuntimeSession {
  readonly record: RuntimeRecord
  readonly endpoint: RuntimeEndpoint
  readonly #options: SessionOptions
  /** those that are not closed */
  readonly #connections = new Set<KernelConnection>()
  readonly #kernels = new Map<string, Promise<UserKernel>>()
  /** as in the record, and what this session found since */
  readonly #known = new Map<string, KnownKernel>()
  /** of kernels by id: the process in which code from here ran last */
  readonly #processes = new Map<string, string>()
  /** connections whose link is down */
  readonly #down = new Set<KernelConnection>()
  readonly #presence: Presence
  readonly #own: OwnKernels
  readonly #closing = new AbortController()
  /** a kernel of it was connected, now or before */
  #reached = false
  #lost = false
  #closed = false
  #server: Promise<JupyterServer> | undefined
  #agent: Promise<{client: AgentClient; connection: KernelConnection}> | undefined
  #opened: {client: AgentClient; connection: KernelConnection} | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.record = options.record
    this.endpoint = options.endpoint
    const {record, store, isGone, keepAlive} = options
    this.#own = new OwnKernels(record, store)
    this.#presence = new Presence({record, isGone, keepAlive, onGone: (error) => this.#left(error)})
    for (const [key, kernel] of Object.entries(options.record.kernels)) this.#known.set(key, kernel)
    this.recall(options.record)
  }

  async server(): Promise<JupyterServer> {
    this.#refuseClosed()
    this.#server ??= import('@cgpu/jupyter').then(({JupyterServer}) => new JupyterServer(this.endpoint))
    return this.#server
  }

  /** The kernel that `exec` works on: the default one, one by its name, or the one of a kernelspec. Its state lives on between commands. */
  async kernel(spec?: string): Promise<UserKernel> {
    const key = spec ?? 'default'
    const open = await this.#kernels.get(key)?.catch(() => undefined)
    if (open && open.connection.state !== 'closed') return {...open, replaced: false}
    const opening = this.#kernel(key, spec)
    this.#kernels.set(key, opening)
    return opening
  }

  /** A kernel that is there, whoever started it; none is started in its place. `key`: its name, when it is one of cgpu's. Throws KERNEL_DEAD. */
  async attach(kernel: KnownKernel, key: string | null): Promise<UserKernel> {
    const slot = `id:${kernel.id}`
    const open = await this.#kernels.get(slot)?.catch(() => undefined)
    if (open && open.connection.state !== 'closed') return open
    const opening = this.guard(async () => ({kernel, connection: await this.#open(kernel.id), key, replaced: false}))
    this.#kernels.set(slot, opening)
    return opening
  }

  /**
   * True, once, when the kernel's process is another one than that in which code from here ran last: somebody restarted it, or it
   * died and its server started it again. Costs a round trip only where the connection has not heard the kernel yet, or was lost.
   */
  async wasRestarted({kernel, connection, key}: UserKernel): Promise<boolean> {
    const before = this.#processes.get(kernel.id)
    const now = before === undefined ? connection.process : await connection.identify()
    if (now === undefined || now === before) return false
    this.#processes.set(kernel.id, now)
    if (key !== null) await this.rememberKernel(key, {...kernel, process: now})
    return before !== undefined
  }

  /** What is written down of the kernels' processes, by other commands of this machine too. */
  recall({kernels}: Pick<RuntimeRecord, 'kernels'>): void {
    for (const {id, process} of Object.values(kernels)) {
      if (process === undefined) this.#processes.delete(id)
      else this.#processes.set(id, process)
    }
  }

  /** People know that its variables are gone: the next process is nothing to tell of. */
  async forgetProcess({id}: {id: string}): Promise<void> {
    this.#processes.delete(id)
    for (const [key, {process, ...known}] of this.#known) if (known.id === id && process !== undefined) await this.rememberKernel(key, known)
  }

  /**
   * A kernel of its own for one execution; the caller shuts it down with `shutdownKernel`, and where it was killed before, a later command
   * does, but for one that is to be kept (`keep`). `cwd`: below the working folder.
   */
  async freshKernel(spec?: string, {cwd, signal, keep = false}: {cwd?: string | undefined; signal?: AbortSignal | undefined; keep?: boolean} = {}): Promise<UserKernel> {
    return this.guard(async () => {
      const server = await this.server()
      const chosen = await this.#spec(spec)
      const model = await server.startKernel({name: chosen.name, ...(cwd === undefined ? {} : {path: cwd})})
      // a server opens no channels before the kernel answers
      const opening = this.#open(model.id)
      const noted = keep ? undefined : this.#own.note(model.id)
      try {
        await noted
        return {kernel: {id: model.id, ...chosen}, connection: await abortable(opening, signal), key: null, replaced: false}
      } catch (error) {
        opening.then((connection) => connection.close()).catch(() => undefined)
        // nobody else knows of it; where the machine cannot be reached there is nothing to wait for
        const ended = server.shutdownKernel(model.id).then(() => this.#own.forget(model.id)).catch(() => undefined)
        if (signal?.aborted) await ended
        throw error
      }
    })
  }

  /** Its connection goes first: a session that lives on would keep it open for nobody, and take its end for a network that is gone. */
  async shutdownKernel(id: string): Promise<void> {
    await Promise.all([...this.#connections].filter(({kernelId}) => kernelId === id).map((connection) => connection.close().catch(() => undefined)))
    await this.guard(async () => (await this.server()).shutdownKernel(id))
    await this.#own.forget(id)
  }

  /** One that another process started for itself, and left to this one. */
  async takeOver(id: string): Promise<void> {
    await this.#own.note(id)
  }

  /** cgpu's own kernel with the agent in it: busy user kernels never block it. Opened once, and anew when its kernel has gone. */
  async agent(): Promise<AgentClient> {
    const before = this.#agent
    const open = await before?.catch(() => undefined)
    if (open && open.connection.state !== 'closed') return open.client
    // whoever comes here first opens it for all
    const opening = this.#agent === before || !this.#agent ? this.#openAgent() : this.#agent
    this.#agent = opening
    return (await opening).client
  }

  /** The agent, where it was opened before and can be asked now. */
  get openAgent(): AgentClient | undefined {
    return this.#opened?.connection.state === 'connected' ? this.#opened.client : undefined
  }

  #openAgent(): Promise<{client: AgentClient; connection: KernelConnection}> {
    return this.guard(() => this.#whileWorkGoesOn(async () => {
      const [{AgentClient}, {connection}] = await Promise.all([import('../agent/client.ts'), this.#kernel('control', undefined, 'python')])
      const client = await AgentClient.open(connection, this.endpoint.agentHome === undefined ? {} : {home: this.endpoint.agentHome})
      this.#opened = {client, connection}
      return this.#opened
    }))
  }

  /** Tried once at first. When the machine was reached before, work goes on there: then a network that is gone is waited for, as links do. */
  async #whileWorkGoesOn<T>(open: () => Promise<T>): Promise<T> {
    const signals = [this.#closing.signal, ...(this.#options.signal ? [this.#options.signal] : [])]
    for (let attempt = 1; ; attempt++) {
      try {
        return await open()
      } catch (error) {
        if (!this.#reached || this.#closed || !isPassing(error) || (await this.#presence.check())) throw error
        const {backoff, pause} = await import('@cgpu/jupyter')
        await pause(backoff(attempt, {baseMs: 500, capMs: 30_000}), AbortSignal.any(signals)).catch(() => {
          throw error
        })
      }
    }
  }

  /** An error of work on this session in the user's terms; that the runtime is gone, where its provider says so. */
  explain(error: unknown): Promise<unknown> {
    return this.#presence.explain(error)
  }

  /** Ends this side's sockets. Work that asks for another one afterwards is rejected with SESSION_CLOSED. */
  async close(): Promise<void> {
    if (this.#reached && !this.#closed && this.#down.size === 0) await this.#own.endLeft(() => this.server()).catch(() => undefined)
    this.#closed = true
    this.#closing.abort()
    this.#presence.close()
    await Promise.all([this.#closeLinks(), this.#noteLease()])
  }

  /** The machine renewed its lease at every word of ours; here it is written down now and then, so that people can be told. */
  async #noteLease(): Promise<void> {
    const {lease, id} = this.record
    if (!lease || !this.#reached || Date.now() - Date.parse(lease.renewedAt) < leaseNoteMs) return
    const renewedAt = new Date().toISOString()
    await this.#options.store.update(id, (old) => (old.lease ? {...old, lease: {...old.lease, renewedAt}} : old)).catch(() => undefined)
  }

  async #closeLinks(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.close().catch(() => undefined)))
    ;(await this.#server?.catch(() => undefined))?.close()
  }

  /** Starts a kernel under a name of its own. */
  async startKernel(key: string, spec: {name: string; language: string}): Promise<void> {
    await this.rememberKernel(key, await this.guard(() => this.#register(key, spec)))
  }

  /** For the next commands; undefined: it is gone. A cache: a machine without a record (released meanwhile) works all the same. */
  async rememberKernel(key: string, kernel: KnownKernel | undefined): Promise<void> {
    if (kernel) this.#known.set(key, kernel)
    else this.#known.delete(key)
    await this.#options.store.update(this.record.id, (old) => {
      const {[key]: _, ...others} = old.kernels
      return {...old, kernels: kernel ? {...others, [key]: kernel} : others}
    }).catch((error: unknown) => {
      if (!(error instanceof CgpuError)) throw error
    })
  }

  async #kernel(key: string, spec: string | undefined, language?: string): Promise<UserKernel> {
    return this.guard(async () => {
      const known = this.#known.get(key)
      if (known) {
        try {
          return {kernel: known, connection: await this.#open(known.id), key, replaced: false}
        } catch (error) {
          // culled, shut down or lost with a server restart: the session below starts another
          if (!isGone(error)) throw error
        }
      }
      const server = await this.server()
      // only a kernel that is remembered can have been replaced
      const before = known && new Set((await server.listKernels()).map((kernel) => kernel.id))
      const kernel = await this.#register(key, await this.#chosen(key, known?.name ?? spec, language))
      const connection = await this.#open(kernel.id)
      await this.rememberKernel(key, kernel)
      return {kernel, connection, key, replaced: before !== undefined && !before.has(kernel.id)}
    })
  }

  /** The one that is registered under this key, started now where there is none. */
  async #register(key: string, spec: {name: string; language: string}): Promise<KnownKernel> {
    const server = await this.server()
    const session = await server.ensureSession({path: sessionPath(key), name: `cgpu ${key}`, type: 'console', kernelName: spec.name})
    return {id: session.kernel.id, ...spec}
  }

  /** The kernelspec; where there is none of this name, that of the kernel which was started with it, from wherever. */
  async #chosen(key: string, wanted: string | undefined, language: string | undefined): Promise<{name: string; language: string}> {
    try {
      return await this.#spec(wanted, language)
    } catch (error) {
      if (wanted === undefined || !(error instanceof CgpuError) || error.code !== 'KERNEL_NOT_FOUND') throw error
      const there = (await (await this.server()).listSessions()).find(({path}) => path.replace(/^\//, '') === sessionPath(key))
      if (!there) throw error
      return this.#spec(there.kernel.name)
    }
  }

  async #spec(wanted: string | undefined, language?: string): Promise<{name: string; language: string}> {
    const {default: usual, specs} = await (await this.server()).kernelSpecs()
    const fits = specs.filter((spec) => language === undefined || spec.language.toLowerCase() === language)
    // `python` and `python3.x` are aliases of `python3` on every server that has it
    const name = wanted !== undefined && /^python(3(\.\d+)?)?$/.test(wanted) && !specs.some((spec) => spec.name === wanted) ? 'python3' : wanted
    const found = name === undefined ? (fits.find((spec) => spec.name === usual) ?? fits[0]) : specs.find((spec) => spec.name === name)
    if (found) return {name: found.name, language: found.language.toLowerCase()}
    const names = specs.map((spec) => spec.name).join(', ')
    if (wanted === undefined) {
      throw errors.notFound(`${this.record.name} has no ${language ?? ''} kernel`.replace('  ', ' '), {
        code: 'KERNEL_NOT_FOUND', category: 'kernel', fix: 'install ipykernel on it',
      })
    }
    throw errors.notFound(`${this.record.name} has no kernel "${wanted}"`, {
      code: 'KERNEL_NOT_FOUND', category: 'kernel', fix: `one of: ${names}; or start one of that name: cgpu kernel start ${wanted}`,
    })
  }

  async #open(kernelId: string): Promise<KernelConnection> {
    const server = await this.server()
    const {signal, heartbeatMs, isGone} = this.#options
    this.#refuseClosed()
    const connection = await server.openKernel(kernelId, {
      ...(signal ? {signal} : {}), ...(heartbeatMs === undefined ? {} : {heartbeatMs}), ...(isGone ? {isGone: () => this.#presence.check()} : {}),
    })
    this.#connections.add(connection)
    this.#reached = true
    // closed meanwhile: nobody would end this one
    if (this.#closed) await connection.close().catch(() => undefined)
    this.#refuseClosed()
    this.#presence.worked()
    connection.onLink((state, detail) => this.#linkChanged(connection, state, detail.reason ?? ''))
    this.#tellLink('')
    return connection
  }

  /** What a program's stdin still feeds when the program has ended would else open a link that nobody closes. */
  #refuseClosed(): void {
    if (this.#closed) throw errors.interrupted(`the connection to ${this.record.name} was closed`, {code: 'SESSION_CLOSED'})
  }

  /** Kernels share one network: people are told once that it is gone, and once that it is back. */
  #linkChanged(connection: KernelConnection, state: LinkState, reason: string): void {
    if (state === 'reconnecting') this.#down.add(connection)
    else this.#down.delete(connection)
    if (state === 'closed') this.#connections.delete(connection)
    // a connection that ended for good is no good news; the one that takes its place is
    if (state !== 'closed') this.#tellLink(reason)
  }

  #left(error: CgpuError): void {
    this.#options.onGone?.(error)
    void this.#closeLinks()
  }

  #tellLink(reason: string): void {
    const lost = this.#down.size > 0
    if (lost === this.#lost || this.#closed) return
    this.#lost = lost
    this.#options.onLink?.(lost ? 'reconnecting' : 'connected', lost ? reason : '')
  }

  /** Work on the machine; what it rejects with is explained. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw await this.explain(error)
    }
  }
}

/** The network's doing, on the way to the machine or to whoever gives tokens for it. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error) || !('retryable' in error) || error.retryable !== true) return false
  return error.name === 'JupyterError' || ('category' in error && error.category === 'network')
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'NOT_FOUND' || error.code === 'KERNEL_DEAD')
}
