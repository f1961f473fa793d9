import {randomUUID} from 'node:crypto'
import type {KernelConnection} from '@cgpu/jupyter'
import {AgentChannel, type Answer, type ChannelOptions, listOf, numberOf, StreamLost} from './channel.ts'
import {follow, type FollowOptions, inLine} from './follow.ts'
import {
  type AgentHello, type Devices, devicesOf, entryOf, fileOf, type JobStatus, leaseOf, type LeaseState, type LogPlace, type RemoteEntry, type RemoteFile, type RemoteStat, statOf,
  statusOf,
} from './models.ts'
import {AgentPart} from './parts.ts'
import {download, type Downloaded, Slots, type Transferred, type TransferOptions, upload, type UploadOptions} from './transfer.ts'

export type {AgentHello, Devices, JobStatus, LeaseState, LogPlace, RemoteEntry, RemoteFile, RemoteStat} from './models.ts'
export type {FollowOptions} from './follow.ts'
export type {Downloaded, Transferred, TransferOptions, UploadOptions} from './transfer.ts'

export interface StartRequest {
  /** the run's id: `[A-Za-z0-9_-]{1,64}` */
  run: string
  /** the program and its arguments, verbatim; or `shell` */
  argv?: string[]
  /** a line for bash, or sh where that is missing */
  shell?: string
  cwd?: string
  /** added to the machine's own environment */
  env?: Record<string, string>
  /** false: the program reads an empty stdin */
  stdin?: boolean
  /** default 2 GiB */
  maxLogBytes?: number
  /** how often it is run again when it fails, 1000 at most; default 0 */
  maxRestarts?: number
  /** run instead of it from the second attempt on; `{latest}` is the newest checkpoint's path, and without one it begins anew */
  resume?: string[]
  /** a pattern of files below `cwd` */
  checkpoint?: string
  /** whatever tells this request from others: in its status, for who asks for the same id again */
  fingerprint?: string
}

export interface LocateOptions {
  /** so many lines, at least, lie behind the place; of a huge log only the last 64 MiB are searched for them */
  lines?: number
  /** everything that was logged at or after this unix time, by the machine's clock, lies behind it */
  since?: number
  /** whose lines count; default: of both */
  stream?: 'stdout' | 'stderr'
}

export interface Signalled {
  signal?: AbortSignal | undefined
}

/**
 * The agent on a machine, through a kernel there. Everything goes on by itself after a lost link. Throws CgpuError; JupyterError
 * when the kernel connection ends for good; the reason of the caller's signal.
 */
export class AgentClient {
  readonly #channel: AgentChannel
  /** chunks of uploads under way, of all uploads together: this bounds our memory */
  readonly #slots = new Slots(4)

  readonly #parts = new Map<string, AgentPart>()

  private constructor(channel: AgentChannel) {
    this.#channel = channel
  }

  static async open(connection: KernelConnection, options: ChannelOptions = {}): Promise<AgentClient> {
    return new AgentClient(await AgentChannel.open(connection, options))
  }

  get hello(): AgentHello {
    return this.#channel.hello
  }

  /** Operations that the machine is given when they are first used: `packages/runtime-agent/python/parts/NAME.py`. */
  part(name: string): AgentPart {
    const part = this.#parts.get(name) ?? new AgentPart(this.#channel, name)
    this.#parts.set(name, part)
    return part
  }

  /** Starts a job; it goes on without us. `attached`: the id was started before, by somebody else, and nothing was started now. */
  async start(request: StartRequest, options: Signalled = {}): Promise<{attached: boolean; status: JobStatus}> {
    const {data} = await this.#channel.request('start', {...request, token: randomUUID()}, options)
    return {attached: data['attached'] === true, status: statusOf(data['status'])}
  }

  /** `state` is `unknown` when the machine knows no such run. */
  async status(run: string, options: Signalled = {}): Promise<JobStatus> {
    const {data} = await this.#channel.request('status', {run}, options)
    return statusOf(data['status'])
  }

