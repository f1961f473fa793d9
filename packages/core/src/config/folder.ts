import {realpath} from 'node:fs/promises'
import {dirname, join, resolve} from 'node:path'
import {JsonFile} from '../state/json-file.ts'
import {isStringRecord} from '../state/json.ts'

interface FolderFile {
  /** absolute real path -> id of a runtime */
  folders: Record<string, string>
}

/** The runtime that each folder works with, chosen by `cgpu runtime use`. Kept in `<state>/folders.json`. */
export class FolderDefaults {
  readonly #file: JsonFile<FolderFile>

  constructor(stateDir: string, options: {onWarning?: (message: string) => void} = {}) {
    this.#file = new JsonFile<FolderFile>({
      path: join(stateDir, 'folders.json'),
      version: 1,
      initial: () => ({folders: {}}),
      parse: value => (isStringRecord(value['folders']) ? {folders: value['folders']} : undefined),
      onWarning: options.onWarning,
    })
  }

  /** The choice for the folder or the nearest one above it. */
  async get(folder: string): Promise<{folder: string; runtime: string} | undefined> {
    const {folders} = await this.#file.read()
    for (let path = await canonical(folder); ; path = dirname(path)) {
      const runtime = Object.hasOwn(folders, path) ? folders[path] : undefined
      if (runtime !== undefined) return {folder: path, runtime}
      if (dirname(path) === path) return undefined
    }
  }

  async set(folder: string, runtime: string): Promise<void> {
    const path = await canonical(folder)
    await this.#file.update(({folders}) => (folders[path] === runtime ? undefined : {folders: {...folders, [path]: runtime}}))
  }

  /** Forgets the choice made for exactly this folder. Returns whether there was one. */
  async unset(folder: string): Promise<boolean> {
    const path = await canonical(folder)
    return this.#removeWhere(([key]) => key === path)
  }

  /** Forgets a runtime in every folder: it was released. */
  async forget(runtime: string): Promise<void> {
    await this.#removeWhere(([, value]) => value === runtime)
  }

  async #removeWhere(test: (entry: [string, string]) => boolean): Promise<boolean> {
    let removed = false
    await this.#file.update(({folders}) => {
      const kept = Object.entries(folders).filter(entry => !test(entry))
      removed = kept.length < Object.keys(folders).length
      return removed ? {folders: Object.fromEntries(kept)} : undefined
    })
    return removed
  }
}

async function canonical(folder: string): Promise<string> {
  return realpath(folder).catch(() => resolve(folder))
}
