import {realpathSync} from 'node:fs'
import {relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {createRequire} from 'node:module'
import type {Command} from '@oclif/core/command'
import type {Config, Plugin} from '@oclif/core/config'
import {settings} from '@oclif/core/settings'
import {beforeHooks, globalFlags, supportsContract} from '@cgpu/plugin-sdk'
import {isRegistration} from '../plugins/withheld.ts'
import type {SandboxTerms} from '@cgpu/plugins/sandbox/levels'
import type {StaticCommand, StaticInput, StaticPlugin} from '@cgpu/plugins/sandbox/static-plugin'

/** An untrusted plugin, as the rest of the CLI is given it. */
export interface Held {
  name: string
  version: string
  root: string
  terms: SandboxTerms
}

const suffix = import.meta.url.endsWith('.ts') ? '.cts' : '.cjs'
const hookFile = fileURLToPath(new URL(`./hook-functions${suffix}`, import.meta.url))

/**
 * A plugin for oclif that is made of what package.json and oclif.manifest.json say; of its names those that are not taken. Throws where
 * there is no telling.
 */
export async function standIn({name, root}: Pick<Held, 'name' | 'root'>, config: Config, PluginClass: typeof Plugin): Promise<Plugin> {
  const [{readStaticPlugin, sandboxedEvent}, {noTerms, untrustedAmong}] = await Promise.all([import('@cgpu/plugins/sandbox/static-plugin'), import('@cgpu/plugins/sandbox/levels')])
  const folder = realpathSync(root)
  const found = readStaticPlugin(folder)
  if (found.name !== name) throw new Error('its package.json is of another plugin')
  // oclif would look for a transpiler in the plugin's folder, and load it
  settings.enableAutoTranspile = false
  const held: Held = {name, version: found.version, root: folder, terms: untrustedAmong(config.dataDir, [name]).get(name) ?? noTerms}
  const free = (id: string): boolean => !config.findCommand(id)
  const commands = found.commands.filter(({id}) => free(id)).map((command) => loadable(held, {...command, aliases: command.aliases.filter(free)}))
  // a topic that is there is about others' commands too
  const topics = Object.entries(found.topics).filter(([topic]) => !config.findTopic(topic))
  // the fields that its own load() would have set
  return Object.assign<Plugin, object>(new PluginClass({name, root: folder, type: 'link'}), {
    name, alias: name, root: folder, version: found.version, type: 'user', valid: true, moduleType: 'module', hasManifest: true,
    hooks: hooksOf(held, found, sandboxedEvent), commandIDs: commands.map(({id}) => id), commands, manifest: {version: found.version, commands: {}},
    pjson: pjsonOf(held, found, Object.fromEntries(topics)),
  })
}

/** Nothing of the plugin's own that oclif would act on. */
function pjsonOf({name, version}: Held, {description, contract, hooks}: StaticPlugin, topics: StaticPlugin['topics']): object {
  const withheld = Object.keys(hooks).filter(isRegistration)
  return {name, version, description, dependencies: {}, devDependencies: {}, oclif: {topics}, cgpu: {withheld, ...(contract === undefined ? {} : {contract})}}
}

function loadable(held: Held, command: StaticCommand): Command.Loadable {
  const {id, aliases, examples, hidden, strict, summary, description} = command
  const flags = {...Object.fromEntries(Object.entries(globalFlags).map(([name, flag]) => [name, {...flag, name}])), ...cached(own(command.flags))}
  return {
    id, aliases, hidden, hiddenAliases: [], strict, examples, summary, description, flags, args: cached(command.args), pluginAlias: held.name, pluginName: held.name, pluginType: 'user',
    load: async () => (await import('./sandboxed-command.ts')).commandClass(held, command),
  } as unknown as Command.Loadable // flags as a manifest describes them
}

/** cgpu's own flags are cgpu's. */
export const own = (flags: readonly StaticInput[]): StaticInput[] => flags.filter(({name}) => !(name in globalFlags) && name !== 'help')

function cached(inputs: readonly StaticInput[]): Record<string, object> {
  return Object.fromEntries(inputs.map(({name, isSwitch, settings}) => [name, {name, type: isSwitch ? 'boolean' : 'option', ...settings}]))
}

function hooksOf(held: Held, {contract, hooks}: StaticPlugin, allowed: RegExp): Plugin['hooks'] {
  const ours = Object.entries(hooks).filter(([event]) => allowed.test(event))
  if (ours.length === 0) return {}
  const functions = createRequire(import.meta.url)(hookFile) as Record<string, unknown> // see there
  const target = relative(held.root, hookFile)
  return Object.fromEntries(ours.map(([event, files]) => {
    const identifier = `${held.name} ${event}`
    functions[identifier] = async (options: Record<string, unknown>): Promise<unknown> => (await import('./hooks.ts')).runSandboxedHook(held, event, files, options)
    // of another contract they are never called (../hooks/contract-gate.ts), so that there is nothing to start
    if (supportsContract(contract)) beforeHooks(event, async () => (await import('./hooks.ts')).prepareHooks(held))
    return [event, [{target, identifier}]]
  }))
}
