import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {type AccountAccess, noAccounts} from '@cgpu/core/account'
import type {Settings} from '@cgpu/core/config/resolve'
import type {Dirs} from '@cgpu/core/state/dirs'

export interface AccountsOptions {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  onWarning: (message: string) => void
  trace?: (line: string) => void
}

/** Makes the accounts when they are first needed; whoever never signed in need not wait until everything about them is loaded. */
export function accountsFor({dirs, env, onWarning, trace = () => undefined}: AccountsOptions): (settings: Settings) => Promise<AccountAccess> {
  return async (settings) => {
    if (!env['CGPU_TOKEN'] && !existsSync(join(dirs.config, 'accounts.json'))) return noAccounts
    return (await import('@cgpu/accounts')).openAccounts({dirs, env, settings, onWarning, trace})
  }
}
