import {readFile, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {asProbed, canServe, type Probed} from './probe.ts'

interface Entry {
  probed: Probed
  /** modification times (ms) of the files and folders that the answer depends on */
  seen: Record<string, number>
}

/**
 * What Pythons said when they were last asked, so that a warm start asks none. An answer holds while the interpreter,
 * the two packages (or, where one was missing, the folders that it would appear in) are unchanged.
 */
export class ProbeCache {
  readonly #path: string
  #entries: Map<string, Entry> | undefined

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'pythons.json')
  }

  async get(key: string): Promise<Probed | undefined> {
    const entry = (await this.#load()).get(key)
    if (!entry) return undefined
    for (const [path, mtime] of Object.entries(entry.seen)) if ((await mtimeOf(path)) !== mtime) return undefined
    return entry.probed
  }

  async set(key: string, path: string, probed: Probed): Promise<void> {
    const packages = Object.values(probed.packages).map((one) => one.path)
    const paths = [path, probed.executable, ...(canServe(probed) ? packages : [...probed.sitePaths, ...packages])]
    const seen = Object.fromEntries(await Promise.all(paths.map(async (one) => [one, await mtimeOf(one)] as const)))
    const entries = await this.#load()
    entries.delete(key)
    entries.set(key, {probed, seen})
    await this.#save(entries)
  }

  /** An answer that turned out to be wrong. */
  async forget(executable: string): Promise<void> {
    const entries = await this.#load()
    for (const [key, {probed}] of entries) if (probed.executable === executable) entries.delete(key)
    await this.#save(entries)
  }

  async #load(): Promise<Map<string, Entry>> {
    this.#entries ??= parse(await readFile(this.#path, 'utf8').catch(() => ''))
    return this.#entries
  }

  /** A cache that cannot be written costs time only. */
  async #save(entries: Map<string, Entry>): Promise<void> {
    const kept = [...entries].slice(-50)
    await writeAtomic(this.#path, JSON.stringify({version: 1, entries: Object.fromEntries(kept)})).catch(() => undefined)
  }
}

function parse(text: string): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    return entries
  }
  if (!isObject(value) || value['version'] !== 1 || !isObject(value['entries'])) return entries
  for (const [key, entry] of Object.entries(value['entries'])) {
    if (!isObject(entry) || !isObject(entry['seen'])) continue
    const probed = asProbed(entry['probed'])
    const seen = Object.entries(entry['seen']).filter((pair): pair is [string, number] => typeof pair[1] === 'number')
    if (probed && seen.length > 0) entries.set(key, {probed, seen: Object.fromEntries(seen)})
  }
  return entries
}

/** 0: not there. */
function mtimeOf(path: string): Promise<number> {
  return stat(path).then((one) => one.mtimeMs, () => 0)
}
