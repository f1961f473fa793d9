import assert from 'node:assert/strict'
import {startControl, type TestControl} from '../../../../test/helpers/control-plane.ts'

const nbh = (n: number): string => `${String(n).padStart(8, '0')}_1234_4234_9234_123456789abc`.padEnd(44, '.')
const tunnelled = {'x-colab-tunnel': 'Google'}

describe('dialect T', () => {
  let control: TestControl
  const start = async (config: Parameters<typeof startControl>[0]): Promise<void> => {
    await control.stop()
    control = await startControl(config)
  }
  const pair = async (path: string, as?: string): Promise<Response> => {
    const {token} = await control.json(path, {...(as !== undefined && {as})})
    return control.call(path, {method: 'POST', headers: {'x-goog-colab-token': String(token)}, ...(as !== undefined && {as})})
  }
  const assign = async (n: number, query = '', as?: string): Promise<string> => {
    const text = await (await pair(`/tun/m/assign?nbh=${nbh(n)}${query}`, as)).text()
    return (JSON.parse(text.slice(5)) as {endpoint: string}).endpoint
  }
  beforeEach(async () => { control = await startControl() })
  afterEach(() => control.stop())

  it('assigns by GET and POST, lists, and unassigns', async () => {
    const path = `/tun/m/assign?nbh=${nbh(1)}&variant=GPU&accelerator=T4&authuser=0`
    const {token, ...offer} = await control.json(path)
    assert.deepEqual(offer, {acc: 'T4', nbh: nbh(1), p: false, variant: 'GPU'})
    const {runtimeProxyInfo, endpoint, ...made} = await control.json(path, {method: 'POST', headers: {'x-goog-colab-token': String(token)}})
    assert.deepEqual(made, {accelerator: 'T4', fit: 5400, allowedCredentials: true, sub: 2, subTier: 1, variant: 1, machineShape: 0, outcome: 4})
    assert.match(String(endpoint), /^gpu-t4-s-/)
    const proxy = runtimeProxyInfo as {token: string; tokenExpiresInSeconds: number; url: string}
    assert.equal(proxy.tokenExpiresInSeconds, 3600)
    assert.equal(control.world.checkToken(String(endpoint), 8080, proxy.token), 'ok')
    const listed = await control.json('/tun/m/assignments')
    assert.deepEqual((listed['assignments'] as {endpoint: string}[]).map((one) => one.endpoint), [endpoint])
    assert.equal((await pair(`/tun/m/unassign/${String(endpoint)}`)).status, 204)
    assert.deepEqual(await control.json('/tun/m/assignments'), {assignments: []})
    await assert.rejects(fetch(proxy.url))
    assert.equal((await control.call(`/tun/m/unassign/${String(endpoint)}`)).status, 404)
  })

  it('answers the second GET for a notebook with its machine', async () => {
    const endpoint = await assign(1, '&accelerator=T4')
    const known = await control.json(`/tun/m/assign?nbh=${nbh(1)}&variant=GPU&accelerator=T4`)
    assert.equal(known['endpoint'], endpoint)
    assert.ok(!('outcome' in known) && !('token' in known))
    await control.world.reclaim(endpoint)
    assert.ok('token' in await control.json(`/tun/m/assign?nbh=${nbh(1)}`))
  })

  it('keeps a machine whose client went away before the answer', async () => {
    let began = (): void => undefined
    let go = (): void => undefined
    const begun = new Promise<void>((resolve) => { began = resolve })
    const gate = new Promise<void>((resolve) => { go = resolve })
    const startMachine = control.host.start.bind(control.host)
    control.host.start = async (spec) => {
      began()
      await gate
      return startMachine(spec)
    }
    const path = `/tun/m/assign?nbh=${nbh(1)}`
    const {token} = await control.json(path)
    const aborter = new AbortController()
    const posted = control.call(path, {method: 'POST', headers: {'x-goog-colab-token': String(token)}, signal: aborter.signal})
    await begun
    assert.deepEqual(await control.json('/tun/m/assignments'), {assignments: []})
    aborter.abort()
    await assert.rejects(posted, {name: 'AbortError'})
    go()
    const again = await (await control.call(path, {method: 'POST', headers: {'x-goog-colab-token': String(token)}})).text()
    const {assignments} = await control.json('/tun/m/assignments') as {assignments: {endpoint: string}[]}
    assert.deepEqual(assignments.map((one) => one.endpoint), [(JSON.parse(again.slice(5)) as {endpoint: string}).endpoint])
    assert.equal(control.host.specs.length, 1)
  })

  it('takes both ways to ask for no accelerator', async () => {
    for (const query of ['', '&variant=DEFAULT&accelerator=NONE']) {
      const {acc, variant} = await control.json(`/tun/m/assign?nbh=${nbh(1)}${query}`)
      assert.deepEqual([acc, variant], ['NONE', 'DEFAULT'])
    }
  })

  it('gives high memory when asked, and where there is no other', async () => {
    const shapes = []
    for (const [n, query] of ['&shape=hm', '&variant=GPU&accelerator=L4', '&variant=GPU&accelerator=A100'].entries()) {
      const body = await (await pair(`/tun/m/assign?nbh=${nbh(n)}${query}`)).text()
      shapes.push((JSON.parse(body.slice(5)) as {machineShape: number}).machineShape)
    }
    assert.deepEqual(shapes, [1, 1, 0])
  })

  it('refuses by outcome and by status', async () => {
    const outcomes: [string, number, number?][] = [['quota', 200, 1], ['usage', 200, 2], ['denylisted', 200, 5], ['400', 400], ['412', 412], ['503', 503]]
    for (const [scripted, status, outcome] of outcomes) {
      control.world.queueAssign([scripted as '503'])
      const response = await pair(`/tun/m/assign?nbh=${nbh(1)}&accelerator=T4`)
      assert.equal(response.status, status)
      const body = await response.text()
      if (outcome === undefined) assert.equal((JSON.parse(body) as {error: {code: number}}).error.code, status)
      else assert.equal(body, `)]}'\n{"outcome":${outcome}}`)
    }
    assert.equal(await assign(2, '', 'denied@example.com'), undefined)
    await start({accounts: [{email: 'me@example.com', maxAssignments: 1}]})
    await assign(1)
    assert.equal((await pair(`/tun/m/assign?nbh=${nbh(2)}`)).status, 412)
  })

  const malformed = ['', 'nbh=short', `nbh=${nbh(1)}&variant=FPGA`, `nbh=${nbh(1)}&accelerator=T4%0A`, `nbh=${nbh(1)}&shape=huge`, `nbh=${nbh(1)}&variant=TPU&accelerator=T4`,
    `nbh=${nbh(1)}&variant=DEFAULT&accelerator=T4`, `nbh=${nbh(1)}&runtime_version_label=1999.01`, `nbh=${nbh(1).replace('1', '/')}`]
  for (const query of malformed) {
    it(`refuses the query "${query}"`, async () => assert.equal((await control.call(`/tun/m/assign?${query}`)).status, 400))
  }

  it('wants an XSRF token of its own path, account and hour, for every POST', async () => {
    const endpoint = await assign(1)
    const path = `/tun/m/unassign/${endpoint}`
    const post = async (token: unknown, to = path, as = 'me@example.com'): Promise<number> =>
      (await control.call(to, {method: 'POST', as, headers: {'x-goog-colab-token': String(token)}})).status
    assert.equal((await control.call(path, {method: 'POST'})).status, 403)
    assert.equal(await post('made.up'), 403)
    const {token} = await control.json(`/tun/m/assign?nbh=${nbh(2)}`)
    assert.equal(await post(token), 403)
    assert.equal(await post(token, `/tun/m/assign?nbh=${nbh(2)}`, 'free@example.com'), 403)
    await control.world.advance(3_600_000)
    assert.equal(await post(token, `/tun/m/assign?nbh=${nbh(2)}`), 403)
  })

  it('wants a live bearer token with the scopes', async () => {
    const status = async (authorization: string): Promise<[number, string | null]> => {
      const response = await control.call('/tun/m/assignments', {headers: {authorization}})
      return [response.status, response.headers.get('www-authenticate')]
    }
    for (const wrong of ['', 'Bearer nothing', 'Basic abc', `Bearer ${control.token}x`]) {
      const [code, challenge] = await status(wrong)
      assert.equal(code, 401)
      assert.match(challenge ?? '', /^Bearer .*invalid_token/)
    }
    const without = (scopes: string[]): string => `Bearer ${control.world.standingToken('me@example.com', scopes)}`
    assert.equal((await status(without(['openid', 'https://www.googleapis.com/auth/userinfo.email'])))[0], 403)
    assert.equal((await status(without(['https://www.googleapis.com/auth/colaboratory'])))[0], 401)
    const denied = await control.call('/tun/m/assignments', {headers: {authorization: without(['openid'])}})
    assert.match(await denied.text(), /"code":7.*|SCOPE_NOT_PERMITTED/)
  })

  it("keeps one account's machines from another", async () => {
    const endpoint = await assign(1)
    for (const path of [`/tun/m/unassign/${endpoint}`, `/tun/m/${endpoint}/keep-alive/`, `/tun/m/runtime-proxy-token?endpoint=${endpoint}`,
      `/tun/m/credentials-propagation/${endpoint}?authtype=dfs_ephemeral`, `/v1/runtime-proxy-token?endpoint=${endpoint}&port=8080`]) {
      assert.equal((await control.call(path, {as: 'free@example.com', headers: tunnelled})).status, 404, path)
    }
  })

  it('keeps a machine that is kept alive, and says when one is gone', async () => {
    const endpoint = await assign(1)
    const path = `/tun/m/${endpoint}/keep-alive/?authuser=0`
    assert.equal((await control.call(path)).status, 400)
    for (let n = 0; n < 3; n++) {
      await control.world.advance(5_000_000)
      assert.equal((await control.call(path, {headers: tunnelled})).status, 200)
    }
    await control.world.advance(5_400_000)
    assert.equal((await control.call(path, {headers: tunnelled})).status, 404)
  })

  it('can note a keep-alive and never answer it', async () => {
    await start({keepAlive: 'hang'})
    const endpoint = await assign(1)
    await control.world.advance(5_000_000)
    const before = control.world.fleet.get(endpoint)?.usedAt ?? 0
    const aborter = new AbortController()
    const asked = control.call(`/tun/m/${endpoint}/keep-alive/`, {headers: tunnelled, signal: aborter.signal})
    while (control.world.fleet.get(endpoint)?.usedAt === before) await new Promise((resolve) => setImmediate(resolve))
    aborter.abort()
    await assert.rejects(asked, {name: 'AbortError'})
  })

  it('gives tokens for ports', async () => {
    const endpoint = await assign(1)
    const path = `/tun/m/runtime-proxy-token?endpoint=${endpoint}&port=9000&authuser=0`
    assert.equal((await control.call(path)).status, 400)
    const {token, tokenExpiresInSeconds, url} = await control.json(path, {headers: tunnelled})
    assert.equal(control.world.checkToken(endpoint, 9000, String(token)), 'ok')
    assert.equal(tokenExpiresInSeconds, 3600)
    assert.match(String(url), /9000/)
    for (const port of ['0', '65536', 'x', '1.5']) {
      assert.equal((await control.call(`/v1/runtime-proxy-token?endpoint=${endpoint}&port=${port}`)).status, 400)
    }
  })

  it("reaches a machine's own HTTP with the account's token, which the machine never sees", async () => {
    const endpoint = await assign(1)
    assert.equal((await control.call(`/tun/m/${endpoint}/api/sessions`)).status, 400)
    const echo = await control.json(`/tun/m/${endpoint}/api/contents/a%20b?authuser=0&type=file`, {method: 'PUT', headers: tunnelled, body: '{}'}) as {method: string; url: string; headers: Record<string, string>}
    assert.deepEqual([echo.method, echo.url], ['PUT', '/api/contents/a%20b?type=file'])
    assert.equal(echo.headers['authorization'], undefined)
    assert.equal(control.world.checkToken(endpoint, 8080, echo.headers['x-colab-runtime-proxy-token'] ?? ''), 'ok')
    assert.ok(!JSON.stringify(echo).includes(control.token))
  })

  it('tells the compute units in the old form', async () => {
    await assign(1, '&accelerator=T4')
    assert.deepEqual(Object.keys(await control.json('/tun/m/ccu-info?authuser=0')).sort(),
      ['assignmentsCount', 'consumptionRateHourly', 'currentBalance', 'eligibleGpus', 'eligibleTpus', 'ineligibleGpus', 'ineligibleTpus'])
    const free = await control.json('/tun/m/ccu-info', {as: 'free@example.com'}) as {freeCcuQuotaInfo: {remainingTokens: string; nextRefillTimestampSec: number}}
    assert.equal(free.freeCcuQuotaInfo.remainingTokens, '30000')
    assert.ok(Number.isInteger(free.freeCcuQuotaInfo.nextRefillTimestampSec))
  })

  it('can leave the prefix away', async () => {
    await start({xssi: false})
    assert.equal(await (await control.call('/tun/m/assignments')).text(), '{"assignments":[]}')
  })

  it('hands Drive and identity to a machine after its owner agreed on a page', async () => {
    const endpoint = await assign(1)
    const ask = async (authtype: string, dryrun: boolean): Promise<Record<string, unknown>> => {
      const response = await pair(`/tun/m/credentials-propagation/${endpoint}?authtype=${authtype}&version=2&dryrun=${String(dryrun)}&propagate=true&record=false`)
      return JSON.parse((await response.text()).slice(5)) as Record<string, unknown>
    }
    const first = await ask('dfs_ephemeral', true)
    assert.equal(first['success'], false)
    const url = String(first['unauthorized_redirect_uri'])
    assert.match(await (await fetch(url)).text(), /<button name="decision" value="allow">Allow<\/button>/)
    assert.equal((await ask('dfs_ephemeral', false))['success'], false)
    await fetch(url, {method: 'POST', body: new URLSearchParams({decision: 'deny'})})
    assert.equal((await ask('dfs_ephemeral', true))['success'], false)
    await fetch(url, {method: 'POST', body: new URLSearchParams({decision: 'allow'})})
    assert.deepEqual(await ask('dfs_ephemeral', true), {success: true})
    assert.ok(!control.world.fleet.get(endpoint)?.credentials.has('drive'))
    assert.deepEqual(await ask('dfs_ephemeral', false), {success: true})
    assert.ok(control.world.fleet.get(endpoint)?.credentials.has('drive'))
    assert.equal((await ask('auth_user_ephemeral', true))['success'], false)
    assert.equal((await fetch(url.replace('kind=drive', 'kind=user'))).status, 404)
    control.world.setAccount('me@example.com', {allowedCredentials: false})
    assert.deepEqual(await ask('dfs_ephemeral', true), {success: false})
    assert.equal((await control.call(`/tun/m/credentials-propagation/${endpoint}?authtype=other`)).status, 400)
  })
})
