import {realpathSync} from 'node:fs'
import {relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {createRequire} from 'node:module'
import type {Command} from '@oclif/core/command'
import type {Plugin} from '@oclif/core/interfaces'
import {globalFlags} from '@cgpu/plugin-sdk'
import type {SandboxTerms} from '@cgpu/plugins/sandbox/levels'
import type {StaticCommand, StaticInput, StaticPlugin} from '@cgpu/plugins/sandbox/static-plugin'
import type {UserPlugin} from './config.ts'

/** An untrusted plugin, as the rest of the CLI is given it. */
export interface Held {
  name: string
  version: string
  root: string
  terms: SandboxTerms
}

const suffix = import.meta.url.endsWith('.ts') ? '.cts' : '.cjs'
const hookFile = fileURLToPath(new URL(`./hook-functions${suffix}`, import.meta.url))

/** A plugin for oclif that is made of what package.json and oclif.manifest.json say. Throws where there is no package.json. */
export async function standIn({name, type, root, tag}: UserPlugin, terms: SandboxTerms): Promise<Plugin> {
  const {readStaticPlugin} = await import('@cgpu/plugins/sandbox/static-plugin')
  const folder = realpathSync(root)
  const found = readStaticPlugin(folder)
  const held: Held = {name, version: found.version, root: folder, terms}
  const commands = found.commands.map((command) => loadable(held, command, type))
  return {
    _base: '@oclif/core', alias: name, commandIDs: commands.map(({id}) => id), commands, commandsDir: undefined,
    // the command as oclif asks for it: one of ours
    findCommand: (async (id: string) => commands.find((one) => one.id === id)?.load()) as Plugin['findCommand'],
    hasManifest: true, hooks: hooksOf(held, found), isRoot: false, load: async () => undefined, moduleType: 'module', name,
    options: {root: folder, name, type}, pjson: pjsonOf(held, found), root: folder, tag,
    topics: Object.entries(found.topics).map(([topic, {description}]) => ({name: topic, description})), type, valid: true, version: found.version,
  }
}

/** Nothing of the plugin's own that oclif would act on. */
function pjsonOf({name, version}: Held, {description, contract}: StaticPlugin): Plugin['pjson'] {
  return {name, version, description, dependencies: {}, devDependencies: {}, oclif: {}, ...(contract === undefined ? {} : {cgpu: {contract}})}
}

function loadable(held: Held, command: StaticCommand, pluginType: string): Command.Loadable {
  const {id, aliases, examples, hidden, strict, summary, description} = command
  const flags = {...Object.fromEntries(Object.entries(globalFlags).map(([name, flag]) => [name, {...flag, name}])), ...cached(own(command.flags))}
  return {
    id, aliases, hidden, hiddenAliases: [], strict, examples, summary, description, flags, args: cached(command.args), pluginAlias: held.name, pluginName: held.name, pluginType,
    load: async () => (await import('./sandboxed-command.ts')).commandClass(held, command),
  } as unknown as Command.Loadable // flags as a manifest describes them
}

/** cgpu's own flags are cgpu's. */
export const own = (flags: readonly StaticInput[]): StaticInput[] => flags.filter(({name}) => !(name in globalFlags) && name !== 'help')

function cached(inputs: readonly StaticInput[]): Record<string, object> {
  return Object.fromEntries(inputs.map(({name, isSwitch, settings}) => [name, {name, type: isSwitch ? 'boolean' : 'option', ...settings}]))
}

function hooksOf(held: Held, {hooks}: StaticPlugin): Plugin['hooks'] {
  const ours = Object.entries(hooks).filter(([event]) => /^(execution|runtime|notebook|job):/.test(event))
  if (ours.length === 0) return {}
  const functions = createRequire(import.meta.url)(hookFile) as Record<string, unknown> // see there
  const target = relative(held.root, hookFile)
  return Object.fromEntries(ours.map(([event, files]) => {
    const identifier = `${held.name} ${event}`
    functions[identifier] = async (options: Record<string, unknown>): Promise<unknown> => (await import('./hooks.ts')).runSandboxedHook(held, event, files, options)
    return [event, [{target, identifier}]]
  }))
}
