import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {Config, Plugin} from '@oclif/core/config'
import type {Plugin as AnyPlugin} from '@oclif/core/interfaces'
import {settings} from '@oclif/core/settings'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine, warnEarly} from '@cgpu/plugin-sdk'
import {standIn} from './stand-in.ts'

/** A plugin that the user installed or linked. */
export interface UserPlugin {
  name: string
  type: 'user' | 'link'
  /** folder */
  root: string
  tag: string | undefined
}

/**
 * oclif's config, in which untrusted plugins are stand-ins: known by what their files say, with none of their code loaded. oclif itself
 * would import commands that have no manifest, and transpilers that a linked plugin brings.
 */
export async function loadGuarded(root: string, dataDir: string): Promise<Config> {
  const {untrustedAmong} = await import('@cgpu/plugins/sandbox/levels')
  const installed = userPlugins(dataDir)
  const untrusted = untrustedAmong(dataDir, installed.map(({name}) => name))
  if (untrusted.size === 0) return Config.load({root})
  settings.enableAutoTranspile = false
  const own = await Config.load({root, userPlugins: false})
  const loaded: AnyPlugin[] = []
  for (const entry of installed) {
    const terms = untrusted.get(entry.name)
    try {
      if (terms) loaded.push(await standIn(entry, terms))
      else loaded.push(...(await trusted(entry, join(dataDir, 'package.json'))))
    } catch (error) {
      warnEarly(`the plugin ${sanitizeLine(entry.name, 100)} cannot be read: ${sanitizeLine(error instanceof Error ? error.message : String(error), 300)}`)
    }
  }
  const plugins = new Map<string, AnyPlugin>()
  const [first] = own.plugins.values()
  // the first one is the CLI itself; then as oclif loads them, but that no untrusted plugin takes the place of one of ours
  if (first) plugins.set(first.name, first)
  for (const plugin of loaded) {
    if (untrusted.has(plugin.name) && own.plugins.has(plugin.name)) warnEarly(`${sanitizeLine(plugin.name, 100)} is not trusted, and does not replace the plugin of that name`)
    else plugins.set(plugin.name, plugin)
  }
  for (const [name, plugin] of own.plugins) if (!plugins.has(name)) plugins.set(name, plugin)
  return Config.load({root: own.root, plugins})
}

function userPlugins(dataDir: string): UserPlugin[] {
  let listed: unknown
  try {
    const pjson = parseJson(readFileSync(join(dataDir, 'package.json'), 'utf8'))
    listed = isObject(pjson) && isObject(pjson['oclif']) ? pjson['oclif']['plugins'] : undefined
  } catch {
    return []
  }
  return (Array.isArray(listed) ? listed : []).filter(isObject).flatMap(({name, type, root, tag}: JsonObject): UserPlugin[] => {
    if (typeof name !== 'string' || name === '') return []
    const linked = type === 'link' && typeof root === 'string'
    if (!linked && type !== 'user') return []
    return [{name, type: linked ? 'link' : 'user', root: linked ? root : join(dataDir, 'node_modules', name), tag: typeof tag === 'string' ? tag : undefined}]
  })
}

/** As oclif loads it, with the plugins that it brings. */
async function trusted({name, type, root, tag}: UserPlugin, beside: string): Promise<AnyPlugin[]> {
  const plugin = new Plugin({name, type, root: type === 'link' ? root : beside, tag})
  await plugin.load()
  const {plugins = []} = plugin.pjson.oclif
  const children = await Promise.all(plugins.filter((child) => !child.includes('*')).map((child) => trusted({name: child, type, root: plugin.root, tag: undefined}, plugin.root)))
  return [plugin, ...children.flat()]
}
