import {ExitCode} from '@cgpu/core/errors'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {type CheckResult, runCheck} from '../doctor/check.ts'
import {checks} from '../doctor/checks.ts'
import {table, tableOptions} from '../render/table.ts'

/** Checks whether this machine has what cgpu needs. Changes nothing. */
export default class Doctor extends CgpuCommand<{checks: CheckResult[]}> {
  static override description = 'Looks at Node, the folders, settings, state, Python, accelerators, the terminal, proxies and what commands that failed left, and changes nothing.\n\nExit status: 0 when no check failed (warnings do not count), else that of the first one that did: 64 an old Node or a wrong setting, 65 a broken file, 66 no Python, 73 a folder that cannot be written.'
  static override examples = [
    {command: '<%= config.bin %> doctor', description: 'what works and what does not'},
    {command: '<%= config.bin %> doctor --json', description: 'the same for a bug report'},
  ]
  static override seeAlso = ['debug log', 'support-bundle', 'config list --origin', 'version --verbose']
  static override standalone = true
  static override summary = 'check this machine'

  async run(): Promise<{checks: CheckResult[]}> {
    await this.parse(Doctor)
    const {configDir, dataDir, cacheDir} = this.config
    const surroundings = {
      dirs: resolveDirs(process.env, {configDir, dataDir, cacheDir}), env: process.env, cwd: process.cwd(), nodeVersion: process.versions.node, stdout: process.stdout,
    }
    const results = await Promise.all(checks.map((check) => runCheck(check, surroundings)))
    // a narrow terminal must not cut what is to be typed
    this.log(table([], results.map(({title, state, message}) => [state, title, message]), {...tableOptions(), width: undefined}))
    for (const {title, fix} of results) if (fix !== undefined) this.log(`\n${title}\n  fix: ${fix}`)
    const failed = results.find(({state}) => state === 'failed')
    if (failed) this.exitWith(failed.exit ?? ExitCode.internal)
    return {checks: results}
  }
}
