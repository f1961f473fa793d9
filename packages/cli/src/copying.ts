import type {AgentClient} from '@cgpu/core/agent/client'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError} from '@cgpu/core/errors'
import type {CopiedFile, CopyProgress, Target} from '@cgpu/core/files/copy'
import type {Source} from '@cgpu/core/files/side'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import type {Place} from './run/place.ts'

/** What `cgpu cp --json` prints. */
export interface Copied {
  /** where it is now: a local path, or NAME:PATH */
  to: string
  /** how many were copied; in a dry run, would be */
  files: number
  bytes: number
  /** files that were there already, by size and time */
  same: number
  /** links that lead out of the folder, devices, sockets */
  left: number
  /** one file was asked for, no folder */
  single: boolean
  /** what was copied, with --json and in a dry run */
  copied: CopiedFile[]
}

export interface CopyingOptions {
  flags: {include?: string[] | undefined; exclude?: string[] | undefined; follow?: boolean | undefined; force?: boolean | undefined; dryRun?: boolean | undefined}
  signal: AbortSignal
  /** keep what was copied, for --json */
  collect: boolean
  onWarning: (message: string) => void
  onPlan: (plan: {files: number; folders: number; bytes: number}) => void
  onProgress: (progress: CopyProgress) => void
  /** of a dry run */
  onPlanned: (file: CopiedFile) => void
}

/** One copy: the sessions it takes, and what it did. */
export class Copying {
  readonly #cgpu: Cgpu
  readonly #options: CopyingOptions
  readonly #sessions = new Map<string, Promise<RuntimeSession>>()
  readonly #agents = new Map<RuntimeSession, Promise<AgentClient | undefined>>()
  readonly #copied: CopiedFile[] = []

  constructor(cgpu: Cgpu, options: CopyingOptions) {
    this.#cgpu = cgpu
    this.#options = options
  }

  async run(sources: Place[], target: Place): Promise<Copied> {
    const names = [...new Set([...sources, target].flatMap(({runtime}) => (runtime === undefined ? [] : [runtime])))]
    // what is wrong here is told before a machine is asked
    for (const {runtime, path} of sources) if (runtime === undefined && path !== '-') await new (await import('@cgpu/core/files/local-source')).LocalSource(path).roots()
    const sessions = await Promise.all(names.map((name) => this.#session(name)))
    const work = async (): Promise<Copied> => {
      const [first] = sources
      if (first && first.runtime === undefined && first.path === '-') return this.#fromStdin(target)
      if (target.runtime === undefined && target.path === '-' && first) return this.#toStdout(first)
      return this.#copy(sources, target)
    }
    return sessions.reduce((inner, session) => () => session.guard(inner), work)()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(async (opening) => (await opening.catch(() => undefined))?.close()))
  }

  #session(name: string): Promise<RuntimeSession> {
    const open = this.#sessions.get(name) ?? this.#cgpu.runtimes.select(name).then((record) => this.#cgpu.connect(record))
    this.#sessions.set(name, open)
    return open
  }

