import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {Config, Plugin} from '@oclif/core/config'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import {inert} from '@cgpu/plugin-sdk'
import {untrustedCommand} from './untrusted-command.ts'

/** A plugin as its own files describe it. */
export interface StaticPlugin {
  name: string
  root: string
}

/**
 * A plugin whose code is not loaded: its commands are known from its manifest, it has no hooks, and what is behind a command is
 * decided in untrusted-command.ts. Throws where there is no telling.
 */
export async function staticPlugin({name, root}: StaticPlugin, config: Config, PluginClass: typeof Plugin): Promise<Plugin> {
  const pjson = await object(join(root, 'package.json'))
  if (!pjson || pjson['name'] !== name) throw new Error('its package.json is missing or of another plugin')
  const manifest = (await object(join(root, 'oclif.manifest.json'))) ?? {commands: {}}
  const commands = isObject(manifest['commands']) ? Object.entries(manifest['commands']) : []
  const version = String(pjson['version'])
  const known = commands.flatMap(([id, command]) => {
    if (!isObject(command) || !/^[\w.-]+(?::[\w.-]+)*$/.test(id) || config.findCommand(id)) return []
    const {aliases, hiddenAliases, ...described} = harmless(command, {bin: config.bin, id}) as JsonObject // an object stays one
    return [{
      args: {}, flags: {}, hidden: false, strict: true, ...described, id,
      aliases: free(aliases, config), hiddenAliases: free(hiddenAliases, config), pluginName: name, pluginAlias: name, pluginType: 'user',
      load: async () => untrustedCommand({name, root, version}, id),
    }]
  })
  const plugin = new PluginClass({name, root, type: 'link'})
  return Object.assign(plugin, {
    name, alias: name, root, version, type: 'user', valid: true, hooks: {}, hasManifest: true, commandIDs: known.map(({id}) => id),
    // topics are named by the commands in them: what a description of a topic says would be about others' commands too
    pjson: {name, version, oclif: {}}, manifest: {version, commands: {}}, commands: known,
  }) as Plugin // the fields that its own load() would have set
}

const free = (aliases: unknown, config: Config): string[] =>
  Array.isArray(aliases) ? aliases.filter((one): one is string => typeof one === 'string' && /^[\w.-]+(?:[: ][\w.-]+)*$/.test(one) && !config.findCommand(one.replaceAll(' ', ':'))) : []

/** Texts for a terminal, with nothing left for oclif's help to evaluate: it runs what stands between `<%` and `%>`. */
function harmless(value: unknown, names: {bin: string; id: string}): unknown {
  if (typeof value === 'string') {
    const filled = value.replaceAll(/<%=\s*config\.bin\s*%>/g, names.bin).replaceAll(/<%=\s*command\.id\s*%>/g, names.id.replaceAll(':', ' '))
    return inert(filled).replaceAll('<%', '< %')
  }
  if (Array.isArray(value)) return value.map((one) => harmless(one, names))
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [String(harmless(key, names)), harmless(one, names)])) : value
}

async function object(path: string): Promise<JsonObject | undefined> {
  try {
    const value = parseJson(await readFile(path, 'utf8'))
    if (isObject(value)) return value
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
  }
  throw new Error(`${path} is not a JSON object`)
}