  /** Delivers the log from an offset until the run is over. */
  async follow(run: string, options: FollowOptions): Promise<JobStatus> {
    return follow(this.#channel, run, options)
  }

  /** Whole records at an offset that ends a record, `max` bytes and 4 MiB at most; of a larger record, its beginning. */
  async read(run: string, options: {offset: number; max?: number} & Signalled): Promise<{bytes: Uint8Array; size: number}> {
    const {signal, ...fields} = options
    const {data, buffers} = await this.#channel.request('read', {run, ...fields}, {signal})
    return {bytes: buffers[0] ?? new Uint8Array(), size: numberOf(data, 'size')}
  }

  /** Sends a signal, by name, to the whole process group of a job. */
  async signal(run: string, name: NodeJS.Signals, options: Signalled = {}): Promise<void> {
    await this.#channel.request('signal', {run, signal: name}, options)
  }

  /** Ends a job and all its processes for good: by SIGTERM, and by SIGKILL after `graceSeconds`, default 10. Also if we go meanwhile. */
  async stop(run: string, options: {graceSeconds?: number} & Signalled = {}): Promise<void> {
    const {signal, graceSeconds: grace} = options
    await this.#channel.request('stop', {run, ...(grace === undefined ? {} : {grace})}, {signal})
  }

  /** Where to read a log from to have its last lines, or what came since a time. With both, whichever is nearer to its end. */
  async locate(run: string, options: LocateOptions & Signalled): Promise<LogPlace> {
    const {signal, ...fields} = options
    const {data} = await this.#channel.request('locate', {run, ...fields}, {signal})
    return {offset: numberOf(data, 'offset'), size: numberOf(data, 'size')}
  }

  /** How many bytes a job was given on its stdin so far. */
  async stdinSize(run: string, {signal}: Signalled = {}): Promise<number> {
    const {data} = await this.#channel.request('stdin', {run, offset: 0}, {buffers: [new Uint8Array()], signal})
    return numberOf(data, 'size')
  }

  /** Appends to a job's stdin at an offset; `eof` ends it. Bytes before the machine's own offset are not appended again. */
  async stdin(run: string, input: {offset: number; data?: Uint8Array; eof?: boolean} & Signalled): Promise<void> {
    const {data = new Uint8Array(), signal, eof = false} = input
    let at = 0
    do {
      const part = data.subarray(at, at + (4 << 20))
      const last = at + part.length === data.length
      await this.#channel.request('stdin', {run, offset: input.offset + at, eof: eof && last}, {buffers: [part], signal})
      at += part.length
    } while (at < data.length)
  }

  /** Newest first. */
  async runs(options: Signalled = {}): Promise<JobStatus[]> {
    const {data} = await this.#channel.request('runs', {}, options)
    return listOf(data, 'runs').map(statusOf)
  }

  /** Removes what is kept of a run that is over. */
  async remove(run: string, options: Signalled = {}): Promise<void> {
    await this.#channel.request('remove', {run}, options)
  }

  async stat(path: string, options: {hash?: boolean} & Signalled = {}): Promise<RemoteStat> {
    const {data} = await this.#channel.request('stat', {path, hash: options.hash ?? false}, options)
    return statOf(data)
  }

  /** A local file's path, or bytes. Folders on the way are made. */
  async upload(source: string | Uint8Array, path: string, options: UploadOptions = {}): Promise<Transferred> {
    return upload(this.#channel, this.#slots, source, path, options)
  }

  async download(path: string, local: string, options: TransferOptions = {}): Promise<Downloaded> {
    return download(this.#channel, path, local, options)
  }

  /** Files below `root` (default: the working folder) that match; `since`: changed at or after this unix time. */
  async glob(request: {patterns: string[]; root?: string; since?: number} & Signalled): Promise<RemoteFile[]> {
    const {signal, ...fields} = request
    return this.#batches('glob', fields, 'files', fileOf, signal)
  }

  async list(path: string, options: Signalled = {}): Promise<RemoteEntry[]> {
    return this.#batches('list', {path}, 'entries', entryOf, options.signal)
  }

  async mkdir(path: string, options: Signalled = {}): Promise<void> {
    await this.#channel.request('mkdir', {path}, options)
  }

  async devices(options: Signalled = {}): Promise<Devices> {
    const {data} = await this.#channel.request('devices', {}, options)
    return devicesOf(data)
  }

  /** Has the machine release itself once nobody used it for so long: no cgpu, no job, no cell. 0: never. Undefined: only tells. */
  async lease(seconds?: number, options: Signalled = {}): Promise<LeaseState> {
    const {data} = await this.#channel.request('lease', seconds === undefined ? {} : {seconds}, options)
    return leaseOf(data)
  }

  /** What installs packages on the machine, for `start`. `requirements` is the path of a file there. */
  pipArgv(what: {packages?: string[]; requirements?: string}): string[] {
    const {packages = [], requirements} = what
    return [
      this.hello.executable, '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input',
      ...(requirements === undefined ? [] : ['-r', requirements]), ...packages,
    ]
  }

  /** Ends this client; jobs and the kernel connection go on. */
  async close(): Promise<void> {
    await this.#channel.close()
  }

  async #batches<T>(op: string, fields: Record<string, unknown>, key: string, make: (data: Record<string, unknown>) => T, signal: AbortSignal | undefined): Promise<T[]> {
    for (;;) {
      const found: T[] = []
      const add = async ({data}: Answer): Promise<void> => {
        if (numberOf(data, 'at') !== found.length) throw new StreamLost()
        found.push(...listOf(data, key).map(make))
      }
      const line = inLine(add)
      try {
        const answer = await this.#channel.stream(op, fields, line.push, signal).answer
        await line.idle()
        await add(answer)
        return found
      } catch (error) {
        if (!(error instanceof StreamLost)) throw error
      }
    }
  }
}
