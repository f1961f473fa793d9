import {string} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import type {Change} from './completion/install.ts'
import {type Place, placeOf} from './completion/place.ts'
import {type Shell, shellOf, shells} from './completion/scripts.ts'

export interface CompletionChange {
  shell: Shell
  changes: Change[]
  dryRun: boolean
}

export const shellArg = string({description: 'the shell; default: the one that SHELL names', options: [...shells]})
export const dryRunFlag = withEnv({'dry-run': boolean({summary: 'only say what would change'})})

/** The base of what puts completion where shells find it. */
export abstract class CompletionCommand extends CgpuCommand<CompletionChange> {
  /** Throws NO_SHELL (64 where none is known, 66 where PowerShell is not there). */
  protected async place(named: string | undefined): Promise<{shell: Shell; place: Place}> {
    const shell = shells.find((one) => one === named) ?? shellOf(process.env)
    if (shell === undefined) throw errors.usage('it is not known which shell you use', {code: 'NO_SHELL', fix: `name it: cgpu ${this.id?.replaceAll(':', ' ') ?? 'completion install'} ${shells.join('|')}`})
    const {configDir, dataDir, cacheDir} = this.config
    return {shell, place: await placeOf(shell, process.env, resolveDirs(process.env, {configDir, dataDir, cacheDir}))}
  }

  /** One line for each file. */
  protected tell({changes, dryRun}: CompletionChange): void {
    for (const {path, change} of changes) this.log(`${dryRun && change !== 'unchanged' ? `would be ${change}` : change} ${sanitizeLine(path)}`)
  }
}
