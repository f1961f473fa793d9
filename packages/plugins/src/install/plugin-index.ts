import {existsSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {isObject, isStringRecord, parseJson} from '@cgpu/core/state/json'
import type {SandboxTerms} from '../sandbox/levels.ts'
import type {TrustLevel} from '../trust.ts'

/** A function of a hook: the file, relative to the plugin's folder, and the name of its export. */
export interface IndexedHook {
  target: string
  identifier: string
  /** URL of that file, where it is an ES module and stays where it is */
  module?: string
}

/** The file of a hook as its plugin names it: without its ending, or as a folder, where it likes. A name without a file is given back. */
export function hookFile(root: string, target: string): string {
  const path = target.startsWith(root) ? target : join(root, target)
  const found = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '/index.js'].map((ending) => path + ending)
  return found.find((one) => statSync(one, {throwIfNoEntry: false})?.isFile()) ?? path
}

/** What a start has to know of a plugin that it does not load. */
export interface IndexedPlugin {
  name: string
  version: string
  /** its folder, as it is installed or linked */
  root: string
  level: TrustLevel
  /** `cgpu.contract` of its package.json, which may be anything */
  contract: unknown
  /** ids and aliases of its commands, with colons */
  commands: string[]
  /** by event */
  hooks: Record<string, IndexedHook[]>
  /** of an untrusted one: events that it would have hooks for, were it trusted */
  withheld?: string[]
  /** of an untrusted one: how it is to be run */
  terms?: SandboxTerms
}

export interface PluginIndex {
  plugins: IndexedPlugin[]
  /** why only loading them tells what they bring; then there are no `plugins` here */
  odd?: string
}

/** Path -> stamp, of every file that an index was made of; '' where there is none. */
export type Stamps = Record<string, string>

/** In the name, so that two versions of cgpu that share a home do not take turns to write it. It grows when what stands in an index changes. */
const format = 2
export const indexPath = (dataDir: string): string => join(dataDir, `plugins.index-${format}.json`)

/** Tells a file from what stood there before: whoever writes one changes it. */
export function stampOf(path: string): string {
  try {
    const found = statSync(path, {throwIfNoEntry: false})
    return found ? `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}` : ''
  } catch (error) {
    return String(error)
  }
}

/** What plugins bring, from the index where nothing changed since it was made. Never fails. */
export async function pluginIndex(dataDir: string): Promise<PluginIndex> {
  return keptIndex(dataDir) ?? (await import('./make-index.ts')).makeIndex(dataDir)
}

/** Undefined: there is none, it is broken, or it is of another time. */
export function keptIndex(dataDir: string): PluginIndex | undefined {
  let index: unknown
  const path = indexPath(dataDir)
  // an error that nobody sees takes a tenth of a millisecond to make
  if (!existsSync(path)) return undefined
  try {
    index = parseJson(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
  if (!isObject(index) || index['dataDir'] !== dataDir || !isStringRecord(index['stamps'])) return undefined
  const {plugins, odd, stamps} = index
  if (Object.entries(stamps).some(([path, stamp]) => stampOf(path) !== stamp)) return undefined
  if (!Array.isArray(plugins) || !plugins.every(isIndexed)) return undefined
  return typeof odd === 'string' ? {plugins: [], odd} : {plugins}
}

function isIndexed(value: unknown): value is IndexedPlugin {
  if (!isObject(value)) return false
  const {name, version, root, level, commands, hooks, terms} = value
  return [name, version, root].every((one) => typeof one === 'string') && (level === 'trusted' || (level === 'untrusted' && isObject(terms)))
    && Array.isArray(commands) && commands.every((one) => typeof one === 'string')
    && isObject(hooks) && Object.values(hooks).every((all) => Array.isArray(all) && all.every(isStringRecord))
}

/** The text of an index file. */
export const indexText = (dataDir: string, stamps: Stamps, index: PluginIndex): string => `${JSON.stringify({dataDir, stamps, ...index})}\n`
