// Google's own hosts, answered as its documentation shows ("OAuth 2.0 for iOS & Desktop Apps", "Workload identity federation").
import assert from 'node:assert/strict'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import nock from 'nock'
import {type AccountsBed, accountsBed, agree, refusal} from '../../../test/helpers/accounts-bed.ts'
import type {Accounts} from './accounts.ts'

// importing it puts it between every test of this process and the network
nock.restore()

const granted = 'openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile https://www.googleapis.com/auth/colaboratory'
const body = {access_token: 'ya29.first', expires_in: 3599, refresh_token: '1//refresh', scope: granted, token_type: 'Bearer', id_token: 'eyJ.eyJ.x'}

describe("accounts at Google's own hosts", () => {
  let bed: AccountsBed
  const open = (env: Record<string, string> = {}): Promise<Accounts> => bed.open({CGPU_COLAB_EMULATOR: '', ...env})
  beforeEach(async () => {
    bed = await accountsBed()
    await mkdir(bed.configDir, {recursive: true})
    if (!nock.isActive()) nock.activate()
    nock.disableNetConnect()
    nock.enableNetConnect(/^127\.0\.0\.1/)
  })
  afterEach(async () => {
    const pending = nock.pendingMocks()
    nock.cleanAll()
    nock.enableNetConnect()
    nock.restore()
    await bed.remove()
    assert.deepEqual(pending, [])
  })

  const signIn = async (): Promise<URL> => {
    const client = join(bed.configDir, 'client.json')
    await writeFile(client, JSON.stringify({installed: {client_id: 'mine.apps.googleusercontent.com', client_secret: 'GOCSPX-mine'}}))
    nock('https://oauth2.googleapis.com').post('/token', (form: Record<string, string>) =>
      form['grant_type'] === 'authorization_code' && form['client_id'] === 'mine.apps.googleusercontent.com' && form['client_secret'] === 'GOCSPX-mine' && (form['code_verifier'] ?? '').length >= 43,
    ).reply(200, body)
    nock('https://www.googleapis.com', {reqheaders: {authorization: 'Bearer ya29.first'}}).get('/oauth2/v2/userinfo')
      .reply(200, {id: '110', email: 'me@gmail.com', verified_email: true, name: 'Me', given_name: 'Me', picture: 'https://lh3.googleusercontent.com/a/x'})
    let page: URL | undefined
    await (await open()).signIn.withBrowser({clientConfig: client, onPage: ({url}) => {
      page = new URL(url)
      void agree(url, {iss: 'https://accounts.google.com', scope: granted, authuser: '0', prompt: 'consent'})
    }})
    return page!
  }

  it('signs in, renews and signs out', async () => {
    const page = await signIn()
    assert.equal(`${page.origin}${page.pathname}`, 'https://accounts.google.com/o/oauth2/v2/auth')
    assert.deepEqual(page.searchParams.get('scope')?.split(' ').sort(), granted.split(' ').sort())
    assert.equal(await (await open()).token(), 'ya29.first')

    nock('https://oauth2.googleapis.com').post('/token', {grant_type: 'refresh_token', refresh_token: '1//refresh', client_id: 'mine.apps.googleusercontent.com', client_secret: 'GOCSPX-mine'})
      .reply(200, {access_token: 'ya29.second', expires_in: 3599, scope: granted, token_type: 'Bearer', id_token: 'eyJ.eyJ.x'})
    assert.equal(await (await open()).token({refused: 'ya29.first'}), 'ya29.second')
    assert.match(await readFile(join(bed.configDir, 'secrets.json'), 'utf8'), /1\/\/refresh/)

    nock('https://oauth2.googleapis.com').post('/revoke', {token: '1//refresh'}).reply(200, {})
    assert.deepEqual((await (await open()).signOut({})).map(({revoked}) => revoked), [true])
  })

  it('knows an ended sign-in', async () => {
    await signIn()
    nock('https://oauth2.googleapis.com').post('/token').reply(400, {error: 'invalid_grant', error_description: 'Token has been expired or revoked.'})
    await assert.rejects((await open()).token({refused: 'ya29.first'}), refusal('SIGN_IN_EXPIRED', 67))
  })

  it('explains a token of CGPU_TOKEN without putting it into an address', async () => {
    nock('https://oauth2.googleapis.com', {reqheaders: {authorization: 'Bearer ya29.ci'}}).post('/tokeninfo', {access_token: 'ya29.ci'})
      .reply(200, {azp: 'x', aud: 'x', sub: '110', scope: granted, exp: '1764000000', expires_in: '2000', email: 'ci@gmail.com', email_verified: 'true', access_type: 'online'})
    const account = await (await open({CGPU_TOKEN: 'ya29.ci'})).current()
    assert.deepEqual([account.email, account.scopes.length], ['ci@gmail.com', 4])
  })

  it('refuses a CGPU_TOKEN that Google does not know', async () => {
    nock('https://oauth2.googleapis.com').post('/tokeninfo').reply(400, {error: 'invalid_token', error_description: 'Invalid Value'})
    await assert.rejects((await open({CGPU_TOKEN: 'ya29.old'})).current(), refusal('TOKEN_REFUSED', 67))
  })

  it("leaves workload identity to Google's library", async () => {
    const [subject, adc] = [join(bed.configDir, 'subject'), join(bed.configDir, 'adc.json')]
    await writeFile(subject, 'oidc-token-of-the-ci')
    await writeFile(adc, JSON.stringify({
      type: 'external_account', audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/ci', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: 'https://sts.googleapis.com/v1/token', credential_source: {file: subject},
    }))
    nock('https://sts.googleapis.com').post('/v1/token', (form: Record<string, string>) => form['subject_token'] === 'oidc-token-of-the-ci')
      .reply(200, {access_token: 'ya29.federated', issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer', expires_in: 3600})
    nock('https://oauth2.googleapis.com').post('/tokeninfo', {access_token: 'ya29.federated'}).reply(200, {aud: 'x', scope: granted, expires_in: '3599', email: 'pool@example.com'})
    const account = await (await open({GOOGLE_APPLICATION_CREDENTIALS: adc})).signIn.withAdc()
    assert.deepEqual([account.kind, account.email], ['adc', 'pool@example.com'])
    assert.equal(await (await open()).token(), 'ya29.federated')
  })
})
