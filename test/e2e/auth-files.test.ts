import assert from 'node:assert/strict'
import {generateKeyPairSync} from 'node:crypto'
import {chmod, mkdir, readdir, readFile, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import type {Account} from '@cgpu/core/account'
import type {RuntimeJson} from '@cgpu/core/schema/types'
import {agreeingBrowser} from '../helpers/agreeing-browser.ts'
import type {CliResult, SealedHome} from '../helpers/cli.ts'
import {envelope} from '../helpers/cli.ts'
import {type EmulatorHome, startTestEmulator, type TestEmulator} from '../helpers/emulator.ts'
import {assertRefused} from '../helpers/workbench.ts'

const robot = 'robot@project.iam.gserviceaccount.com'
const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048, publicKeyEncoding: {type: 'spki', format: 'pem'}, privateKeyEncoding: {type: 'pkcs8', format: 'pem'}})

/** What CI has instead of a person: files, which stay whose they are. */
describe('cgpu auth login with a file', function () {
  this.timeout(60_000)
  let colab: TestEmulator
  let user: EmulatorHome
  /** as gcloud writes it */
  let adc: string
  let refreshToken: string

  before(async () => {
    colab = await startTestEmulator({scenario: {world: {serviceAccounts: [{email: robot, publicKey}]}}})
    ;({adc, refreshToken} = await gcloudFile(colab))
  })
  after(() => colab.stop())
  beforeEach(async () => {
    user = await colab.home({signedIn: false})
  })

  const put = async (path: string, content: string, mode = 0o600): Promise<string> => {
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, content)
    await chmod(path, mode)
    return path
  }
  const key = (mode?: number): Promise<string> => put(join(user.home.cwd, 'key.json'), JSON.stringify({type: 'service_account', client_email: robot, private_key: privateKey}), mode)
  const login = async (args: readonly string[], email: string): Promise<Account> => {
    const account = await user.data<Account>(['auth', 'login', ...args])
    assert.equal(account.email, email)
    return account
  }
  /** A machine of this account: made, used, released. */
  const works = async (email: string): Promise<void> => {
    const made = await user.data<RuntimeJson>(['runtime', 'create', '--name', 'machine'])
    assert.deepEqual([made.provider, made.account], ['colab', `google:${email}`])
    const result = await user.cli(['exec', '-r', 'machine', 'print(6 * 7)'])
    assert.deepEqual([result.status, result.stdout], [0, '42\n'], result.stderr)
    await user.data(['runtime', 'release', 'machine', '--yes'])
  }
  const refused = (result: CliResult, status: number, code: string): void => {
    assert.deepEqual([result.status, envelope(result).error.code], [status, code], result.stdout)
  }

  const places: Record<string, (home: SealedHome) => Promise<Record<string, string>>> = {
    'named by GOOGLE_APPLICATION_CREDENTIALS': async ({cwd}) => ({GOOGLE_APPLICATION_CREDENTIALS: await put(join(cwd, 'adc.json'), adc)}),
    'where gcloud puts them': async ({path}) => {
      await put(join(path, '.config', 'gcloud', 'application_default_credentials.json'), adc)
      return {}
    },
    'in a folder of gcloud\'s that is set': async ({cwd}) => {
      await put(join(cwd, 'cloud', 'application_default_credentials.json'), adc)
      return {CLOUDSDK_CONFIG: join(cwd, 'cloud')}
    },
  }
  for (const [where, place] of Object.entries(places)) {
    it(`takes Application Default Credentials ${where}`, async () => {
      Object.assign(user.home.env, await place(user.home))
      const account = await login(['--adc'], 'me@example.com')
      assert.equal(account.kind, 'adc')
      await works('me@example.com')
      await nowhereOf(user.home, refreshToken)
      // they are gcloud's: signing out here leaves them good
      assert.equal((await user.cli(['auth', 'logout'])).status, 0)
      await login(['--adc'], 'me@example.com')
    })
  }

  it('takes a service account, and reads its key anew each time', async () => {
    const path = await key()
    const account = await login(['--service-account', path], robot)
    assert.equal(account.kind, 'service-account')
    await works(robot)
    await nowhereOf(user.home, privateKey.split('\n')[3] ?? '', path)
    colab.emulator.world.expireTokens('tokens')
    await works(robot)
    await put(path, '{}')
    colab.emulator.world.expireTokens('tokens')
    refused(await user.cli(['runtime', 'list', '--json']), 65, 'KEY_INVALID')
    // the machines of a key that is broken are not forgotten
    await key()
    assert.deepEqual(await user.data(['runtime', 'list']), [])
  })

  it('says what is wrong with a file', async () => {
    refused(await user.cli(['auth', 'login', '--service-account', await key(0o644), '--json']), 67, 'SECRETS_EXPOSED')
    const env = (path: string): {env: Record<string, string>} => ({env: {GOOGLE_APPLICATION_CREDENTIALS: path}})
    refused(await user.cli(['auth', 'login', '--adc', '--json'], env('nowhere.json')), 66, 'FILE_NOT_FOUND')
    const revoked = await put(join(user.home.cwd, 'old.json'), adc.replace(refreshToken, 'emu-refresh-of-long-ago'))
    refused(await user.cli(['auth', 'login', '--adc', '--json'], env(revoked)), 67, 'SIGN_IN_REFUSED')
    assertRefused(await user.cli(['auth', 'login', '--adc'], env(revoked)), 67)
    assert.deepEqual(await user.data(['auth', 'list']), [])
  })
})

/** What `gcloud auth application-default login` leaves behind. */
async function gcloudFile(colab: TestEmulator): Promise<{adc: string; refreshToken: string}> {
  const {home, data} = await colab.home({signedIn: false})
  await data(['auth', 'login', '--block', '--client-config', colab.emulator.clientConfig], {env: {BROWSER: await agreeingBrowser(home.path)}})
  const [, refreshToken = ''] = /refreshToken\\":\\"([^"\\]+)/.exec(await readFile(join(home.configDir, 'secrets.json'), 'utf8')) ?? []
  assert.notEqual(refreshToken, '')
  const {installed} = JSON.parse(await readFile(colab.emulator.clientConfig, 'utf8')) as {installed: {client_id: string; client_secret: string}} // the emulator's own
  const {client_id, client_secret} = installed
  return {adc: JSON.stringify({type: 'authorized_user', client_id, client_secret, refresh_token: refreshToken}), refreshToken}
}

/** A secret is in no file of cgpu's. */
async function nowhereOf({configDir, dataDir, cacheDir}: SealedHome, secret: string, but?: string): Promise<void> {
  for (const folder of [configDir, dataDir, cacheDir]) {
    for (const entry of await readdir(folder, {recursive: true, withFileTypes: true}).catch(() => [])) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile() && path !== but) assert.ok(!(await readFile(path, 'latin1')).includes(secret), path)
    }
  }
}
