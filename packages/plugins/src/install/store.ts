import {mkdir, readdir, rename, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {withLock} from '@cgpu/core/state/lock'
import {isAlive} from '@cgpu/core/state/process'
import {uniqueTag} from '@cgpu/core/state/token'
import {cannotWrite, errnoOf} from '@cgpu/core/state/write-error'
import {type LockedPlugin, pluginLock, pluginsFolder} from './lock-file.ts'

/**
 * The folders of installed plugins. One is made complete beside the others and comes into use when the lock file names it: a
 * process that is killed at any point leaves what was installed before, and a folder that the next change sweeps away.
 */
export class PluginStore {
  readonly dataDir: string
  readonly #folder: string
  readonly #onWarning: (message: string) => void

  constructor(dataDir: string, onWarning: (message: string) => void) {
    this.dataDir = dataDir
    this.#folder = pluginsFolder(dataDir)
    this.#onWarning = onWarning
  }

  async all(): Promise<LockedPlugin[]> {
    return Object.values((await this.#lock().read()).plugins)
  }

  async get(name: string): Promise<LockedPlugin | undefined> {
    return (await this.all()).find((one) => one.name === name)
  }

  /** An empty folder that no one else uses. What processes that are gone were staging goes. */
  async stage(): Promise<string> {
    const path = join(this.#folder, `.stage-${process.pid}-${uniqueTag()}`)
    try {
      await mkdir(path, {recursive: true, mode: 0o700})
    } catch (error) {
      throw cannotWrite(path, error)
    }
    for (const name of await readdir(this.#folder)) if (await isAbandoned(name)) await this.#remove(name)
    return path
  }

  async discard(stage: string): Promise<void> {
    await rm(stage, {recursive: true, force: true, maxRetries: 3})
  }

  /** Runs `fn` while nobody else changes what is installed. Throws LOCK_TIMEOUT (72). */
  async exclusive<T>(fn: () => Promise<T>): Promise<T> {
    await mkdir(this.#folder, {recursive: true, mode: 0o700}).catch((error: unknown) => {
      throw cannotWrite(this.#folder, error)
    })
    return withLock(join(this.#folder, '.lock'), fn)
  }

  /** Within `exclusive`: makes a staged folder the plugin's. What it replaces stays until the next change: it may be running. */
  async commit(stage: string, plugin: Omit<LockedPlugin, 'folder'>): Promise<LockedPlugin> {
    await this.#sweep()
    const folder = `${plugin.name.replace('/', '+')}@${plugin.version}-${uniqueTag()}`
    try {
      await rename(stage, join(this.#folder, folder))
    } catch (error) {
      throw cannotWrite(join(this.#folder, folder), error)
    }
    const locked = {...plugin, folder}
    await this.put(locked)
    return locked
  }

  /** Within `exclusive`. */
  async put(plugin: LockedPlugin): Promise<void> {
    await this.#lock().update(({plugins}) => ({plugins: {...plugins, [plugin.name]: plugin}}))
  }

  /** Within `exclusive`. Returns what was there. */
  async remove(name: string): Promise<LockedPlugin | undefined> {
    let removed: LockedPlugin | undefined
    await this.#lock().update(({plugins}) => {
      const {[name]: one, ...others} = plugins
      removed = one
      return one ? {plugins: others} : undefined
    })
    await this.#sweep()
    return removed
  }

  /** Whatever the lock file does not name, and what processes that are gone were staging. */
  async #sweep(): Promise<void> {
    const inUse = new Set((await this.all()).map(({folder}) => folder))
    for (const name of await readdir(this.#folder)) {
      if ((!name.startsWith('.') && !inUse.has(name)) || (await isAbandoned(name))) await this.#remove(name)
    }
  }

  async #remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), {recursive: true, force: true, maxRetries: 3}).catch((error: unknown) => {
      this.#onWarning(`${name} cannot be removed from ${this.#folder} (${errnoOf(error) ?? 'it is in use'})`)
    })
  }

  #lock() {
    return pluginLock(this.dataDir, this.#onWarning)
  }
}

/** A stage whose process is gone. */
async function isAbandoned(name: string): Promise<boolean> {
  const stager = /^\.stage-(\d+)-/.exec(name)?.[1]
  return stager !== undefined && Number(stager) !== process.pid && !(await isAlive(Number(stager)))
}
