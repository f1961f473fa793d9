import {join} from 'node:path'
import type {Config} from '@oclif/core/config'
import {readFileSync} from 'node:fs'
import {isLively} from '../render/terminal.ts'
import {findCommand, wantsHelp, type CommandTable} from './command-table.ts'
import {useHostSdk} from './host-sdk.ts'

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
  useHostSdk()
  // oclif's own output decides on its colours while it is loaded, and would colour a log of CI
  if (!isLively(process.stdout) && !process.env['FORCE_COLOR']) process.env['NO_COLOR'] ??= '1'
  const table = readTable(root)
  const found = table && findCommand(argv, table)
  if (found?.entry.remoteArgs && !wantsHelp(found)) {
    const [{Config}, {handle}] = await Promise.all([import('@oclif/core/config'), import('@oclif/core/handle')])
    try {
      await runOwn(await Config.load({root}), found.id, found.argv)
    } catch (error) {
      await handle(error instanceof Error ? error : new Error(String(error)))
    }
    return
  }
  const {execute} = await import('@oclif/core/execute')
  await execute({args: argv, dir: root})
}
