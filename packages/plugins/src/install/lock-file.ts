import {isAbsolute, join} from 'node:path'
import {isObject, isStringRecord} from '@cgpu/core/state/json'
import {JsonFile} from '@cgpu/core/state/json-file'
import {isPackageName} from './name.ts'

export type PluginSource = 'registry' | 'tarball' | 'git' | 'link'

/** One installed plugin, pinned. No address of a registry stands in it. */
export interface LockedPlugin {
  name: string
  version: string
  source: PluginSource
  /** as it was asked for, so that an update knows what to follow: `latest`, `^1.2.0`, a path, an address */
  want: string
  /** its folder, below `plugins` of the data folder; of a link: absolute */
  folder: string
  /** of the tarball; of git: the commit; of a link: empty */
  integrity: string
  /** over every file below its folder, those of its dependencies too */
  digest: string
  signature: 'signed' | 'unsigned' | 'unchecked' | 'none'
  /** whether it is certain where it was built; absent: nobody says where */
  provenance?: 'verified' | 'unchecked'
  /** name and version -> integrity, of what it depends on */
  dependencies: Record<string, string>
  /** ISO time */
  installedAt: string
}

interface Content {
  plugins: Record<string, LockedPlugin>
}

export const lockFileName = 'plugins.lock.json'
export const pluginsFolder = (dataDir: string): string => join(dataDir, 'plugins')

/** What is installed: one file, replaced whole. What it does not name is not installed, whatever lies on the disk. */
export function pluginLock(dataDir: string, onWarning?: (message: string) => void): JsonFile<Content> {
  return new JsonFile<Content>({
    path: join(dataDir, lockFileName), version: 1, initial: () => ({plugins: {}}), onWarning,
    parse: ({plugins}) => parsePlugins(plugins),
  })
}

/** What of the lock file's content is understood; undefined: it is not one. */
export function parsePlugins(plugins: unknown): Content | undefined {
  if (!isObject(plugins)) return undefined
  return {plugins: Object.fromEntries(Object.entries(plugins).flatMap(([name, value]) => (isLocked(name, value) ? [[name, value]] : [])))}
}

function isLocked(name: string, value: unknown): value is LockedPlugin {
  if (!isObject(value) || value['name'] !== name || !isPackageName(name) || !isStringRecord(value['dependencies'])) return false
  const {version, source, want, folder, integrity, digest, signature, provenance = 'unchecked', installedAt} = value
  if ([version, want, integrity, digest, installedAt].some((one) => typeof one !== 'string') || typeof folder !== 'string') return false
  if (!['registry', 'tarball', 'git', 'link'].includes(String(source)) || !['signed', 'unsigned', 'unchecked', 'none'].includes(String(signature)) || !['verified', 'unchecked'].includes(String(provenance))) return false
  return source === 'link' ? isAbsolute(folder) : /^[\w.@+~-]+$/.test(folder) && !folder.startsWith('.')
}

/** The plugin's own folder. */
export const rootOf = (dataDir: string, {source, folder}: Pick<LockedPlugin, 'source' | 'folder'>): string => (source === 'link' ? folder : join(pluginsFolder(dataDir), folder, 'package'))
