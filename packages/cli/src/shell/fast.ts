import type {Config} from '@oclif/core/config'
import type {CgpuCommand} from '@cgpu/plugin-sdk'
import type {IndexedPlugin} from '@cgpu/plugins/install/plugin-index'
import {reportCrash, watchForCrashes} from './crash.ts'
import {findCommand, wantsHelp, type CommandTable, type FoundCommand} from './command-table.ts'
import {leanConfig} from './lean-config.ts'
import {wantsOclif} from './own-only.ts'
import {pluginsHere} from './plugins-here.ts'

/** A command class, as its file exports it. */
export type CommandClass = (new (argv: string[], config: ReturnType<typeof leanConfig>) => CgpuCommand) & {id: string}

export interface FastOptions {
  /** folder of the CLI's package.json */
  root: string
  table: CommandTable
  load: Record<string, (config: Config) => Promise<{default: CommandClass}>>
  env?: NodeJS.ProcessEnv
}

interface Eligible {
  found: FoundCommand
  plugins: readonly IndexedPlugin[]
}

/** Whether the short way gives what oclif would give: one of our commands, rightly typed, and no plugin that has to be loaded first. */
async function eligible(argv: readonly string[], table: CommandTable, env: NodeJS.ProcessEnv): Promise<Eligible | undefined> {
  if (wantsOclif(env)) return undefined
  const found = findCommand(argv, table)
  if (!found || found.entry.fullConfig || wantsHelp(found)) return undefined
  if (found.entry.standalone) return {found, plugins: []}
  const plugins = await pluginsHere(table.plugins, env)
  if (!plugins) return undefined
  // a plugin's command may have a longer name
  const theirs = plugins.flatMap(({commands}) => commands)
  return theirs.length === 0 || findCommand(argv, table, theirs)?.id === found.id ? {found, plugins} : undefined
}

/**
 * Runs one of our own commands without loading oclif's config and plugins. False: not eligible, nothing was done.
 * The result is the same as by the long way; tests run both.
 */
export async function runFast(argv: readonly string[], {root, table, load, env = process.env}: FastOptions): Promise<boolean> {
  const way = await eligible(argv, table, env)
  const loadCommand = way && load[way.found.id]
  if (!loadCommand) return false
  const {found, plugins} = way
  watchForCrashes(argv, table.version)
  const loadFull = async () => {
    const {Config} = await import('@oclif/core/config')
    // for the plugins that come along: those of the user are in the index
    return Config.load({root, userPlugins: false})
  }
  try {
    const config = leanConfig({root, table, env, plugins, sandbox: () => import('../sandbox/hooks.ts'), loadFull})
    const {default: Command} = await loadCommand(config)
    Command.id = found.id
    await new Command(found.argv, config).execute()
  } catch (error) {
    await reportCrash(error, argv, {version: table.version})
  }
  return true
}
