import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {formatRelative} from '@cgpu/core/text/format'
import type {AccountStatus} from '../auth-command.ts'
import {table} from './table.ts'

const stateOf = ({state, reason}: AccountStatus): string => (state === 'expired' ? `must sign in again${reason === undefined ? '' : ` (${reason})`}` : 'signed in')
const short = (scope: string): string => scope.replace(/^.*\/auth\//, '')

export function accountsTable(accounts: AccountStatus[]): string {
  return table(['', 'account', 'kind', 'state', 'secret in'], accounts.map((one) => [one.active ? '*' : '', one.email, one.kind, stateOf(one), one.store]))
}

export function accountDetails({account, hosts, emulator}: {account: AccountStatus; hosts: GoogleHosts; emulator: string | null}, now: number): string {
  const {email, name, kind, scopes, store, tokenExpiresAt, clientId} = account
  const rows: [string, string][] = [
    ['account', name === undefined ? email : `${email} (${name})`],
    ['kind', kind],
    ['state', stateOf(account)],
    ['allowed', scopes.map(short).join(', ')],
    ['access token', kind === 'token' ? 'the one in CGPU_TOKEN' : tokenExpiresAt === undefined ? 'none at hand; got when needed' : `expires ${formatRelative(Date.parse(tokenExpiresAt), now)}`],
    ['secret in', store],
    ...(clientId === undefined ? [] : ([['OAuth client', clientId]] satisfies [string, string][])),
    ['hosts', emulator === null ? [...new Set(Object.values(hosts).map((one: string) => new URL(one).host))].join(', ') : `the emulator at ${emulator}`],
  ]
  return table([], rows)
}
