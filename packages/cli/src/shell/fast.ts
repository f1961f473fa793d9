import type {CgpuCommand} from '@cgpu/plugin-sdk'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {reportCrash, watchForCrashes} from './crash.ts'
import {findCommand, wantsHelp, type CommandTable, type FoundCommand} from './command-table.ts'
import {leanConfig} from './lean-config.ts'
import {hasUserPlugins, wantsOclif} from './own-only.ts'

/** A command class, as its file exports it. */
export type CommandClass = (new (argv: string[], config: ReturnType<typeof leanConfig>) => CgpuCommand) & {id: string}

export interface FastOptions {
  /** folder of the CLI's package.json */
  root: string
  table: CommandTable
  load: Record<string, () => Promise<{default: CommandClass}>>
  env?: NodeJS.ProcessEnv
}

/** Whether the short way gives what oclif would give: one of our commands, rightly typed, and nobody else to be asked. */
function eligible(argv: readonly string[], table: CommandTable, env: NodeJS.ProcessEnv): FoundCommand | undefined {
  if (wantsOclif(env)) return undefined
  const found = findCommand(argv, table)
  if (!found || found.entry.fullConfig || wantsHelp(found)) return undefined
  return !found.entry.standalone && hasUserPlugins(resolveDirs(env).data) ? undefined : found
}

/**
 * Runs one of our own commands without loading oclif's config and plugins. False: not eligible, nothing was done.
 * The result is the same as by the long way; tests run both.
 */
export async function runFast(argv: readonly string[], {root, table, load, env = process.env}: FastOptions): Promise<boolean> {
  const found = eligible(argv, table, env)
  const loadCommand = found && load[found.id]
  if (!loadCommand) return false
  watchForCrashes(argv, table.version)
  const loadFull = async () => {
    const {Config} = await import('@oclif/core/config')
    // who has plugins of their own goes the long way, but for commands that ask none
    return Config.load({root, userPlugins: false})
  }
  try {
    const {default: Command} = await loadCommand()
    Command.id = found.id
    await new Command(found.argv, leanConfig({root, table, env, loadFull})).execute()
  } catch (error) {
    await reportCrash(error, argv, {version: table.version})
  }
  return true
}
