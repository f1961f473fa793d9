import assert from 'node:assert/strict'
import {readFile, rm, stat} from 'node:fs/promises'
import {mkdtemp} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {CgpuError} from '@cgpu/core/errors'
import {resolveSettings} from '@cgpu/core/config/resolve'
import {scopes} from '@cgpu/core/google/scopes'
import {fakeGoogle, type FakeGoogle} from '../../../test/helpers/google.ts'
import type {Accounts} from './accounts.ts'
import {openAccounts} from './index.ts'

describe('accounts', () => {
  let google: FakeGoogle
  let home: string
  const warnings: string[] = []

  const open = async (env: Record<string, string> = {}, flags: Record<string, unknown> = {}): Promise<Accounts> => {
    const all = {CGPU_COLAB_EMULATOR: google.url, CGPU_KEYRING: 'off', ...env}
    const settings = await resolveSettings({env: all, cwd: home, configDir: join(home, 'config'), flags})
    return openAccounts({dirs: {config: join(home, 'config'), state: join(home, 'state')}, env: all, settings, onWarning: (one) => void warnings.push(one)})
  }
  /** As a browser that agrees does. */
  const signIn = async (accounts: Accounts) =>
    accounts.signIn.withBrowser({
      onPage: ({url}) => {
        const asked = new URL(url).searchParams
        void fetch(`${asked.get('redirect_uri')}?state=${asked.get('state')}&code=a-code`)
      },
    })
  const refused = (code: string, exit: number) => (error: unknown): boolean => {
    assert.ok(error instanceof CgpuError, String(error))
    assert.deepEqual([error.code, error.exit], [code, exit])
    assert.ok(error.fix)
    return true
  }

  beforeEach(async () => {
    google = await fakeGoogle()
    home = await mkdtemp(join(tmpdir(), 'cgpu-accounts-'))
    warnings.length = 0
  })
  afterEach(async () => {
    await google.close()
    await rm(home, {recursive: true, force: true})
  })

  it('says that nobody is signed in', async () => {
    const accounts = await open()
    await assert.rejects(accounts.current(), refused('SIGN_IN_REQUIRED', 67))
    await assert.rejects(accounts.token(), refused('SIGN_IN_REQUIRED', 67))
    assert.deepEqual(await accounts.list(), [])
  })

  it('signs in over loopback, and the next process has the account and its token', async () => {
    const account = await signIn(await open())
    assert.deepEqual([account.id, account.kind, account.name], ['google:me@example.com', 'oauth', 'Me Myself'])
    const next = await open()
    assert.deepEqual(await next.current(), account)
    assert.equal(await next.token({scopes: [scopes.colab]}), 'access-1')
    assert.equal(google.requests.filter(({path}) => path === '/token').length, 1)
  })

  it('keeps no secret in accounts.json, and secrets in files that nobody else may read', async () => {
    await signIn(await open())
    assert.doesNotMatch(await readFile(join(home, 'config', 'accounts.json'), 'utf8'), /refresh-1|access-1/)
    assert.match(await readFile(join(home, 'config', 'secrets.json'), 'utf8'), /refresh-1/)
    assert.equal((await stat(join(home, 'config', 'secrets.json'))).mode & 0o777, 0o600)
  })

  it('gets another token once the server refused one', async () => {
    await signIn(await open())
    const accounts = await open()
    const first = await accounts.token()
    assert.equal(await accounts.token({refused: first}), 'access-2')
    assert.equal(await accounts.token(), 'access-2')
  })

  it('takes CGPU_TOKEN as it is, and asks whose it is', async () => {
    const accounts = await open({CGPU_TOKEN: 'from-the-environment'})
    assert.equal(await accounts.token(), 'from-the-environment')
    assert.deepEqual(google.requests, [])
    assert.deepEqual([(await accounts.current()).email, (await accounts.current()).kind], ['me@example.com', 'token'])
    assert.deepEqual(google.requests.map(({path, query}) => [path, query.toString()]), [['/tokeninfo', '']])
  })
})
