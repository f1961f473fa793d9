import assert from 'node:assert/strict'
import {createHash, generateKeyPairSync, randomUUID, sign} from 'node:crypto'
import {scopes} from '@cgpu/core/google/scopes'
import {startControl, type TestControl} from '../../../../test/helpers/control-plane.ts'

const verifier = 'v'.repeat(50)
const challenge = createHash('sha256').update(verifier).digest('base64url')
const redirect = 'http://127.0.0.1:39999/callback'
const colab = scopes.colab

const request = (changes: Record<string, string | undefined> = {}): string => {
  const parameters = {
    client_id: 'client', redirect_uri: redirect, response_type: 'code', scope: `email profile ${colab}`, state: 'the state',
    code_challenge: challenge, code_challenge_method: 'S256', access_type: 'offline', prompt: 'consent', login_hint: 'me@example.com', ...changes,
  }
  return `/o/oauth2/v2/auth?${new URLSearchParams(Object.entries(parameters).filter((one): one is [string, string] => one[1] !== undefined)).toString()}`
}

/** Answers a consent page as its form would. */
async function answer(control: TestControl, path: string, decision: 'allow' | 'deny', untick: string[] = []): Promise<URL> {
  const html = await (await fetch(control.url + path)).text()
  const csrf = /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? ''
  const ticked = [...html.matchAll(/name="scope" value="([^"]+)" checked/g)].map((match) => match[1] ?? '').filter((one) => !untick.includes(one))
  const body = new URLSearchParams([['csrf', csrf], ['decision', decision], ...ticked.map((one): [string, string] => ['scope', one])])
  const response = await fetch(`${control.url}/o/oauth2/consent`, {method: 'POST', body, redirect: 'manual'})
  assert.equal(response.status, 302, await response.text())
  return new URL(response.headers.get('location') ?? '')
}

interface TokenReply { access_token: string; refresh_token: string; scope: string; expires_in: number; token_type: string; id_token?: string; error?: string; error_description?: string; error_subtype?: string }

async function token(control: TestControl, form: Record<string, string>): Promise<TokenReply & {status: number}> {
  const response = await fetch(`${control.url}/token`, {method: 'POST', body: new URLSearchParams({client_id: 'client', ...form})})
  return {...await response.json() as TokenReply, status: response.status}
}

const redeem = (control: TestControl, code: string, changes: Record<string, string> = {}): Promise<TokenReply & {status: number}> =>
  token(control, {grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirect, ...changes})

const signIn = async (control: TestControl, changes: Record<string, string | undefined> = {}): Promise<TokenReply & {status: number}> =>
  redeem(control, (await answer(control, request(changes), 'allow')).searchParams.get('code') ?? '')

