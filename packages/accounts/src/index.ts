import {Accounts, type AccountsOptions} from './accounts.ts'

export {Accounts} from './accounts.ts'
export type {AccountsOptions, AccountStatus} from './accounts.ts'
export {openBrowser} from './browser.ts'
export {scopesNamed} from './scope-names.ts'
export type {Patience} from './patience.ts'
export type {SignInPage} from './code-flow.ts'
export type {SignedOut} from './sign-out.ts'
export {sender} from './wire.ts'

/** The accounts of this user. */
export async function openAccounts(options: AccountsOptions): Promise<Accounts> {
  return new Accounts(options)
}
