import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {CgpuCommand} from '@cgpu/plugin-sdk'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {reportCrash, watchForCrashes} from './crash.ts'
import {findCommand, wantsHelp, type CommandTable, type FoundCommand} from './command-table.ts'
import {leanConfig} from './lean-config.ts'

/** A command class, as its file exports it. */
export type CommandClass = (new (argv: string[], config: ReturnType<typeof leanConfig>) => CgpuCommand) & {id: string}

export interface FastOptions {
  /** folder of the CLI's package.json */
  root: string
  table: CommandTable
  load: Record<string, () => Promise<{default: CommandClass}>>
  env?: NodeJS.ProcessEnv
}

/** Plugins that the user installed or linked; a file that cannot be understood counts as some, so that oclif reports it. */
function hasUserPlugins(dataDir: string): boolean {
  try {
    const pjson: unknown = JSON.parse(readFileSync(join(dataDir, 'package.json'), 'utf8'))
    const plugins = (pjson as {oclif?: {plugins?: unknown}} | null)?.oclif?.plugins // any of it may be missing
    return !Array.isArray(plugins) || plugins.length > 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT' // fs errors carry a code; JSON's do not
  }
}

/** Whether the short way gives what oclif would give: one of our commands, rightly typed, and nobody else to be asked. */
function eligible(argv: readonly string[], table: CommandTable, env: NodeJS.ProcessEnv): FoundCommand | undefined {
  if (env['CGPU_NO_FASTPATH'] || env['CGPU_BINPATH'] || env['DEBUG'] || ['development', 'test'].includes(env['NODE_ENV'] ?? '')) return undefined
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
    return Config.load({root})
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
