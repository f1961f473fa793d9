import {mkdir, readdir, rm, stat, utimes} from 'node:fs/promises'
import {join} from 'node:path'
import type {AgentClient, RemoteFile} from '../agent/client.ts'
import {localPlace, remoteJoin} from '../execution/collect.ts'
import {errnoOf} from '../state/write-error.ts'

/** Older ones are removed here: a checkpoint may be as large as a model. */
const kept = 2

export interface CheckpointPlace {
  /** below `cwd`, as `--checkpoint` gives it */
  pattern: string
  /** absolute, on the machine */
  cwd: string
}

interface Checkpoint {
  /** relative to the program's folder, `/` separated */
  path: string
  local: string
  size: number
  /** unix seconds, by the machine's clock */
  mtime: number
}

export interface CheckpointsOptions {
  /** how long a file must have been the same */
  settleMs?: number | undefined
  now?: () => number
}

/** Whoever looks more often does not take a file for whole sooner. */
const usualSettleMs = 5_000

/**
 * Copies of a job's checkpoints on this machine, should its own go. A file counts when it was the same in two looks with some time
 * between them: one that is being written is no checkpoint yet.
 */
export class Checkpoints {
  readonly #folder: string
  /** as the last look saw them */
  #seen = new Map<string, {mark: string; since: number}>()
  readonly #pulled = new Set<string>()
  readonly #settleMs: number
  readonly #now: () => number

  /** `folder` is made when there is something to keep. */
  constructor(folder: string, {settleMs = usualSettleMs, now = () => performance.now()}: CheckpointsOptions = {}) {
    this.#folder = folder
    this.#settleMs = settleMs
    this.#now = now
  }

  /** Brings what is new and whole, the newest of it; returns how many files came. Throws as the agent does. */
  async pull(agent: AgentClient, {pattern, cwd}: CheckpointPlace, signal?: AbortSignal): Promise<number> {
    const found = (await agent.glob({patterns: [pattern], root: cwd, signal})).sort(byAge)
    const before = this.#seen
    const now = this.#now()
    const sinceOf = (file: RemoteFile): number => {
      const seen = before.get(file.path)
      return seen?.mark === mark(file) ? seen.since : now
    }
    this.#seen = new Map(found.map((file) => [file.path, {mark: mark(file), since: sinceOf(file)}]))
    const whole = found.filter((file) => before.get(file.path)?.mark === mark(file) && now - sinceOf(file) >= this.#settleMs)
    const fresh = whole.slice(0, kept).filter((file) => !this.#pulled.has(key(file)))
    let count = 0
    // the oldest first: the newest here is then always the newest that is whole
    for (const file of fresh.toReversed()) {
      if (!(await this.#bring(agent, cwd, file, signal))) continue
      this.#pulled.add(key(file))
      count++
    }
    if (count > 0) await this.#prune()
    return count
  }

  /** Puts them onto a machine; the newest one's path there, undefined when there is none. */
  async restore(agent: AgentClient, cwd: string, signal?: AbortSignal): Promise<string | undefined> {
    const all = await this.#all()
    for (const {path, local, mtime} of all.toReversed()) await agent.upload(local, remoteJoin(cwd, path), {mtime, signal})
    const [newest] = all
    return newest && remoteJoin(cwd, newest.path)
  }

  async remove(): Promise<void> {
    await rm(this.#folder, {recursive: true, force: true})
  }

  /** False when it changed while it came: the next look decides. */
  async #bring(agent: AgentClient, cwd: string, {path}: RemoteFile, signal: AbortSignal | undefined): Promise<boolean> {
    await mkdir(this.#folder, {recursive: true, mode: 0o700})
    const local = await localPlace(this.#folder, path)
    try {
      const {mtime} = await agent.download(remoteJoin(cwd, path), local, {signal})
      // what is newest is told by the machine's clock
      await utimes(local, mtime, mtime)
      return true
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'FILE_CHANGED' || code === 'REMOTE_NOT_FOUND') return false
      throw error
    }
  }

  /** Newest first. */
  async #all(): Promise<Checkpoint[]> {
    const names = await readdir(this.#folder, {recursive: true}).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    })
    const found = await Promise.all(names.map(async (name) => {
      const local = join(this.#folder, name)
      const info = await stat(local)
      return info.isFile() && !/\.(part|tmp)$/.test(name) ? [{path: name.split(/[\\/]/).join('/'), local, size: info.size, mtime: info.mtimeMs / 1000}] : []
    }))
    return found.flat().sort(byAge)
  }

  async #prune(): Promise<void> {
    for (const {local} of (await this.#all()).slice(kept)) await rm(local, {force: true})
  }
}

const byAge = (a: {mtime: number; path: string}, b: {mtime: number; path: string}): number => b.mtime - a.mtime || b.path.localeCompare(a.path)
const mark = ({size, mtime}: RemoteFile): string => `${size} ${mtime}`
const key = (file: RemoteFile): string => `${file.path}\0${mark(file)}`
