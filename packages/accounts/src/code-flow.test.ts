import assert from 'node:assert/strict'
import {type AccountsBed, accountsBed, agree, refusal} from '../../../test/helpers/accounts-bed.ts'

describe('signing in with a code', () => {
  let bed: AccountsBed
  beforeEach(async () => {
    bed = await accountsBed()
  })
  afterEach(() => bed.remove())

  it('declined on the page: says so at once', async () => {
    const denied = bed.signIn(undefined, {onPage: ({url}) => void agree(url, {error: 'access_denied', code: ''})})
    await assert.rejects(denied, refusal('SIGN_IN_DENIED', 67))
    assert.deepEqual(await (await bed.open()).list(), [])
  })

  it('another error of the page is named', async () => {
    await assert.rejects(bed.signIn(undefined, {onPage: ({url}) => void agree(url, {error: 'admin_policy_enforced', code: ''})}), refusal('SIGN_IN_REFUSED', 67, /admin_policy_enforced/))
  })

  it('takes the answer of another issuer for an attack', async () => {
    await assert.rejects(bed.signIn(undefined, {onPage: ({url}) => void agree(url, {iss: 'https://evil.example'})}), refusal('SIGN_IN_REFUSED', 67))
    assert.equal(bed.tokenRequests(), 0)
    await bed.signIn(undefined, {onPage: ({url}) => void agree(url, {iss: bed.google.url})})
  })

  it('a stranger who calls first changes nothing', async () => {
    const account = await bed.signIn(undefined, {onPage: ({url}) => void (async () => {
      assert.equal((await agree(url, {state: 'guessed', code: 'of a stranger'})).status, 400)
      assert.equal((await agree(url)).status, 200)
    })()})
    assert.equal(account.email, 'me@example.com')
    assert.equal(bed.google.requests.find(({path}) => path === '/token')?.form.get('code'), 'a-code')
  })

  it('can be finished by pasting the address', async () => {
    const account = await bed.signIn(undefined, {onPage: ({url, offer}) => {
      const asked = new URL(url).searchParams
      assert.equal(offer(`${asked.get('redirect_uri')}?state=${asked.get('state')}&code=a-code&scope=x`), undefined)
    }})
    assert.equal(account.email, 'me@example.com')
  })

  it('a code is sent once, also when the token endpoint fails', async () => {
    bed.google.handler = ({path}) => (path === '/token' ? {status: 503, body: {}} : undefined)
    await assert.rejects(bed.signIn(), refusal('UNEXPECTED_ANSWER', 69))
    assert.equal(bed.tokenRequests(), 1)
  })

  it('a refused code, a portal and an endpoint that is gone are explained', async () => {
    bed.google.handler = ({path}) => (path === '/token' ? {status: 400, body: {error: 'invalid_grant', error_description: 'Malformed auth code.'}} : undefined)
    await assert.rejects(bed.signIn(), refusal('SIGN_IN_REFUSED', 67, /Malformed auth code/))
    bed.google.handler = ({path}) => (path === '/token' ? {body: '<html>Welcome</html>'} : undefined)
    await assert.rejects(bed.signIn(), refusal('CAPTIVE_PORTAL', 69))
    bed.google.handler = ({path}) => (path === '/token' ? {status: 302, headers: {location: 'https://evil.example/'}} : undefined)
    await assert.rejects(bed.signIn(), refusal('REDIRECTED', 69))
    assert.deepEqual(await (await bed.open()).list(), [])
  })

  it('without a refresh token is no sign-in', async () => {
    bed.google.handler = ({path}) => (path === '/token' ? {body: {access_token: 'a', expires_in: 3599, scope: bed.google.scopes.join(' '), token_type: 'Bearer'}} : undefined)
    await assert.rejects(bed.signIn(), refusal('SIGN_IN_REFUSED', 67, /no refresh token[\s\S]*myaccount\.google\.com/))
  })

  it('says when another account signed in than was asked for', async () => {
    await bed.signIn(undefined, {account: 'you@example.com'})
    assert.match(bed.warnings.join(), /me@example\.com signed in, not you@example\.com/)
  })

  it('ends when it is told to', async () => {
    const controller = new AbortController()
    await assert.rejects(bed.signIn(undefined, {signal: controller.signal, onPage: () => controller.abort(new Error('Ctrl-C'))}), /Ctrl-C/)
  })
})
