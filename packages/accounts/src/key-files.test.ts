import assert from 'node:assert/strict'
import {createPublicKey, generateKeyPairSync, verify} from 'node:crypto'
import {chmod, mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {scopes} from '@cgpu/core/google/scopes'
import {type AccountsBed, accountsBed, refusal} from '../../../test/helpers/accounts-bed.ts'

const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048, publicKeyEncoding: {type: 'spki', format: 'pem'}, privateKeyEncoding: {type: 'pkcs8', format: 'pem'}})
const email = 'robot@project.iam.gserviceaccount.com'
const key = {type: 'service_account', client_email: email, private_key: privateKey, private_key_id: 'key-1', token_uri: 'https://evil.example/token'}

interface Claims {
  iss: string
  scope: string
  aud: string
  iat: number
  exp: number
}

describe('accounts with files of their own', () => {
  let bed: AccountsBed
  const file = async (content: unknown, mode = 0o600): Promise<string> => {
    await mkdir(bed.configDir, {recursive: true})
    const path = join(bed.configDir, 'key.json')
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    await chmod(path, mode)
    return path
  }
  const claimsOf = (assertion: string): Claims => JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as Claims // made by cgpu
  beforeEach(async () => {
    bed = await accountsBed()
  })
  afterEach(() => bed.remove())

  describe('service accounts', () => {
    it('sign an assertion for the token endpoint that is set, not for the one that the file names', async () => {
      const path = await file(key)
      const account = await (await bed.open()).signIn.withServiceAccount(path)
      assert.deepEqual([account.id, account.kind], [`google:${email}`, 'service-account'])
      const assertion = bed.google.requests[0]?.form.get('assertion') ?? ''
      const claims = claimsOf(assertion)
      assert.deepEqual([claims.iss, claims.aud, claims.exp - claims.iat], [email, `${bed.google.url}/token`, 3600])
      assert.ok(claims.scope.split(' ').includes(scopes.colab))
      const [head = '', body = '', signature = ''] = assertion.split('.')
      assert.ok(verify('RSA-SHA256', Buffer.from(`${head}.${body}`), createPublicKey(publicKey), Buffer.from(signature, 'base64url')))
      assert.equal(await (await bed.open()).token({scopes: [scopes.colab]}), 'access-1')
      assert.equal(await (await bed.open()).token({refused: 'access-1'}), 'access-2')
    })

    it('leave their key where it is', async () => {
      const path = await file(key)
      await (await bed.open()).signIn.withServiceAccount(path)
      const record = await readFile(join(bed.configDir, 'accounts.json'), 'utf8')
      assert.doesNotMatch(record, /PRIVATE KEY/)
      assert.match(record, /"keyFile": ".*key\.json"/)
      await (await bed.open()).signOut({})
      assert.match(await readFile(path, 'utf8'), /PRIVATE KEY/)
    })

    it('work on a machine whose clock is off', async () => {
      const wall = Date.now() - 3_600_000
      bed.google.handler = ({path, form}) => {
        if (path !== '/token') return undefined
        const {iat} = claimsOf(form.get('assertion') ?? '')
        return Math.abs(iat * 1000 - Date.now()) > 300_000
          ? {status: 400, body: {error: 'invalid_grant', error_description: 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.'}}
          : undefined
      }
      const accounts = await bed.open({}, {clock: {now: () => wall, uptime: () => 100}})
      await accounts.signIn.withServiceAccount(await file(key))
      assert.equal(bed.tokenRequests(), 2)
      assert.equal(await accounts.token(), 'access-1')
    })

    it('that Google refuses are explained', async () => {
      bed.google.handler = ({path}) => (path === '/token' ? {status: 400, body: {error: 'invalid_grant', error_description: 'Invalid JWT Signature.'}} : undefined)
      await assert.rejects((await bed.open()).signIn.withServiceAccount(await file(key)), refusal('SIGN_IN_REFUSED', 67, /Invalid JWT Signature/))
    })

    it('need a key that nobody else may read, and that is one', async () => {
      const accounts = await bed.open()
      await assert.rejects(accounts.signIn.withServiceAccount(await file(key, 0o644)), refusal('SECRETS_EXPOSED', 67, /chmod 600/))
      await assert.rejects(accounts.signIn.withServiceAccount(await file({type: 'authorized_user'})), refusal('KEY_INVALID', 65))
      await assert.rejects(accounts.signIn.withServiceAccount(await file({...key, private_key: 'nonsense'})), refusal('KEY_INVALID', 65))
      await assert.rejects(accounts.signIn.withServiceAccount(join(bed.configDir, 'nowhere')), refusal('FILE_NOT_FOUND', 66))
    })
  })

  describe('Application Default Credentials', () => {
    const user = {type: 'authorized_user', client_id: 'gcloud-client', client_secret: 'gcloud-secret', refresh_token: 'refresh-1'}
    const adc = async (content: unknown, env: Record<string, string> = {}) => {
      const path = await file(content)
      return (await bed.open({GOOGLE_APPLICATION_CREDENTIALS: path, ...env})).signIn.withAdc()
    }

    it("of a user: gcloud's own refresh token, which stays in gcloud's file", async () => {
      const account = await adc(user)
      assert.deepEqual([account.kind, account.email], ['adc', 'me@example.com'])
      assert.equal(await (await bed.open()).token({scopes: [scopes.colab]}), 'access-1')
      assert.doesNotMatch(await readFile(join(bed.configDir, 'accounts.json'), 'utf8'), /refresh-1|gcloud-secret/)
      await (await bed.open()).signOut({})
      assert.ok(bed.google.refreshTokens.has('refresh-1'), 'the sign-in of gcloud is not ours to revoke')
    })

    it('of a service account', async () => {
      assert.equal((await adc(key)).kind, 'adc')
    })

    it("are found in gcloud's folder", async () => {
      const gcloud = join(bed.configDir, 'gcloud')
      await mkdir(gcloud, {recursive: true})
      await writeFile(join(gcloud, 'application_default_credentials.json'), JSON.stringify(user))
      assert.equal((await (await bed.open({CLOUDSDK_CONFIG: gcloud})).signIn.withAdc()).email, 'me@example.com')
    })

    it('that do not allow Colab are refused, with the command that makes better ones', async () => {
      bed.google.scopes = ['openid', scopes.cloudPlatform, scopes.email]
      await assert.rejects(adc(user), refusal('SCOPES_NOT_GRANTED', 67, /gcloud auth application-default login --scopes=.*colaboratory/))
      assert.deepEqual(await (await bed.open()).list(), [])
    })

    it('of another kind are not taken to an emulator', async () => {
      await assert.rejects(adc({type: 'external_account', token_url: 'https://evil.example'}), refusal('ADC_UNUSABLE', 67))
    })

    it('that the variable names and that are not there are said to be so', async () => {
      await assert.rejects((await bed.open({GOOGLE_APPLICATION_CREDENTIALS: '/nowhere.json'})).signIn.withAdc(), refusal('FILE_NOT_FOUND', 66))
    })
  })
})
