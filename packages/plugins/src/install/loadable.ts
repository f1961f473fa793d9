import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import type {TrustLevel} from '../trust.ts'
import {levelOf} from './level.ts'
import {type LockedPlugin, lockFileName, parsePlugins, rootOf} from './lock-file.ts'
import {listedPlugins} from './oclif-list.ts'
import {forbidden} from './policy-names.ts'

/** A plugin that is to be loaded, and how. */
export interface LoadablePlugin extends Pick<LockedPlugin, 'name' | 'source'> {
  root: string
  level: TrustLevel
}

interface Places {
  dataDir: string
  configDir: string
  env: NodeJS.ProcessEnv
}

type OnWarning = (message: string) => void

export const trustPath = (dataDir: string): string => join(dataDir, 'plugin-trust.json')

/**
 * What is installed, linked, or in oclif's own list, read at once and without locks: every start that loads plugins does this, so it
 * loads little. What cannot be read counts as not installed, and what was trusted as not trusted; then `onWarning` is told.
 */
export function knownPlugins(dataDir: string, onWarning: OnWarning): LoadablePlugin[] {
  const listed = listedPlugins(dataDir, onWarning)
  const level = listed.length === 0 ? undefined : levelInFile(dataDir, onWarning)
  return [...lockedPlugins(dataDir, onWarning), ...listed.map(({name, root}): LoadablePlugin => ({name, root, source: 'link', level: level?.(name) ?? 'untrusted'}))]
}

/** Of those what no policy forbids. */
export function loadablePlugins({dataDir, configDir, env}: Places, onWarning: OnWarning): LoadablePlugin[] {
  const known = knownPlugins(dataDir, onWarning)
  if (known.length === 0) return []
  const why = forbidden(configDir, env)
  return known.filter(({name, level}) => {
    const rule = why(name, level === 'trusted')
    if (rule !== undefined) onWarning(`the plugin ${name} is not loaded: the policy ${rule}`)
    return rule === undefined
  })
}

function lockedPlugins(dataDir: string, onWarning: OnWarning): LoadablePlugin[] {
  const lock = readObject(join(dataDir, lockFileName), onWarning)
  if (!lock) return []
  const content = parsePlugins(lock['plugins'])
  if (!content) {
    onWarning(`${lockFileName} is not understood: no plugin is loaded`)
    return []
  }
  const trusts = readObject(trustPath(dataDir), onWarning)?.['plugins']
  return Object.values(content.plugins).map((plugin) => {
    const trust = isObject(trusts) && Object.hasOwn(trusts, plugin.name) ? trusts[plugin.name] : undefined
    const {level, version, name} = isObject(trust) ? trust : {}
    const trusted = level === 'trusted' && name === plugin.name && typeof version === 'string'
    return {name: plugin.name, source: plugin.source, root: rootOf(dataDir, plugin), level: levelOf(plugin, trusted ? {level, version} : undefined)}
  })
}

/**
 * The level of plugins that oclif's own list names. Whoever put one there ran it in oclif's process: it counts as trusted, unless
 * the file of trust knows it otherwise, or cannot be read.
 */
function levelInFile(dataDir: string, onWarning: OnWarning): (name: string) => TrustLevel {
  let unreadable = false
  const trusts = readObject(trustPath(dataDir), (message) => {
    unreadable = true
    onWarning(message)
  })
  const plugins = trusts?.['plugins']
  return (name) => {
    if (!trusts) return unreadable ? 'untrusted' : 'trusted'
    if (!isObject(plugins)) return 'untrusted'
    const trust = plugins[name]
    return !Object.hasOwn(plugins, name) || (isObject(trust) && trust['level'] === 'trusted') ? 'trusted' : 'untrusted'
  }
}

function readObject(path: string, onWarning: OnWarning): JsonObject | undefined {
  try {
    const value = parseJson(readFileSync(path, 'utf8'))
    if (isObject(value)) return value
    onWarning(`${path} is not a JSON object`)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') onWarning(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return undefined
}
