import {string} from '@oclif/core/flags'
import type * as library from '@cgpu/accounts'
import {resolveSettings, type Settings} from '@cgpu/core/config/resolve'
import {type Dirs, resolveDirs} from '@cgpu/core/state/dirs'
import {withEnv} from '@cgpu/plugin-sdk'
import {WorkCommand} from './work-command.ts'

export type AccountStatus = library.AccountStatus
export type SignedOut = library.SignedOut

/** `--account`, on the commands that are about one. */
export const accountFlag = withEnv({account: string({summary: 'the account, by e-mail address', helpValue: 'EMAIL'})})

/** `--scopes`, as people type them. */
export const scopesFlag = withEnv({
  scopes: string({summary: 'what else the sign-in is for: drive, drive.file, or a whole scope', helpValue: 'SCOPE', multiple: true, delimiter: ','}),
})

/** The base of `cgpu auth …`. */
export abstract class AuthCommand<T = unknown> extends WorkCommand<T> {
  static override standalone = true

  /** The accounts, with this command's flags as settings. */
  protected async accounts(flags: Record<string, unknown>): Promise<{accounts: library.Accounts; module: typeof library; clientConfig: string | undefined; emulator: string | undefined; settings: Settings; dirs: Dirs}> {
    const {configDir, dataDir, cacheDir} = this.config
    const dirs = resolveDirs(process.env, {configDir, dataDir, cacheDir})
    const onWarning = (message: string): void => void this.warn(message)
    const settings = await resolveSettings({env: process.env, cwd: process.cwd(), configDir: dirs.config, flags, onWarning})
    const module = await import('@cgpu/accounts')
    const accounts = await module.openAccounts({dirs, env: process.env, settings, onWarning, trace: (line) => this.trace(line)})
    return {accounts, module, clientConfig: settings.text('client-config'), emulator: settings.text('colab-emulator'), settings, dirs}
  }
}