  async #copy(places: Place[], place: Place): Promise<Copied> {
    const [{copy}, target] = await Promise.all([import('@cgpu/core/files/copy'), this.#target(place)])
    const {flags, signal, collect, onWarning, onPlan, onProgress, onPlanned} = this.#options
    const result = await copy({
      sources: await Promise.all(places.map(async (one) => ({source: await this.#source(one), spelled: one.path}))),
      target, signal, onWarning, onProgress, ...flags,
      onPlan: ({files, folders, bytes}) => onPlan({files: files.length, folders: folders.length, bytes}),
      onCopied: (file) => {
        if (flags.dryRun) onPlanned(file)
        if (collect) this.#copied.push(file)
      },
    })
    const {to, files, bytes, same, left, single} = result
    return {to, files, bytes, same, left, single, copied: this.#copied}
  }

  async #fromStdin(place: Place): Promise<Copied> {
    const [{sendStream}, target] = await Promise.all([import('@cgpu/core/files/streams'), this.#target(place)])
    const {errors} = await import('@cgpu/core/errors')
    const slash = place.path.lastIndexOf('/')
    const name = place.path.slice(slash + 1)
    if (target.place === 'folder' || name === '') throw errors.usage('a stream has no name of its own', {code: 'NAME_REQUIRED', category: 'file', fix: 'give the whole path of the file: cgpu cp - NAME:FILE'})
    const sink = await target.sink(slash < 0 ? '.' : place.path.slice(0, slash) || '/', 'folder')
    const {signal, onProgress} = this.#options
    // whoever types, or says nothing, is not waited for
    signal.addEventListener('abort', () => process.stdin.destroy(signal.reason instanceof Error ? signal.reason : undefined), {once: true})
    const {size, sha256} = await sendStream(process.stdin, sink, name, {signal, onBytes: (bytes) => onProgress({files: 0, ofFiles: 1, bytes, ofBytes: 0})})
    return one({from: '-', to: sink.label(name), size, sha256})
  }

  async #toStdout(place: Place): Promise<Copied> {
    const [{fetchStream}, source] = await Promise.all([import('@cgpu/core/files/streams'), this.#source(place)])
    const {signal, onProgress} = this.#options
    const write = (data: Uint8Array): Promise<void> => new Promise((resolve, reject) => {
      process.stdout.write(data, (error) => (error ? reject(error) : resolve()))
    })
    const onBytes = (bytes: number, ofBytes = 0): void => {
      if (!process.stdout.isTTY) onProgress({files: 0, ofFiles: 1, bytes, ofBytes})
    }
    const {size, sha256} = await fetchStream(source, write, {signal, onBytes})
    return one({from: source.label(place.path), to: '-', size, sha256})
  }

  async #source({runtime, path}: Place): Promise<Source> {
    const {flags: {follow}, signal} = this.#options
    if (runtime === undefined) return new (await import('@cgpu/core/files/local-source')).LocalSource(path, {follow: follow ?? false})
    const session = await this.#session(runtime)
    const [agent, server] = await Promise.all([this.#agent(session), session.server()])
    if (!agent) return new (await import('@cgpu/core/files/contents-source')).ContentsSource(server, {name: session.record.name, path, signal})
    const {RemoteSource} = await import('@cgpu/core/files/remote-source')
    const served = {root: agent.hello.workdir, open: (name: string, from: number) => server.openFile(name, from, {signal})}
    return new RemoteSource(agent, {name: session.record.name, path, follow: follow ?? false, signal, served})
  }

  async #target({runtime, path}: Place): Promise<Target> {
    const {contentsTarget, localTarget, remoteTarget} = await import('@cgpu/core/files/targets')
    if (runtime === undefined) return localTarget(path)
    const session = await this.#session(runtime)
    const agent = await this.#agent(session)
    const options = {name: session.record.name, path, signal: this.#options.signal}
    return agent ? remoteTarget(agent, options) : contentsTarget(await session.server(), options)
  }

  /** Undefined where no kernel can hold it: then the server's contents API has to do. */
  #agent(session: RuntimeSession): Promise<AgentClient | undefined> {
    const open = this.#agents.get(session) ?? this.#openAgent(session)
    this.#agents.set(session, open)
    return open
  }

  async #openAgent(session: RuntimeSession): Promise<AgentClient | undefined> {
    try {
      return await session.agent()
    } catch (error) {
      if (!(error instanceof CgpuError) || (error.code !== 'KERNEL_NOT_FOUND' && error.code !== 'AGENT_UNUSABLE')) throw error
      this.#options.onWarning(`${session.record.name} has no Python kernel: files go by its server's contents API, without their modes and times`)
      return undefined
    }
  }
}

function one(file: CopiedFile): Copied {
  return {to: file.to, files: 1, bytes: file.size, same: 0, left: 0, single: true, copied: [file]}
}
