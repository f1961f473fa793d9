import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import type {TrustLevel} from '../trust.ts'
import {levelOf} from './level.ts'
import {type LockedPlugin, lockFileName, parsePlugins, rootOf} from './lock-file.ts'
import {forbidden} from './policy-names.ts'

/** A plugin that is to be loaded, and how. */
export interface LoadablePlugin extends LockedPlugin {
  root: string
  level: TrustLevel
}

interface Places {
  dataDir: string
  configDir: string
  env: NodeJS.ProcessEnv
}

/**
 * What is installed, read at once and without locks: every start does this, so it loads little. What cannot be read counts as not
 * installed, and what was trusted as not trusted; then `onWarning` is told. What a policy forbids is left out.
 */
export function loadablePlugins({dataDir, configDir, env}: Places, onWarning: (message: string) => void): LoadablePlugin[] {
  const lock = readObject(join(dataDir, lockFileName), onWarning)
  if (!lock) return []
  const content = parsePlugins(lock['plugins'])
  if (!content) {
    onWarning(`${lockFileName} is not understood: no plugin is loaded`)
    return []
  }
  const trusts = readObject(join(dataDir, 'plugin-trust.json'), onWarning)?.['plugins']
  const plugins = Object.values(content.plugins)
  if (plugins.length === 0) return []
  const why = forbidden(configDir, env)
  return plugins.flatMap((plugin) => {
    const trust = isObject(trusts) && Object.hasOwn(trusts, plugin.name) ? trusts[plugin.name] : undefined
    const {level, version, name} = isObject(trust) ? trust : {}
    const trusted = level === 'trusted' && name === plugin.name && typeof version === 'string'
    const loadable = {...plugin, root: rootOf(dataDir, plugin), level: levelOf(plugin, trusted ? {level, version} : undefined)}
    const rule = why(plugin.name, loadable.level === 'trusted')
    if (rule === undefined) return [loadable]
    onWarning(`the plugin ${plugin.name} is not loaded: the policy ${rule}`)
    return []
  })
}

/**
 * The level of plugins that oclif's own list names. Whoever put one there ran it in oclif's process: it counts as trusted, unless
 * the file of trust knows it otherwise, or cannot be read.
 */
export function levelInFile(dataDir: string, onWarning: (message: string) => void): (name: string) => TrustLevel {
  let unreadable = false
  const trusts = readObject(join(dataDir, 'plugin-trust.json'), (message) => {
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

function readObject(path: string, onWarning: (message: string) => void): JsonObject | undefined {
  try {
    const value = parseJson(readFileSync(path, 'utf8'))
    if (isObject(value)) return value
    onWarning(`${path} is not a JSON object`)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') onWarning(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return undefined
}
