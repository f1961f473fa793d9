import {join} from 'node:path'
import type {Config} from '@oclif/core/config'
import {readFileSync} from 'node:fs'
import {type CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {isLively} from '../render/terminal.ts'
import {reportCrash, watchForCrashes} from './crash.ts'
import {asksForHelp, findCommand, wantsHelp, type CommandTable} from './command-table.ts'
import {unifyForeignCommands} from './foreign-commands.ts'
import {useHostSdk} from './host-sdk.ts'
import {loadConfig} from './load-config.ts'
import {pinnedFor} from './pinned.ts'
import {servePlugin} from './serve-plugin.ts'

function readTable(root: string): CommandTable | undefined {
  try {
    return JSON.parse(readFileSync(join(root, 'packages/cli/dist/fast/table.json'), 'utf8')) as CommandTable // our build wrote it
  } catch {
    return undefined
  }
}

/** As oclif's main, but without looking for `--help` among the arguments of a remote program. */
async function runOwn(config: Config, id: string, argv: string[]): Promise<void> {
  await config.runHook('init', {argv, id})
  const command = config.findCommand(id)
  let failure: Error | undefined
  try {
    await config.runCommand(id, argv, command)
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw failure
  } finally {
    await config.runHook('finally', {argv, Command: command, error: failure, id})
  }
}

/** The long way: oclif with every plugin. */
export async function runSlow(argv: string[], root: string): Promise<void> {
  const table = readTable(root)
  watchForCrashes(argv, table?.version)
  useHostSdk()
  // plugins are run as they are compiled: nothing here transpiles, so there is nothing to warn of
  process.env['OCLIF_DISABLE_LINKED_ESM_WARNING'] ??= '1'
  // oclif's own output decides on its colours while it is loaded, and would colour a log of CI
  if (!isLively(process.stdout) && !process.env['FORCE_COLOR']) process.env['NO_COLOR'] ??= '1'
  const [{Command}, {execute}] = await Promise.all([import('@oclif/core/command'), import('@oclif/core/execute')])
  unifyForeignCommands(Command)
  let config: Config
  try {
    config = await loadConfig(root)
  } catch (error) {
    return reportCrash(brokenPlugin(error), argv, {version: table?.version ?? ''})
  }
  const {normalizeArgv} = await import('@oclif/core/help')
  const found = table && findCommand(argv, table)
  // help, topics and what is unknown are oclif's
  const help = found ? wantsHelp(found) : asksForHelp(argv)
  const pin = pinnedFor(config, argv, {id: normalizeArgv(config, [...argv])[0] ?? '', help})
  if (pin) {
    try {
      const {installPinned} = await import('../plugins/just-in-time.ts')
      const quiet = argv.some((token) => ['--json', '--quiet', '-q'].includes(token))
      if (await installPinned(config, pin, (text) => void (quiet || process.stderr.write(`${text}\n`)))) config = await loadConfig(root)
    } catch (error) {
      return reportCrash(error, argv, {version: config.version})
    }
  }
  servePlugin(config)
  const [id = '', ...rest] = normalizeArgv(config, [...argv])
  if (help || !config.findCommand(id)) return void (await execute({args: argv, loadOptions: config}))
  try {
    await runOwn(config, id, rest)
  } catch (error) {
    await reportCrash(error, argv, {id, version: config.version, flagNames: Object.keys(config.findCommand(id)?.flags ?? {})})
  }
}

/** oclif reads every manifest before any command; what one of them lacks stops it. */
function brokenPlugin(error: unknown): CgpuError {
  const {data} = resolveDirs()
  return errors.data(`a plugin cannot be read: ${sanitizeLine(error instanceof Error ? error.message : String(error))}`, {
    code: 'PLUGIN_BROKEN', category: 'plugin', fix: `take it out of ${sanitizeLine(join(data, 'package.json'))}`, cause: error,
  })
}
