import {copyFile, link, mkdtemp, rm} from 'node:fs/promises'
import {existsSync, openAsBlob} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {CgpuError, errors, ExitCode, type HookHost, keepOutOfDebugLog, type SchemeFiles} from '@cgpu/plugin-sdk'
import type {Notebook} from '../format/model.ts'
import {type CopySaver, Saver} from '../run/save.ts'
import {nameOf, secretsOf, shownAddress} from './address.ts'
import {handlerOf} from './handlers.ts'
import {fileBehind} from './links.ts'

/** between uploads while it runs; after a slow one ten times what it took */
const everyMs = 60_000
const pauseFactor = 10

type Writing = Required<Pick<SchemeFiles, 'write'>>

/** Calls the listener when nobody wants to wait any more; returns what ends that. */
export type OnGiveUp = (listener: () => void) => () => void

const onSignals: OnGiveUp = (listener) => {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.once(name, listener)
  return () => {
    for (const name of names) process.off(name, listener)
  }
}

export interface RemoteCopyOptions {
  address: string
  /** asks plugins for schemes */
  host: HookHost
  everyMs?: number
  /** tells when an upload at the end is to be given up; default: the signals of this process do */
  onGiveUp?: OnGiveUp | undefined
}

/** Where an executed copy goes that belongs to an address. */
export class RemoteCopy {
  readonly #options: RemoteCopyOptions
  readonly #files: Writing
  /** undefined: whatever is there is replaced */
  #version: string | null | undefined

  private constructor(options: RemoteCopyOptions, files: Writing, version: string | null | undefined) {
    this.#options = options
    this.#files = files
    this.#version = version
  }

  /** Looks what is there now, so that what comes there meanwhile is not replaced. Throws where it could not be written, as far as that can be told. */
  static async open(options: RemoteCopyOptions): Promise<RemoteCopy> {
    const {host} = options
    const address = fileBehind(options.address)
    for (const secret of secretsOf(address)) keepOutOfDebugLog(secret)
    const {write, look} = await handlerOf(address, host)
    if (!write) throw errors.cannotWrite(`${shownAddress(address)} cannot be written: its scheme is for reading only`, {code: 'CANNOT_WRITE', fix: 'give a file or another address with -o'})
    return new RemoteCopy({...options, address}, {write}, await look?.(address, {signal: new AbortController().signal}))
  }

  /** Keeps the copy in a file of this computer while the notebook runs, and brings it to its address. */
  async saver(notebook: Notebook): Promise<CopySaver> {
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-notebook-'))
    const path = join(folder, nameOf(this.#options.address))
    const local = await Saver.open(path, notebook)
    return new RemoteSaver({local, folder, path, everyMs: this.#options.everyMs ?? everyMs, shown: shownAddress(this.#options.address), onGiveUp: this.#options.onGiveUp ?? onSignals, upload: (file, signal) => this.#upload(file, signal)})
  }

  async #upload(file: Blob, signal: AbortSignal): Promise<void> {
    const {address} = this.#options
    const version = await this.#files.write(address, file, {signal, replaces: this.#version})
    this.#version = version ?? undefined
  }
}

interface RemoteSaverOptions {
  local: Saver
  folder: string
  path: string
  everyMs: number
  /** the address */
  shown: string
  onGiveUp: OnGiveUp
  upload: (file: Blob, signal: AbortSignal) => Promise<void>
}

class RemoteSaver implements CopySaver {
  readonly #options: RemoteSaverOptions
  #changed = false
  #timer: NodeJS.Timeout | undefined
  #uploading: Promise<void> | undefined
  #end: Promise<void> | undefined
  readonly #givenUp = new AbortController()
  /** somebody else wrote there: nothing is uploaded any more */
  #conflict: CgpuError | undefined

  constructor(options: RemoteSaverOptions) {
    this.#options = options
  }

  changed(when: 'cell' | 'output'): void {
    this.#changed = true
    this.#options.local.changed(when)
    this.#plan(this.#options.everyMs)
  }

  /** The second call only waits for the first one. */
  finish(): Promise<void> {
    this.#end ??= this.#finish()
    return this.#end
  }

  async #finish(): Promise<void> {
    clearTimeout(this.#timer)
    const {local, folder, path, shown, onGiveUp} = this.#options
    const waited = onGiveUp(() => this.#givenUp.abort(errors.interrupted('interrupted while the copy was uploaded', {code: 'INTERRUPTED', category: 'network'})))
    try {
      await local.finish()
      await this.#uploading
      if (this.#changed) await this.#upload()
    } catch (error) {
      if (!(error instanceof CgpuError)) throw error
      const {message, code, category, exit, retryable} = error
      throw new CgpuError(message, {code, category, exit, retryable, fix: `the executed copy is kept here: ${path}`, details: {address: shown, kept: path}, cause: error})
    } finally {
      waited()
    }
    await rm(folder, {recursive: true, force: true})
  }

  #plan(ms: number): void {
    if (this.#timer || this.#uploading || this.#end || this.#conflict) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const started = performance.now()
      // what fails on the way is tried again, and told at the end
      this.#uploading = this.#upload().catch((error: unknown) => {
        this.#changed = true
        if (error instanceof CgpuError && error.exit === ExitCode.conflict) this.#conflict = error
      }).then(() => {
        this.#uploading = undefined
        if (this.#changed) this.#plan(Math.max(this.#options.everyMs, (performance.now() - started) * pauseFactor))
      })
    }, ms)
  }

  /** What the file is now, under a name of its own: the file is replaced while this is read. */
  async #upload(): Promise<void> {
    if (this.#conflict) throw this.#conflict
    const {path, folder, upload} = this.#options
    const still = join(folder, '.uploading')
    // before it is looked at: what comes meanwhile is for the next one
    this.#changed = false
    await rm(still, {force: true})
    if (!existsSync(path)) {
      this.#changed = true
      return // not written yet
    }
    await link(path, still).catch(() => copyFile(path, still))
    await upload(await openAsBlob(still), this.#givenUp.signal)
    await rm(still, {force: true})
  }
}
