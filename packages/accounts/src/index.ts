import {type AccountAccess, noAccounts} from '@cgpu/core/account'
import type {Settings} from '@cgpu/core/config/resolve'
import type {Dirs} from '@cgpu/core/state/dirs'

export interface AccountsOptions {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  settings: Pick<Settings, 'text'>
  onWarning?: (message: string) => void
}

/** The accounts of this user. */
export async function openAccounts(_options: AccountsOptions): Promise<AccountAccess> {
  return noAccounts
}
