import {homedir} from 'node:os'
import {boolean} from '@oclif/core/flags'
import {findProjectFile} from '@cgpu/core/config/find-project'
import {readProjectFile} from '@cgpu/core/config/project'
import {errors} from '@cgpu/core/errors'
import {AgreedHooks, fingerprintOf} from '@cgpu/core/hooks/agreed'
import {describeHook} from '@cgpu/core/hooks/declared'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'
import {withEnv} from '@cgpu/plugin-sdk'
import {ConfigCommand} from '../../config-command.ts'

export interface TrustedHooks {
  /** the project file */
  path: string
  hooks: string[]
  runs: boolean
}

/** Lets the hooks of this folder's project file run, or forbids it. */
export default class ConfigTrust extends ConfigCommand<TrustedHooks> {
  static override description = 'A cgpu.yaml may declare hooks: programs that run as you whenever cgpu executes something in its folder (docs/hooks.md). They run when you have agreed, here or when a command asks. You agree to what is declared now; when that changes, you are asked again. What the programs themselves do may change without that.'
  static override examples = [
    {command: '<%= config.bin %> config trust', description: 'show the hooks of this folder, and let them run'},
    {command: '<%= config.bin %> config trust --revoke', description: 'commands go on without them'},
  ]
  static override flags = withEnv({revoke: boolean({summary: 'do not let them run, and do not ask again'})})
  static override seeAlso = ['config list', 'config path']
  static override standalone = true
  static override summary = 'let hooks of the project file run'

  async run(): Promise<TrustedHooks> {
    const {flags} = await this.parse(ConfigTrust)
    const path = findProjectFile(process.cwd(), homedir())
    const hooks = path === undefined ? [] : (await readProjectFile(path)).hooks
    if (path === undefined || hooks.length === 0) {
      throw errors.notFound(path === undefined ? 'there is no cgpu.yaml here' : `${sanitizeLine(path)} declares no hooks`, {code: 'NO_HOOKS', category: 'file', fix: 'declare some: see docs/hooks.md'})
    }
    const {configDir, dataDir, cacheDir} = this.config
    const agreed = new AgreedHooks(resolveDirs(process.env, {configDir, dataDir, cacheDir}).state, (message) => void this.warn(message))
    await agreed.set(path, fingerprintOf(hooks), !flags.revoke)
    const shown = hooks.map(describeHook)
    for (const line of shown) this.log(line)
    this.notice(flags.revoke ? `these hooks of ${sanitizeLine(path)} do not run` : `these hooks of ${sanitizeLine(path)} run from now on; take that back: cgpu config trust --revoke`)
    return {path, hooks: shown, runs: !flags.revoke}
  }
}
