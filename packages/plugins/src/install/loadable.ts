import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import type {TrustLevel} from '../trust.ts'
import {levelOf} from './level.ts'
import {type LockedPlugin, lockFileName, parsePlugins, rootOf} from './lock-file.ts'

/** A plugin that is to be loaded, and how. */
export interface LoadablePlugin extends LockedPlugin {
  root: string
  level: TrustLevel
}

/**
 * What is installed, read at once and without locks: every start does this, so it loads little. What cannot be read counts as not
 * installed, and what was trusted as not trusted; then `onWarning` is told.
 */
export function loadablePlugins(dataDir: string, onWarning: (message: string) => void): LoadablePlugin[] {
  const lock = readObject(join(dataDir, lockFileName), onWarning)
  if (!lock) return []
  const content = parsePlugins(lock['plugins'])
  if (!content) {
    onWarning(`${lockFileName} is not understood: no plugin is loaded`)
    return []
  }
  const trusts = readObject(join(dataDir, 'plugin-trust.json'), onWarning)?.['plugins']
  return Object.values(content.plugins).map((plugin) => {
    const trust = isObject(trusts) && Object.hasOwn(trusts, plugin.name) ? trusts[plugin.name] : undefined
    const {level, version, name} = isObject(trust) ? trust : {}
    const trusted = level === 'trusted' && name === plugin.name && typeof version === 'string'
    return {...plugin, root: rootOf(dataDir, plugin), level: levelOf(plugin, trusted ? {level, version} : undefined)}
  })
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
