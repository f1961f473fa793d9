import {existsSync, rmSync} from 'node:fs'
import type {Server} from 'node:net'
import {setTimeout as delay} from 'node:timers/promises'
import type {Cgpu} from '@cgpu/core/cgpu'
import type {Dirs} from '@cgpu/core/state/dirs'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {processStartTime} from '@cgpu/core/state/process'
import {type ClientContext, contextOf, processPart, sameProcessPart} from './context.ts'
import type {ExecQuestion} from './exec-client.ts'
import {ExecWork, type RecordExecution} from './exec-work.ts'
import {newToken} from './handshake.ts'
import type {DaemonLog} from './log.ts'
import {type DaemonPlace, daemonPlace, type DaemonRecord, protocolVersion, readDaemonRecord, socketPlace} from './place.ts'
import {type LookQuestion, lookFor} from './look.ts'
import {listen} from './server.ts'
import {WarmSessions} from './sessions.ts'
import type {DaemonStatus} from './status.ts'
import {type DaemonTask, type OwnTask, TaskRunner} from './tasks.ts'
import type {Said, Wire} from './wire.ts'

export interface DaemonOptions {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  version: string
  build: string
  /** cgpu with the providers and accounts, for the folder and the environment of whoever asks */
  open: (context: ClientContext, flags: Record<string, unknown>, onWarning: (message: string) => void) => Promise<Cgpu>
  tasks?: readonly DaemonTask[]
  own?: readonly OwnTask[]
  log: DaemonLog
  /** it ends when nobody needed it for so long; default 10 minutes */
  idleMs?: number
  /** for whoever keeps a history */
  record?: RecordExecution
}

const idleMs = 10 * 60_000
const longestSweepMs = 30_000
/** a task that tidies up after itself may take so long */
const longestTaskEndMs = 60_000

/** The background process of one user's cgpu: sessions that stay open, and tasks. Made by `Daemon.start` while its lock is held. */
export class Daemon {
  /** settles when it does not listen any more, and another may */
  readonly listening: Promise<void>
  readonly #options: DaemonOptions
  readonly #server: Server
  readonly #record: DaemonRecord
  readonly #place: DaemonPlace
  readonly #sessions: WarmSessions
  readonly #tasks: TaskRunner
  readonly #clients = new Set<Wire>()
  readonly #startedAt = new Date()
  readonly #process: Record<string, string>
  readonly #closed = Promise.withResolvers<void>()
  readonly #over = Promise.withResolvers<void>()
  readonly #sweeping: NodeJS.Timeout
  #working = 0
  #executions = 0
  #neededAt = Date.now()
  #retiring = false
  #stopping = false

  private constructor(options: DaemonOptions, server: Server, record: DaemonRecord) {
    this.#options = options
    this.#server = server
    this.#record = record
    this.#place = daemonPlace(options.dirs.state)
    this.listening = this.#closed.promise
    this.#process = processPart(options.env)
    this.#sessions = new WarmSessions({idleMs: options.idleMs ?? idleMs})
    this.#tasks = new TaskRunner({tasks: options.tasks ?? [], own: options.own ?? [], open: (context) => options.open(context, {}, options.log.write), log: options.log.write})
    this.#sweeping = setInterval(() => void this.#sweep(), Math.max(50, Math.min(longestSweepMs, (options.idleMs ?? idleMs) / 4)))
  }

  static async start(options: DaemonOptions): Promise<Daemon> {
    const {dirs, env, version, build, log} = options
    const token = newToken()
    log.hide(token)
    const {socket, folder} = socketPlace(dirs.state, env)
    let daemon: Daemon | undefined
    const server = await listen({socket, folder, token, onClient: (wire) => daemon?.welcome(wire), onStranger: (why) => log.write(`turned a stranger away: ${why}`)})
    const startTime = await processStartTime(process.pid)
    const record: DaemonRecord = {pid: process.pid, ...(startTime === undefined ? {} : {startTime}), protocol: protocolVersion, version, build, token, socket}
    daemon = new Daemon(options, server, record)
    await writeAtomic(daemonPlace(dirs.state).record, `${JSON.stringify(record)}\n`, {mode: 0o600})
    log.write(`listening, cgpu ${version}, process ${process.pid}`)
    // what the one before it was asked to look after, in the environment of whoever started it
    const own = contextOf(env, dirs.state)
    if (own) daemon.#tasks.meet(own)
    daemon.#tasks.start()
    return daemon
  }

