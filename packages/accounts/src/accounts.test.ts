import assert from 'node:assert/strict'
import {readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {scopes} from '@cgpu/core/google/scopes'
import {type AccountsBed, accountsBed, agree, refusal} from '../../../test/helpers/accounts-bed.ts'

describe('accounts', () => {
  let bed: AccountsBed
  beforeEach(async () => {
    bed = await accountsBed()
  })
  afterEach(() => bed.remove())

  /** A second account. */
  const signInYou = async () => {
    bed.google.email = 'you@example.com'
    return bed.signIn()
  }

  it('says that nobody is signed in', async () => {
    const accounts = await bed.open()
    await assert.rejects(accounts.current(), refusal('SIGN_IN_REQUIRED', 67))
    await assert.rejects(accounts.token(), refusal('SIGN_IN_REQUIRED', 67))
    await assert.rejects(accounts.inspect(), refusal('SIGN_IN_REQUIRED', 67))
    assert.deepEqual(await accounts.list(), [])
  })

  it('signs in over loopback, and the next process has the account and its token', async () => {
    const account = await bed.signIn()
    assert.deepEqual([account.id, account.kind, account.name], ['google:me@example.com', 'oauth', 'Me Myself'])
    const next = await bed.open()
    assert.deepEqual(await next.current(), account)
    assert.equal(await next.token({scopes: [scopes.colab]}), 'access-1')
    assert.equal(bed.tokenRequests(), 1)
  })

  it('asks for a code with PKCE, and never shows the verifier to the browser', async () => {
    const pages: URL[] = []
    await bed.signIn(undefined, {onPage: ({url}) => {
      pages.push(new URL(url))
      void agree(url)
    }})
    const asked = pages[0]!.searchParams
    assert.match(asked.get('redirect_uri') ?? '', /^http:\/\/127\.0\.0\.1:\d+\/callback\/[0-9a-f]{12}$/)
    assert.deepEqual([asked.get('code_challenge_method'), asked.get('access_type'), asked.get('response_type')], ['S256', 'offline', 'code'])
    const {form} = bed.google.requests.find(({path}) => path === '/token')!
    assert.ok((form.get('code_verifier') ?? '').length >= 43)
    assert.deepEqual([form.get('redirect_uri'), form.get('code')], [asked.get('redirect_uri'), 'a-code'])
    assert.doesNotMatch(pages[0]!.href, new RegExp(form.get('code_verifier')!))
  })

  it('keeps no secret in accounts.json, and secrets in files that nobody else may read', async () => {
    await bed.signIn()
    assert.doesNotMatch(await readFile(join(bed.configDir, 'accounts.json'), 'utf8'), /refresh-1|access-1/)
    assert.match(await readFile(join(bed.configDir, 'secrets.json'), 'utf8'), /refresh-1/)
    const tokens = join(bed.stateDir, 'tokens')
    const files = [join(bed.configDir, 'secrets.json'), join(bed.configDir, 'accounts.json'), ...(await readdir(tokens)).map((name) => join(tokens, name))]
    for (const path of files) assert.equal((await stat(path)).mode & 0o777, 0o600, path)
    for (const path of [bed.configDir, tokens]) assert.equal((await stat(path)).mode & 0o777, 0o700, path)
  })

  it('gets another token once the server refused one', async () => {
    await bed.signIn()
    const accounts = await bed.open()
    const first = await accounts.token()
    assert.equal(await accounts.token({refused: first}), 'access-2')
    assert.equal(await accounts.token(), 'access-2')
    assert.equal(await (await bed.open()).token({refused: first}), 'access-2')
    assert.equal(bed.tokenRequests(), 2)
  })

  it('gets one token for all who ask at once', async () => {
    await bed.signIn()
    const accounts = await bed.open()
    const first = await accounts.token()
    const all = await Promise.all(Array.from({length: 8}, () => accounts.token({refused: first})))
    assert.deepEqual([...new Set(all)], ['access-2'])
    assert.equal(bed.tokenRequests(), 2)
  })

  it('renews a token that others could have read', async () => {
    await bed.signIn()
    const [name] = await readdir(join(bed.stateDir, 'tokens'))
    const path = join(bed.stateDir, 'tokens', name!)
    await writeFile(path, await readFile(path), {mode: 0o644})
    const {chmod} = await import('node:fs/promises')
    await chmod(path, 0o644)
    assert.equal(await (await bed.open()).token(), 'access-2')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('lets several accounts be signed in; the last one counts, until another is switched to', async () => {
    await bed.signIn()
    await signInYou()
    assert.equal((await (await bed.open()).current()).email, 'you@example.com')
    await (await bed.open()).use('ME@example.com')
    const accounts = await bed.open()
    assert.deepEqual((await accounts.list()).map(({email}) => email), ['me@example.com', 'you@example.com'])
    assert.equal(await accounts.token({account: 'you@example.com'}), 'access-2')
    assert.equal((await (await bed.open({}, {flags: {account: 'google:you@example.com'}})).current()).email, 'you@example.com')
    assert.equal((await (await bed.open({CGPU_ACCOUNT: 'you@example.com'})).current()).email, 'you@example.com')
  })

  it('says which account was meant', async () => {
    await bed.signIn()
    await assert.rejects((await bed.open()).use('me@exmaple.com'), refusal('UNKNOWN_ACCOUNT', 67, /did you mean "me@example\.com"/))
    await assert.rejects((await bed.open()).use('somebody@else.org'), refusal('UNKNOWN_ACCOUNT', 67, /login --account somebody@else\.org/))
  })

  it('names the command that asks for a scope that was not granted', async () => {
    await bed.signIn()
    await assert.rejects((await bed.open()).token({scopes: [scopes.drive]}), refusal('SCOPE_MISSING', 67, /login --account me@example\.com --scopes drive/))
  })

  it('asks for more scopes without losing those that were granted', async () => {
    await bed.signIn()
    bed.google.scopes.push(scopes.drive)
    const pages: URLSearchParams[] = []
    await bed.signIn(undefined, {scopes: [scopes.drive], onPage: ({url}) => {
      pages.push(new URL(url).searchParams)
      void agree(url)
    }})
    assert.deepEqual([pages[0]!.get('login_hint'), pages[0]!.get('include_granted_scopes')], ['me@example.com', 'true'])
    assert.ok(await (await bed.open()).token({scopes: [scopes.driveFile]}))
  })

  it('asks who signs in again for what they allowed before', async () => {
    bed.google.scopes.push(scopes.drive)
    await bed.signIn(undefined, {scopes: [scopes.drive]})
    const pages: URLSearchParams[] = []
    await bed.signIn(undefined, {account: 'me@example.com', onPage: ({url}) => {
      pages.push(new URL(url).searchParams)
      void agree(url)
    }})
    assert.ok(pages[0]!.get('scope')?.split(' ').includes(scopes.drive))
    assert.equal(pages[0]!.get('scope')?.split(' ').length, 5)
  })

  it('keeps nothing when the box for Colab was not ticked', async () => {
    bed.google.scopes = bed.google.scopes.filter((one) => one !== scopes.colab)
    await assert.rejects(bed.signIn(), refusal('SCOPES_NOT_GRANTED', 67, /colaboratory[\s\S]*box for Colab/))
    assert.deepEqual(await (await bed.open()).list(), [])
    assert.equal(bed.google.requests.at(-1)?.path, '/revoke')
  })

  it('stays signed in when a further box was not ticked', async () => {
    await bed.signIn()
    await assert.rejects(bed.signIn(undefined, {scopes: [scopes.drive]}), refusal('SCOPES_NOT_GRANTED', 67, /drive/))
    assert.ok(!bed.google.requests.some(({path}) => path === '/revoke'), 'revoking would end the sign-in that there is')
    assert.ok(await (await bed.open()).token({scopes: [scopes.colab], refused: 'access-1'}))
  })

  it('traces each request without a secret', async () => {
    const lines: string[] = []
    const trace = (line: string): void => void lines.push(line)
    await bed.signIn(await bed.open({}, {trace}))
    await (await bed.open({}, {trace})).token({refused: 'access-1'})
    await (await bed.open({}, {trace})).signOut({})
    assert.deepEqual(lines.map((line) => line.replace(/127\.0\.0\.1:\d+|\d+ ms/g, '')), ['POST /token 200 ', 'GET /oauth2/v2/userinfo 200 ', 'POST /token 200 ', 'POST /revoke 200 '])
    assert.doesNotMatch(lines.join(), /access-|refresh-|a-code/)
  })

  it('shows who is signed in without asking Google', async () => {
    await bed.signIn()
    const before = bed.google.requests.length
    const status = await (await bed.open()).inspect()
    assert.deepEqual([status.active, status.state, status.store], [true, 'signed-in', join(bed.configDir, 'secrets.json')])
    assert.ok(Math.abs(Date.parse(status.tokenExpiresAt ?? '') - Date.now() - 3_599_000) < 10_000)
    assert.equal(bed.google.requests.length, before)
  })

  it('sends an account of one host to no other', async () => {
    await bed.signIn()
    const other = await accountsBed()
    try {
      const accounts = await bed.open({CGPU_COLAB_EMULATOR: other.google.url})
      await assert.rejects(accounts.token(), refusal('SIGN_IN_REQUIRED', 67))
      await assert.rejects((await bed.open({CGPU_COLAB_EMULATOR: ''})).token(), refusal('SIGN_IN_REQUIRED', 67))
      assert.deepEqual(other.google.requests, [])
    } finally {
      await other.remove()
    }
  })

  it('wants an OAuth client where Google itself is asked', async () => {
    await assert.rejects(bed.signIn(await bed.open({CGPU_COLAB_EMULATOR: ''})), refusal('CLIENT_CONFIG_REQUIRED', 64, /docs\/colab\.md.*--client-config FILE/))
  })

  it('remembers the OAuth client of an account, its secret apart', async () => {
    const path = join(bed.configDir, '..', 'client.json')
    await writeFile(path, JSON.stringify({installed: {client_id: 'my-client', client_secret: 'my-client-secret', redirect_uris: ['http://localhost']}}))
    await bed.signIn(undefined, {clientConfig: path})
    await bed.signIn()
    const codes = bed.google.requests.filter(({path: at}) => at === '/token').map(({form}) => [form.get('client_id'), form.get('client_secret')])
    assert.deepEqual(codes, [['my-client', 'my-client-secret'], ['my-client', 'my-client-secret']])
    assert.doesNotMatch(await readFile(join(bed.configDir, 'accounts.json'), 'utf8'), /my-client-secret/)
  })

  describe('CGPU_TOKEN', () => {
    it('is taken as it is; whose it is, is asked once', async () => {
      const accounts = await bed.open({CGPU_TOKEN: 'from-the-environment'})
      assert.equal(await accounts.token(), 'from-the-environment')
      assert.equal(bed.google.requests.length, 0)
      assert.deepEqual([(await accounts.current()).email, (await accounts.current()).kind], ['me@example.com', 'token'])
      await (await bed.open({CGPU_TOKEN: 'from-the-environment'})).current()
      assert.deepEqual(bed.google.requests.map(({path, query}) => [path, query.size]), [['/tokeninfo', 0]])
    })

    it('is never written to disk', async () => {
      await (await bed.open({CGPU_TOKEN: 'from-the-environment'})).current()
      for (const name of await readdir(bed.stateDir, {recursive: true, withFileTypes: true})) {
        if (name.isFile()) assert.doesNotMatch(await readFile(join(name.parentPath, name.name), 'utf8'), /from-the-environment/)
      }
    })

    it('is stronger than who is signed in, and weaker than an account that is named', async () => {
      await bed.signIn()
      await signInYou()
      bed.google.email = 'ci@example.com'
      const env = {CGPU_TOKEN: 'from-the-environment'}
      assert.equal((await (await bed.open(env)).current()).email, 'ci@example.com')
      assert.equal(await (await bed.open(env, {flags: {account: 'me@example.com'}})).token(), 'access-1')
      assert.equal(await (await bed.open(env, {flags: {account: 'ci@example.com'}})).token(), 'from-the-environment')
      assert.deepEqual((await (await bed.open(env)).list()).map(({email}) => email), ['ci@example.com', 'you@example.com', 'me@example.com'])
    })

    it('works where nothing can be written', async () => {
      await writeFile(bed.stateDir, 'a file in its place')
      const accounts = await bed.open({CGPU_TOKEN: 'from-the-environment'})
      assert.equal((await accounts.current()).email, 'me@example.com')
      assert.equal(await accounts.token(), 'from-the-environment')
    })

    it('cannot be renewed', async () => {
      const accounts = await bed.open({CGPU_TOKEN: 'from-the-environment'})
      await assert.rejects(accounts.token({refused: 'from-the-environment'}), refusal('SIGN_IN_EXPIRED', 67, /CGPU_TOKEN/))
    })

    for (const bad of ['two words', 'a\nb', 'é']) {
      it(`is refused when it is ${JSON.stringify(bad)}`, async () => {
        await assert.rejects((await bed.open({CGPU_TOKEN: bad})).token(), refusal('INVALID_TOKEN', 64))
      })
    }
  })

  describe('signing out', () => {
    it('revokes the sign-in and leaves nothing of it', async () => {
      await bed.signIn()
      assert.deepEqual(await (await bed.open()).signOut({}), [{id: 'google:me@example.com', email: 'me@example.com', revoked: true}])
      assert.equal(bed.google.requests.at(-1)?.form.get('token'), 'refresh-1')
      assert.equal(bed.google.requests.at(-1)?.query.size, 0)
      await assert.rejects((await bed.open()).token(), refusal('SIGN_IN_REQUIRED', 67))
      const files = (await Promise.all([bed.configDir, bed.stateDir].map((folder) => readdir(folder, {recursive: true, withFileTypes: true})))).flat().filter((one) => one.isFile())
      for (const {parentPath, name} of files) assert.doesNotMatch(await readFile(join(parentPath, name), 'utf8'), /refresh-1|access-1/, name)
    })

    it('takes one account by its name, or all of them', async () => {
      await bed.signIn()
      await signInYou()
      await (await bed.open()).signOut({name: 'me@example.com'})
      assert.deepEqual((await (await bed.open()).list()).map(({email}) => email), ['you@example.com'])
      bed.google.refreshTokens.add('refresh-1')
      assert.equal((await (await bed.open()).signOut({all: true})).length, 1)
      assert.deepEqual(await (await bed.open()).signOut({all: true}), [])
    })

    it('works without a network, and says what is left to do', async () => {
      await bed.signIn()
      const url = bed.google.url
      await bed.google.close()
      const accounts = await bed.open({CGPU_COLAB_EMULATOR: url}, {patience: {attempts: 1, budgetMs: 0, now: () => 0, pause: async () => {}}})
      assert.deepEqual((await accounts.signOut({})).map(({revoked}) => revoked), [false])
      assert.match(bed.warnings.join(), /could not be revoked.*myaccount\.google\.com/)
      assert.deepEqual(await accounts.list(), [])
    })
  })
})
