import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Command} from '@oclif/core/command'
import type {Config, Plugin} from '@oclif/core/config'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {forbidden} from '@cgpu/plugins/install/policy-names'
import {fetchedLater, notHere, type Pin} from '../shell/pinned.ts'

/** What the build notes of each plugin that is fetched at its first use: `packages/cli/dist/pinned.json` (scripts/pins.mjs). */
type Described = Record<string, {topics: Record<string, {description: string}>; commands: Record<string, Command.Cached>}>

/** Stand-ins for plugins that are not here yet, so that help knows their commands, as far as those names are free. */
export function describePinned(config: Config, missing: readonly Pin[], PluginClass: typeof Plugin): Plugin[] {
  const described = read(config.root)
  return missing.flatMap(({name, version}) => {
    const found = described[name]
    if (!found) return []
    const commands = Object.values(found.commands).filter(({id}) => !config.findCommand(id)).map((command) => laterCommand(name, command, config.configDir))
    const topics = Object.fromEntries(Object.entries(found.topics).map(([topic, {description}]) => [topic, {description: topic.includes(':') ? description : description + fetchedLater}]))
    // the fields that its own load() would have set
    return [Object.assign<Plugin, object>(new PluginClass({name, root: config.root, type: notHere}), {
      name, alias: name, root: config.root, version, type: notHere, valid: true, moduleType: 'module', hasManifest: true, hooks: {}, commandIDs: commands.map(({id}) => id), commands,
      manifest: {version, commands: {}}, pjson: {name, version, dependencies: {}, devDependencies: {}, oclif: {topics}},
    })]
  })
}

function laterCommand(plugin: string, command: Command.Cached, configDir: string): Command.Loadable {
  return {
    ...command, pluginName: plugin, pluginAlias: plugin, pluginType: notHere, summary: (command.summary ?? '') + fetchedLater,
    load: () => Promise.reject(whyNotHere(plugin, configDir)),
  }
}

/** It was fetched before its command is looked for, or that said why not: so it is here, and was left out when plugins were loaded. */
function whyNotHere(plugin: string, configDir: string): Error {
  const rule = forbidden(configDir, process.env)(plugin, true)
  if (rule !== undefined) return errors.vetoed(`${plugin} is not loaded: the policy ${sanitizeLine(rule, 300)}`, {code: 'PLUGIN_POLICY', category: 'plugin', fix: 'ask whoever keeps it'})
  return errors.data(`${plugin} cannot be loaded`, {code: 'PLUGIN_BROKEN', category: 'plugin', fix: `cgpu plugins uninstall ${plugin}, and its next use fetches it again`})
}

function read(root: string): Described {
  try {
    return JSON.parse(readFileSync(join(root, 'packages/cli/dist/pinned.json'), 'utf8')) as Described // our build wrote it
  } catch {
    return {}
  }
}