  /** Settles when all work is done and everything is closed. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  welcome(wire: Wire): void {
    this.#clients.add(wire)
    this.#neededAt = Date.now()
    const closed = (): void => {
      this.#clients.delete(wire)
      this.#neededAt = Date.now()
      this.#endWhenDone()
    }
    wire.handle({closed, said: (message) => this.#asked(wire, message, closed)})
  }

  /** Listens no more, ends the work's connections (what runs on machines goes on there), and closes. */
  async stop(why: string): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    this.#options.log.write(`stopping: ${why}`)
    this.#unlisten()
    clearInterval(this.#sweeping)
    for (const wire of this.#clients) wire.end()
    await Promise.race([this.#tasks.stop(), delay(longestTaskEndMs, undefined, {ref: false})])
    await this.#sessions.close()
    for (const wire of this.#clients) wire.destroy()
    this.#over.resolve()
  }

  /** Lets another take its place at once, and ends when its own work is done. */
  retire(why: string): void {
    if (this.#retiring) return
    this.#retiring = true
    this.#options.log.write(`retiring: ${why}`)
    this.#unlisten()
    // the one that takes its place has its own
    void this.#tasks.stop().then(() => this.#endWhenDone())
  }

  #asked(wire: Wire, message: Said, closed: () => void): void | Promise<void> {
    switch (message.t) {
      case 'exec':
        return this.#exec(wire, message as unknown as ExecQuestion, closed) // a client of this build asks
      case 'look':
        return this.#look(wire, message as unknown as LookQuestion) // a client of this build asks
      case 'status':
        return wire.say({t: 'status', status: this.status()})
      case 'poke':
        this.#tasks.poke(isContext(message['context']) ? message['context'] : undefined, typeof message['task'] === 'string' ? message['task'] : undefined)
        return wire.say({t: 'poked'})
      case 'retire':
        return wire.sayForSure({t: 'retiring'}).then(() => this.retire('another cgpu takes over'))
      case 'stop':
        return wire.sayForSure({t: 'stopping', running: this.#working}).then(() => this.stop('asked to'))
      default:
        return wire.say({t: 'unknown'})
    }
  }

  /** Others are heard meanwhile; a failure is told as such, since another way would meet it too. */
  async #look(wire: Wire, question: LookQuestion): Promise<void> {
    if (!isContext(question.context)) return wire.say({t: 'refused', why: 'it does not understand the question'})
    const cgpu = this.#options.open(question.context, {}, () => undefined)
    const why = await this.#refusal(question, cgpu)
    if (why !== undefined) return wire.say({t: 'refused', why})
    return wire.say({t: 'looked', found: await lookFor(question, await cgpu, this.#sessions).catch(() => [])})
  }

  async #exec(wire: Wire, question: ExecQuestion, closed: () => void): Promise<void> {
    if (!isContext(question.context)) return wire.say({t: 'refused', why: 'it does not understand the question'})
    const {log, open, record} = this.#options
    // kept back until it is certain that the client does not begin anew, and hears them a second time
    let warn = (message: string): void => void early.push(message)
    const early: string[] = []
    const cgpu = open(question.context, question.flags, (message) => warn(message))
    cgpu.catch(() => undefined)
    const why = await this.#refusal(question, cgpu)
    if (why !== undefined) return wire.say({t: 'refused', why})
    const work = new ExecWork({wire, question, sessions: this.#sessions, record, cgpu})
    wire.handle({
      said: (message) => work.said(message),
      closed: () => {
        work.leave()
        closed()
      },
    })
    await wire.say({t: 'accepted'})
    warn = (text) => void wire.say({t: 'warning', message: text})
    for (const text of early) warn(text)
    this.#working++
    this.#executions++
    this.#tasks.meet(question.context)
    log.write(`execution ${question.id} begins`)
    void work.run().catch((error: unknown) => log.write(`execution ${question.id}: ${String(error)}`)).finally(() => {
      this.#working--
      this.#neededAt = Date.now()
      log.write(`execution ${question.id} ends`)
      this.#endWhenDone()
    })
  }

  async #refusal({context}: {context: ClientContext}, cgpu: Promise<Cgpu>): Promise<string | undefined> {
    if (this.#retiring || this.#stopping) return 'it is about to end'
    if (!sameProcessPart(context.process, this.#process)) return 'it was started with other proxies, certificates or options of Node'
    // what is wrong with the settings is told as any other failure
    const settings = await cgpu.then((one) => one.settings, () => undefined)
    return settings?.text('daemon') === 'off' ? 'the setting "daemon" is off' : undefined
  }

  status(): DaemonStatus {
    const {version, build, protocol, socket, pid} = this.#record
    const {user, system} = process.cpuUsage()
    return {
      pid, version, build, protocol, socket, startedAt: this.#startedAt.toISOString(),
      memoryBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6,
      sessions: this.#sessions.status(), running: this.#working, executions: this.#executions, tasks: this.#tasks.status(),
    }
  }

  async #sweep(): Promise<void> {
    const mine = readDaemonRecord(this.#options.dirs.state)
    if (!this.#retiring && (typeof mine === 'string' || mine.pid !== process.pid)) return this.stop(typeof mine === 'string' ? `its state is gone: ${mine}` : 'another daemon is in its place')
    // as what cleans folders of temporary files does
    if (!this.#retiring && process.platform !== 'win32' && !existsSync(this.#record.socket)) return this.retire('its socket is gone')
    this.#sessions.sweep()
    if (this.#working > 0 || this.#clients.size > 0 || this.#tasks.busy) this.#neededAt = Date.now()
    if (Date.now() - this.#neededAt >= (this.#options.idleMs ?? idleMs)) await this.stop('nothing to do')
  }

  #unlisten(): void {
    // closing removes the socket's file; the record goes first, so that nobody looks for it
    const mine = readDaemonRecord(this.#options.dirs.state)
    if (typeof mine !== 'string' && mine.pid === process.pid) rmSync(this.#place.record, {force: true})
    this.#server.close()
    if (process.platform !== 'win32' && existsSync(this.#record.socket)) rmSync(this.#record.socket, {force: true})
    this.#closed.resolve()
  }

  #endWhenDone(): void {
    if (this.#retiring && this.#clients.size === 0 && this.#working === 0) void this.stop('retired')
  }
}

function isContext(value: unknown): value is ClientContext {
  const {cwd, env, process: part} = (value ?? {}) as Record<string, unknown> // any may be missing
  return typeof cwd === 'string' && typeof env === 'object' && env !== null && typeof part === 'object' && part !== null
}