describe('sign-in', () => {
  let control: TestControl
  const start = async (config: Parameters<typeof startControl>[0] = {}): Promise<void> => {
    await control.stop()
    control = await startControl(config)
  }
  beforeEach(async () => { control = await startControl() })
  afterEach(() => control.stop())

  it('gives a code for consent, tokens for the code, and the profile for a token', async () => {
    const back = await answer(control, request(), 'allow')
    assert.equal(back.origin + back.pathname, redirect)
    assert.equal(back.searchParams.get('state'), 'the state')
    assert.equal(back.searchParams.get('iss'), control.url)
    const tokens = await redeem(control, back.searchParams.get('code') ?? '')
    assert.equal(tokens.status, 200)
    assert.equal(tokens.token_type, 'Bearer')
    assert.equal(tokens.expires_in, 3600)
    assert.deepEqual(tokens.scope.split(' ').sort(), [colab, scopes.email, scopes.profile, 'openid'].sort())
    assert.ok(tokens.refresh_token)
    const headers = {authorization: `Bearer ${tokens.access_token}`}
    const profile = await control.json('/oauth2/v2/userinfo', {headers})
    assert.deepEqual([profile['email'], profile['name'], profile['verified_email']], ['me@example.com', 'Me Example', true])
    const facts = await (await fetch(`${control.url}/tokeninfo?access_token=${tokens.access_token}`)).json() as Record<string, string>
    assert.deepEqual([facts['email'], facts['aud'], facts['scope']], ['me@example.com', 'client', tokens.scope])
    assert.equal((await control.call('/v1/user-info', {headers})).status, 200)
    const claims = JSON.parse(Buffer.from(tokens.id_token?.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
    assert.deepEqual([claims['iss'], claims['aud'], claims['email']], [control.url, 'client', 'me@example.com'])
  })

  it('lets the person choose an account when nothing says which', async () => {
    const html = await (await fetch(control.url + request({login_hint: undefined}))).text()
    for (const email of ['me@', 'free@', 'denied@']) assert.ok(html.includes(`${email}example.com)</a>`))
    const link = /href="([^"]*chosen=free[^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    assert.match(await (await fetch(control.url + link)).text(), /<strong>free@example.com<\/strong>/)
    assert.match(await (await fetch(control.url + request({prompt: 'select_account'}))).text(), /Choose an account/)
  })

  it('says access_denied for a refusal, and leaves out what was unticked', async () => {
    const refused = await answer(control, request(), 'deny')
    assert.deepEqual([refused.searchParams.get('error'), refused.searchParams.get('state'), refused.searchParams.get('code')], ['access_denied', 'the state', null])
    const partly = await answer(control, request(), 'allow', [colab])
    const tokens = await redeem(control, partly.searchParams.get('code') ?? '')
    assert.ok(!tokens.scope.includes(colab))
    assert.equal((await control.call('/v1/user-info', {headers: {authorization: `Bearer ${tokens.access_token}`}})).status, 403)
  })

  const wrong: [string, Record<string, string | undefined>, string][] = [
    ['no client', {client_id: ''}, 'invalid_client'],
    ['a redirect to elsewhere', {redirect_uri: 'https://evil.example/'}, 'redirect_uri_mismatch'],
    ['a redirect that only begins as loopback', {redirect_uri: 'http://127.0.0.1.evil.example/'}, 'redirect_uri_mismatch'],
    ['a redirect by https to loopback', {redirect_uri: 'https://127.0.0.1:1/'}, 'redirect_uri_mismatch'],
    ['the dead out-of-band redirect', {redirect_uri: 'urn:ietf:wg:oauth:2.0:oob'}, 'redirect_uri_mismatch'],
    ['an implicit grant', {response_type: 'token'}, 'unsupported_response_type'],
    ['no PKCE', {code_challenge: undefined}, 'invalid_request'],
    ['plain PKCE', {code_challenge_method: 'plain'}, 'invalid_request'],
    ['no scope', {scope: ''}, 'invalid_scope'],
    ['a scope of nobody', {scope: 'everything'}, 'invalid_scope'],
  ]
  for (const [what, changes, error] of wrong) {
    it(`refuses ${what} on a page, without a redirect`, async () => {
      const response = await fetch(control.url + request(changes), {redirect: 'manual'})
      assert.equal(response.status, 400)
      assert.ok((await response.text()).includes(error))
    })
  }

  it('takes a consent form once, and only its own', async () => {
    const html = await (await fetch(control.url + request())).text()
    const csrf = /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? ''
    const post = (value: string): Promise<Response> => fetch(`${control.url}/o/oauth2/consent`, {method: 'POST', body: new URLSearchParams({csrf: value, decision: 'allow'}), redirect: 'manual'})
    assert.equal((await post('made-up')).status, 400)
    assert.equal((await post(csrf)).status, 302)
    assert.equal((await post(csrf)).status, 400)
  })

  it('revokes everything when a code is used twice', async () => {
    const code = (await answer(control, request(), 'allow')).searchParams.get('code') ?? ''
    const tokens = await redeem(control, code)
    assert.equal((await redeem(control, code)).error, 'invalid_grant')
    assert.equal((await control.call('/v1/user-info', {headers: {authorization: `Bearer ${tokens.access_token}`}})).status, 401)
    assert.equal((await token(control, {grant_type: 'refresh_token', refresh_token: tokens.refresh_token})).error, 'invalid_grant')
  })

  it('redeems a code for its own client, redirect and verifier only, for ten minutes', async () => {
    const fresh = async (): Promise<string> => (await answer(control, request(), 'allow')).searchParams.get('code') ?? ''
    assert.equal((await redeem(control, await fresh(), {client_id: 'other'})).error, 'invalid_grant')
    assert.equal((await redeem(control, await fresh(), {redirect_uri: 'http://127.0.0.1:1/'})).error, 'redirect_uri_mismatch')
    assert.equal((await redeem(control, await fresh(), {code_verifier: 'w'.repeat(50)})).error, 'invalid_grant')
    const code = await fresh()
    await control.world.advance(600_000)
    assert.equal((await redeem(control, code)).error, 'invalid_grant')
  })

  it('refreshes, until revoked', async () => {
    const {refresh_token, access_token} = await signIn(control)
    const again = await token(control, {grant_type: 'refresh_token', refresh_token})
    assert.notEqual(again.access_token, access_token)
    assert.equal(again.refresh_token, undefined)
    assert.equal((await token(control, {grant_type: 'refresh_token', refresh_token, client_id: 'other'})).error, 'invalid_grant')
    assert.equal((await fetch(`${control.url}/revoke`, {method: 'POST', body: new URLSearchParams({token: again.access_token})})).status, 200)
    assert.equal((await token(control, {grant_type: 'refresh_token', refresh_token})).error, 'invalid_grant')
    assert.equal((await fetch(`${control.url}/revoke`, {method: 'POST', body: new URLSearchParams({token: again.access_token})})).status, 400)
    assert.equal((await fetch(`${control.url}/tokeninfo?access_token=${again.access_token}`)).status, 400)
  })

  it('expires access tokens by its clock', async () => {
    const {access_token} = await signIn(control)
    const status = async (): Promise<number> => (await control.call('/v1/user-info', {headers: {authorization: `Bearer ${access_token}`}})).status
    await control.world.advance(3_590_000)
    assert.equal(await status(), 200)
    await control.world.advance(10_000)
    assert.equal(await status(), 401)
  })

  it('rotates refresh tokens, and revokes the grant when an old one comes back', async () => {
    await start({rotateRefreshTokens: true})
    const {refresh_token: first} = await signIn(control)
    const {refresh_token: second} = await token(control, {grant_type: 'refresh_token', refresh_token: first})
    assert.notEqual(second, first)
    assert.equal((await token(control, {grant_type: 'refresh_token', refresh_token: first})).error, 'invalid_grant')
    assert.equal((await token(control, {grant_type: 'refresh_token', refresh_token: second})).error, 'invalid_grant')
  })

  it('names invalid_rapt when the person must sign in anew', async () => {
    const {refresh_token} = await signIn(control)
    control.world.setAccount('me@example.com', {reauth: true})
    const refused = await token(control, {grant_type: 'refresh_token', refresh_token})
    assert.deepEqual([refused.status, refused.error, refused.error_subtype], [400, 'invalid_grant', 'invalid_rapt'])
  })

  it('asks again only for what is new, and adds it to what was granted', async () => {
    await signIn(control)
    const silent = await fetch(control.url + request({prompt: undefined}), {redirect: 'manual'})
    assert.equal(silent.status, 302)
    const more = {prompt: undefined, scope: scopes.driveFile, include_granted_scopes: 'true'}
    const tokens = await signIn(control, more)
    assert.ok(tokens.scope.includes(colab) && tokens.scope.includes(scopes.driveFile))
    const alone = await signIn(control, {...more, scope: scopes.drive, include_granted_scopes: undefined})
    assert.equal(alone.scope, scopes.drive)
  })

  it('answers prompt=none without a page', async () => {
    const location = async (changes: Record<string, string | undefined>): Promise<URL> =>
      new URL((await fetch(control.url + request({prompt: 'none', ...changes}), {redirect: 'manual'})).headers.get('location') ?? '')
    assert.equal((await location({login_hint: undefined})).searchParams.get('error'), 'login_required')
    assert.equal((await location({})).searchParams.get('error'), 'consent_required')
    await signIn(control)
    assert.ok((await location({})).searchParams.has('code'))
  })

  it('checks clients that are registered', async () => {
    await start({clients: [{id: 'client', secret: 'right', pkce: 'optional', redirectUris: ['https://app.example/back']}]})
    assert.equal((await fetch(control.url + request({client_id: 'other'}))).status, 400)
    const code = (await answer(control, request({code_challenge: undefined, code_challenge_method: undefined, redirect_uri: 'https://app.example/back'}), 'allow')).searchParams.get('code') ?? ''
    const own = {redirect_uri: 'https://app.example/back'}
    assert.deepEqual([(await redeem(control, code, own)).status, (await redeem(control, code, {...own, client_secret: 'wrong'})).error], [401, 'invalid_client'])
    const basic = await fetch(`${control.url}/token`, {
      method: 'POST', headers: {authorization: `Basic ${Buffer.from('client:right').toString('base64')}`},
      body: new URLSearchParams({grant_type: 'authorization_code', code, ...own}),
    })
    assert.equal(basic.status, 200)
  })

  it('shows the code to copy on landing pages', async () => {
    const landing = 'https://sdk.cloud.google.com/applicationdefaultauthcode.html'
    const path = request({redirect_uri: landing, code_challenge: undefined, code_challenge_method: undefined, token_usage: 'remote'})
    const csrf = /name="csrf" value="([^"]+)"/.exec(await (await fetch(control.url + path)).text())?.[1] ?? ''
    const shown = await (await fetch(`${control.url}/o/oauth2/consent`, {method: 'POST', body: new URLSearchParams({csrf, decision: 'allow'})})).text()
    const code = /<code>(4\/emu-[^<]+)</.exec(shown)?.[1] ?? ''
    assert.equal((await redeem(control, code, {redirect_uri: landing})).status, 200)
    const own = await answer(control, request({redirect_uri: `${control.url}/vscode/redirect`}), 'allow')
    assert.match(await (await fetch(own)).text(), /4\/emu-/)
  })

  it('signs service accounts in by a JWT', async () => {
    const {publicKey, privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048})
    const email = 'robot@project.iam.example.com'
    await start({serviceAccounts: [{email, publicKey: publicKey.export({type: 'spki', format: 'pem'}).toString()}]})
    const assertion = (changes: Record<string, unknown> = {}, key = privateKey): string => {
      const now = Math.floor(Date.now() / 1000)
      const claims = {iss: email, scope: `${scopes.email} ${colab}`, aud: `${control.url}/token`, iat: now, exp: now + 3600, jti: randomUUID(), ...changes}
      const text = [{alg: 'RS256', typ: 'JWT'}, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
      return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`
    }
    const by = (jwt: string): Promise<TokenReply & {status: number}> => token(control, {grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: jwt})
    const tokens = await by(assertion())
    assert.equal((await control.call('/v1/user-info', {headers: {authorization: `Bearer ${tokens.access_token}`}})).status, 200)
    assert.equal((await by(assertion({}, generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey))).error, 'invalid_grant')
    assert.equal((await by(assertion({iss: 'nobody@example.com'}))).error, 'invalid_grant')
    assert.equal((await by(assertion({iat: 1, exp: 2}))).error, 'invalid_grant')
    assert.equal((await by(assertion({aud: 'https://elsewhere.example/token'}))).error, 'invalid_request')
    assert.equal((await by('not a jwt')).error, 'invalid_grant')
  })

  it('publishes what OpenID clients discover', async () => {
    const found = await (await fetch(`${control.url}/.well-known/openid-configuration`)).json() as Record<string, string>
    assert.equal(found['issuer'], control.url)
    const keys = await (await fetch(found['jwks_uri'] ?? '')).json() as {keys: {kty: string}[]}
    assert.equal(keys.keys[0]?.kty, 'RSA')
  })
})
