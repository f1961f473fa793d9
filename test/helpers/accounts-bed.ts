import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Account} from '@cgpu/core/account'
import {resolveSettings} from '@cgpu/core/config/resolve'
import {CgpuError} from '@cgpu/core/errors'
import {type Accounts, type AccountsOptions, openAccounts} from '@cgpu/accounts'
import {fakeGoogle, type FakeGoogle} from './google.ts'

/** Accounts in folders of their own, at a stand-in for Google. */
export interface AccountsBed {
  google: FakeGoogle
  configDir: string
  stateDir: string
  warnings: string[]
  /** as a new process would open them */
  open(env?: Record<string, string>, options?: Partial<AccountsOptions> & {flags?: Record<string, unknown>}): Promise<Accounts>
  /** as a browser that agrees does */
  signIn(accounts?: Accounts, options?: Partial<Parameters<Accounts['signIn']['withBrowser']>[0]>): Promise<Account>
  /** how often the token endpoint was asked */
  tokenRequests(): number
  remove(): Promise<void>
}

export async function accountsBed(): Promise<AccountsBed> {
  const google = await fakeGoogle()
  const home = await mkdtemp(join(tmpdir(), 'cgpu-accounts-'))
  const [configDir, stateDir] = [join(home, 'config'), join(home, 'state')]
  const warnings: string[] = []
  const bed: AccountsBed = {
    google, configDir, stateDir, warnings,
    async open(more = {}, {flags = {}, ...options} = {}) {
      const env = {CGPU_COLAB_EMULATOR: google.url, CGPU_KEYRING: 'off', HOME: home, ...more}
      const settings = await resolveSettings({env, cwd: home, configDir, flags, home})
      return openAccounts({dirs: {config: configDir, state: stateDir}, env, settings, onWarning: (one) => void warnings.push(one), ...options})
    },
    async signIn(accounts, options = {}) {
      return (accounts ?? (await bed.open())).signIn.withBrowser({onPage: (page) => void agree(page.url), ...options})
    },
    tokenRequests: () => google.requests.filter(({path}) => path === '/token').length,
    async remove() {
      await google.close()
      await rm(home, {recursive: true, force: true, maxRetries: 5})
    },
  }
  return bed
}

/** Comes back from the page as Google would; `parameters` are added, or take the place of what there is. */
export async function agree(page: string, parameters: Record<string, string> = {}): Promise<Response> {
  const asked = new URL(page).searchParams
  const back = new URL(asked.get('redirect_uri') ?? '')
  for (const [name, value] of Object.entries({state: asked.get('state') ?? '', code: 'a-code', ...parameters})) back.searchParams.set(name, value)
  return fetch(back)
}

/** For assert.rejects: a CgpuError with this code and status, and something to do about it. */
export function refusal(code: string, exit: number, says?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof CgpuError, String(error))
    assert.deepEqual([error.code, error.exit], [code, exit], error.message)
    assert.ok(error.fix, 'it says what to do')
    if (says) assert.match(`${error.message}\n${error.fix}`, says)
    return true
  }
}
