import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {mkdir, writeFile} from 'node:fs/promises'
import {createServer, type RequestListener} from 'node:http'
import {createServer as createTlsServer} from 'node:https'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import nock from 'nock'
import {Transport} from '../../packages/provider-colab/src/http/transport.ts'
import {retryAfterMs} from '../../packages/provider-colab/src/http/retry.ts'
import {
  answering, assignedG, assignedT, assigning, type FakeColab, FakeAccounts, fakeColab, gapi, machine, prefixed, proxyToken, releasing, session,
} from '../contract/colab-fake.ts'
import {certificate} from '../contract/certificate.ts'
import {rejects} from '../contract/provider.ts'

const cpu = {name: 'x', accelerator: {kind: 'cpu'}} as const
const list = '/v1/assignments'

describe('faults of Colab\'s control plane', () => {
  let colab: FakeColab
  beforeEach(() => (colab = fakeColab()))
  afterEach(() => colab.end())

  const waited = (): number => colab.effects.waits.reduce((sum, one) => sum + one, 0)

  describe('row 24: an access token expires', () => {
    it('gets another one, once, and goes on', async () => {
      nock(gapi, {reqheaders: {authorization: 'Bearer token-1'}}).get(list).reply(401)
      nock(gapi, {reqheaders: {authorization: 'Bearer token-2'}}).get(list).reply(200, {})
      assert.deepEqual(await colab.provider().list(), [])
      assert.deepEqual(colab.accounts.requests.map(({refused}) => refused), [undefined, 'token-1'])
    })

    it('between the two requests of an assignment', async () => {
      nock(session).get('/tun/m/assign').query(true).reply(200, prefixed({token: 'xsrf-1'}))
      nock(session, {reqheaders: {authorization: 'Bearer token-1'}}).post('/tun/m/assign').query(true).reply(401)
      nock(session, {reqheaders: {authorization: 'Bearer token-2'}}).post('/tun/m/assign').query(true).reply(200, prefixed(assignedT({accelerator: 'NONE', variant: 0})))
      answering()
      assert.equal((await colab.provider().create(cpu, {})).state, 'ready')
    })

    it('gives up after the second refusal, without a loop', async () => {
      nock(gapi).get(list).times(2).reply(401)
      const error = await rejects(colab.provider().list(), 'SIGN_IN_EXPIRED', 67)
      assert.equal(error.fix, 'cgpu auth login')
      assert.equal(waited(), 0)
    })
  })

  describe('row 25: 429', () => {
    const asked: [string, Record<string, string>, (ms: number) => boolean][] = [
      ['seconds', {'retry-after': '7'}, (ms) => ms >= 7_000 && ms <= 8_750],
      ['a date, by the server\'s own clock', {date: 'Sun, 22 Nov 2026 09:00:00 GMT', 'retry-after': 'Sun, 22 Nov 2026 09:00:05 GMT'}, (ms) => ms >= 5_000 && ms <= 6_250],
      ['a huge number', {'retry-after': '999999999'}, (ms) => ms >= 30_000 && ms <= 37_500],
      ['a negative number', {'retry-after': '-5'}, (ms) => ms <= 500],
      ['a date long past', {date: 'Sun, 22 Nov 2026 09:00:00 GMT', 'retry-after': 'Sat, 01 Jan 2000 00:00:00 GMT'}, (ms) => ms <= 500],
      ['nonsense', {'retry-after': 'soon'}, (ms) => ms <= 500],
      ['nothing', {}, (ms) => ms <= 500],
    ]
    for (const [what, headers, fits] of asked) {
      it(`is waited out when it asks for ${what}`, async () => {
        nock(gapi).get(list).reply(429, '', headers)
        nock(gapi).get(list).reply(200, {assignments: []})
        assert.deepEqual(await colab.provider().list(), [])
        assert.equal(colab.effects.waits.length, 1)
        assert.ok(fits(colab.effects.waits[0] ?? -1), String(colab.effects.waits))
      })
    }

    it('to a POST is answered by a new pair of requests', async () => {
      nock(session).get('/tun/m/assign').query(true).times(2).reply(200, prefixed({token: 'xsrf-1'}))
      nock(session).post('/tun/m/assign').query(true).reply(429, '', {'retry-after': '3'})
      nock(session).post('/tun/m/assign').query(true).reply(200, prefixed(assignedT({accelerator: 'NONE', variant: 0})))
      answering()
      await colab.provider().create(cpu, {})
      assert.deepEqual(colab.effects.waits, [3_000])
    })

    it('never makes a wait that is not a number of milliseconds within the cap', () => {
      for (const header of ['', ' ', '1e9', '0x10', '1.5', '٣', 'NaN', 'Infinity', '9'.repeat(400), '2026-11-22', 'Fri, 99 Zzz 2026 99:99:99 GMT']) {
        const ms = retryAfterMs(header, 'nonsense', 0)
        assert.ok(ms === undefined || (ms > 0 && ms <= 30_000), `${header}: ${ms}`)
      }
    })
  })

  describe('row 26: 503 for minutes', () => {
    it('costs a few requests, then none while the circuit is open, and recovers', async () => {
      let requests = 0
      const storm = nock(gapi).persist().get(list).reply(() => {
        requests += 1
        return [503, 'busy']
      })
      const provider = colab.provider()
      const began = colab.effects.uptime()
      while (colab.effects.uptime() - began < 5 * 60_000) {
        const error = await rejects(provider.list(), 'COLAB_UNAVAILABLE', 69)
        assert.equal(error.retryable, true)
        colab.effects.advance(5_000)
      }
      assert.ok(requests >= 8 && requests <= 25, `${requests} requests in five minutes`)
      storm.persist(false)
      nock.cleanAll()
      nock(gapi).get(list).times(2).reply(200, {})
      colab.effects.advance(60_000)
      assert.deepEqual(await provider.list(), [])
      assert.deepEqual(await provider.list(), [])
    })

    it('is not opened by a sign-in that fails, nor by keep-alives that are not answered', async () => {
      const provider = colab.provider()
      nock(session).get('/tun/m/gpu-t4-s-1/keep-alive/').query(true).times(20).replyWithError('socket hang up')
      for (let time = 0; time < 20; time++) assert.equal(await provider.keepAlive('gpu-t4-s-1'), 'alive')
      const [id] = colab.accounts.ids.splice(0)
      for (let time = 0; time < 20; time++) await rejects(provider.list(), 'SIGN_IN_REQUIRED', 67)
      colab.accounts.ids.push(id ?? '')
      nock(session).get('/tun/m/unassign/gpu-t4-s-1').query(true).reply(404)
      await provider.release('gpu-t4-s-1')
      assert.deepEqual(colab.effects.waits, [])
    })

    it('stops waiting when it is aborted', async () => {
      const abort = new AbortController()
      nock(session).get('/tun/m/unassign/m-1').query(true).reply(() => {
        abort.abort(new Error('enough'))
        return [503]
      })
      await assert.rejects(colab.provider().release('m-1', {signal: abort.signal}), /enough/)
    })
  })

  describe('row 27: the answer to a creation is lost', () => {
    it('finds the machine by its hash: one POST, one machine', async () => {
      const hashes = new Set<unknown>()
      const match = (query: Record<string, unknown>): boolean => hashes.add(query['nbh']).size > 0
      nock(session).get('/tun/m/assign').query(match).reply(200, prefixed({token: 'xsrf-1'}))
      nock(session).post('/tun/m/assign').query(match).replyWithError(Object.assign(new Error('cut'), {code: 'ECONNRESET'}))
      nock(session).get('/tun/m/assign').query(match).reply(200, prefixed(assignedT({accelerator: 'NONE', variant: 0, outcome: undefined})))
      answering()
      assert.equal((await colab.provider().create(cpu, {})).id, 'gpu-t4-s-1')
      assert.equal(hashes.size, 1)
    })

    it('asks again with the same hash when it did not arrive', async () => {
      nock(session).get('/tun/m/assign').query(true).reply(200, prefixed({token: 'xsrf-1'}))
      nock(session).post('/tun/m/assign').query(true).reply(502)
      assigning(200, assignedT({accelerator: 'NONE', variant: 0}))
      answering()
      assert.equal((await colab.provider().create(cpu, {})).state, 'ready')
    })

    /** As commands that died left them. */
    const leave = async (...left: {key: string; account?: string; endpoint?: string; age?: number}[]): Promise<void> => {
      await mkdir(colab.stateDir, {recursive: true})
      const made = Object.fromEntries(left.map(({key, account = 'google:ada@example.com', endpoint, age = 0}) => [key, {
        account, createdAt: new Date(colab.effects.wall() - age).toISOString(), owner: {pid: 2 ** 22 + 1}, ...(endpoint === undefined ? {} : {endpoint}),
      }]))
      await writeFile(join(colab.stateDir, 'runtimes.json'), JSON.stringify({version: 1, made, seen: {}}))
    }
    const left = (): string[] => Object.keys((JSON.parse(readFileSync(join(colab.stateDir, 'runtimes.json'), 'utf8')) as {made: object}).made)

    it('is made good by reap, when the command died meanwhile', async () => {
      const key = createHash('sha256').update('x').digest('base64url').padEnd(44, '.')
      await leave({key})
      // the list tells whose hash it is
      nock(gapi).get(list).reply(200, {assignments: [assignedG({notebookIdHash: key}), assignedG({endpoint: 'foreign-1'})]})
      nock(machine).get('/api/sessions').reply(503)
      releasing()
      assert.deepEqual(await colab.provider().reap(), [{id: 'gpu-t4-s-1', reason: 'its owner was killed'}])
      assert.deepEqual(left(), [])
    })

    it('is made good for each machine, also when another one cannot be released', async () => {
      await leave({key: 'a', endpoint: 'm-1'}, {key: 'b', endpoint: 'm-2'}, {key: 'c', endpoint: 'm-3', account: 'google:gone@example.com'})
      nock(gapi).get(list).reply(200, {assignments: [assignedG({endpoint: 'm-1'}), assignedG({endpoint: 'm-2'})]})
      nock(machine).get('/api/sessions').times(2).reply(503)
      nock(session).get('/tun/m/unassign/m-1').query(true).reply(418)
      releasing('m-2')
      assert.deepEqual(await colab.provider().reap(), [{id: 'm-2', reason: 'its owner was killed'}])
      assert.deepEqual(left(), ['a', 'c'])
      assert.equal(colab.warnings.length, 2)
      assert.match(colab.warnings.join(), /may have been left.*418.*nobody is signed in/)
    })

    it('is told of while the account cannot be asked, but not for ever', async () => {
      const day = 86_400_000
      await leave({key: 'a', endpoint: 'm-1', account: 'google:gone@example.com', age: day}, {key: 'b', endpoint: 'm-2', account: 'google:gone@example.com', age: 8 * day})
      nock(gapi).get(list).reply(200, {})
      assert.deepEqual((await colab.provider().list()).map(({id, state}) => [id, state]), [['m-1', 'unknown']])
      assert.deepEqual(left(), ['a'])
      await rejects(colab.provider().reap(), 'SIGN_IN_REQUIRED', 67)
      colab.effects.advance(8 * day)
      await rejects(colab.provider().reap(), 'SIGN_IN_REQUIRED', 67)
      assert.deepEqual(await colab.provider().reap(), [])
      assert.deepEqual(left(), [])
    })

    it('is nothing to reap when the account may have no machine at all', async () => {
      await leave({key: 'a', age: 3_600_000})
      nock(gapi).get(list).reply(200, {})
      nock(session).get('/tun/m/assign').query(true).reply(412)
      assert.deepEqual(await colab.provider().reap(), [])
      assert.deepEqual(left(), [])
    })
  })

  describe('row 34: slow answers', () => {
    it('ends an answer that only drips, and one that never begins', async () => {
      const drip = await loopback((_, response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write('x'), 20)
        response.once('close', () => clearInterval(timer))
      })
      const silent = await loopback(() => undefined)
      nock.enableNetConnect('127.0.0.1')
      const transport = new Transport()
      for (const {url} of [drip, silent]) {
        const began = performance.now()
        const sending = transport.send({method: 'GET', url: new URL(url), headers: {}, timeoutMs: 250, maxBytes: 1000})
        await rejects(sending, 'TIMED_OUT', 69)
        assert.ok(performance.now() - began < 10_000)
      }
      await Promise.all([drip.close(), silent.close()])
    })

    it('takes a keep-alive that is not answered for one that arrived', async () => {
      nock(session, {reqheaders: {'x-colab-tunnel': 'Google'}}).get('/tun/m/gpu-t4-s-1/keep-alive/').query({authuser: '0'}).replyWithError('socket hang up')
      assert.equal(await colab.provider().keepAlive('gpu-t4-s-1'), 'alive')
      for (const [status, said] of [[200, 'alive'], [404, 'gone'], [400, 'alive'], [500, 'alive'], [403, 'alive']] as const) {
        nock(session).get('/tun/m/gpu-t4-s-1/keep-alive/').query(true).reply(status)
        assert.equal(await colab.provider().keepAlive('gpu-t4-s-1'), said, String(status))
      }
    })
  })

  describe('row 35: a certificate that nobody vouches for', () => {
    it('is refused, and no token was sent', async () => {
      const files = certificate(join(colab.stateDir, '..'))
      const seen: unknown[] = []
      const server = createTlsServer({key: readFileSync(files.key), cert: readFileSync(files.cert)}, (request, response) => {
        seen.push(request.headers)
        response.end('{}')
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const own = fakeColab({'colab-api-url': `https://127.0.0.1:${(server.address() as AddressInfo).port}`})
      nock.enableNetConnect('127.0.0.1')
      const error = await rejects(own.provider().list(), 'TLS_NOT_TRUSTED', 69)
      assert.match(error.fix ?? '', /NODE_EXTRA_CA_CERTS/)
      assert.deepEqual(seen, [])
      own.end()
      await new Promise((resolve) => server.close(resolve))
    })
  })

  describe('row 36: a captive portal', () => {
    for (const [what, type, body] of [['HTML', 'text/html', '<!doctype html><h1>Sign in to the Wi-Fi</h1>'], ['HTML that says it is JSON', 'application/json', '<html>'], ['text that says it is HTML', 'text/html', 'hello']] as const) {
      it(`is named when ${what} comes instead of JSON`, async () => {
        nock(gapi).get(list).reply(200, body, {'content-type': type})
        await rejects(colab.provider().list(), 'CAPTIVE_PORTAL', 69)
      })
    }
  })

  describe('row 37: redirects', () => {
    for (const to of ['https://evil.example/v1/assignments?x=secret', 'http://colab.pa.googleapis.com/v1/assignments', `${gapi}${list}`, undefined]) {
      it(`to ${to ?? 'nowhere'} are not followed`, async () => {
        let elsewhere = 0
        nock('https://evil.example').get(/.*/).optionally().reply(() => [200, String((elsewhere += 1))])
        nock('http://colab.pa.googleapis.com').get(/.*/).optionally().reply(() => [200, String((elsewhere += 1))])
        nock(gapi).get(list).reply(302, '', to === undefined ? {} : {location: to})
        const error = await rejects(colab.provider().list(), 'REDIRECTED', 69)
        assert.doesNotMatch(error.message, /secret/)
        assert.equal(elsewhere, 0)
        nock.cleanAll()
      })
    }

    it('of a machine neither', async () => {
      nock(gapi).get(list).reply(200, {assignments: [assignedG()]})
      nock(machine).get('/api').reply(302, '', {location: 'https://evil.example/'})
      assert.equal((await colab.provider().get('gpu-t4-s-1'))?.state, 'unreachable')
    })
  })

  it('row 38: a name that is not known is tried again for a while, and named', async () => {
    const own = fakeColab({'colab-api-url': 'https://colab.invalid'})
    nock.enableNetConnect('colab.invalid')
    const error = await rejects(own.provider().list(), 'COLAB_UNREACHABLE', 69)
    assert.match(error.message, /colab\.invalid/)
    assert.equal(error.retryable, true)
    assert.ok(own.effects.waits.length >= 2 && own.effects.waits.length <= 4, String(own.effects.waits))
    own.end()
  })

  it('row 38: an emulator that ended is started again, and used at its new address', async () => {
    const own = fakeColab({'colab-api-url': 'http://127.0.0.1:1'})
    nock.enableNetConnect('127.0.0.1')
    const error = await rejects(own.provider().list(), 'COLAB_UNREACHABLE', 69)
    assert.match(error.fix ?? '', /eval "\$\(cgpu emulator start --env\)"/)
    own.end()
  })

  describe('row 43: what is remembered of machines', () => {
    const file = (): string => join(colab.stateDir, 'runtimes.json')
    const make = async (): Promise<void> => {
      assigning(200, assignedT({accelerator: 'NONE', variant: 0}))
      answering()
      await colab.provider().create(cpu, {})
      await colab.provider().keep('gpu-t4-s-1')
    }

    for (const [what, text] of [['nothing', ''], ['half', '{"version":1,"made":{"a'], ['NULs', '\0'.repeat(100)], ['another shape', '{"version":1,"made":[]}']] as const) {
      it(`${what}: the backup is used, so that a machine is known for ours`, async () => {
        await make()
        await writeFile(file(), text)
        nock(gapi).get(list).reply(200, {assignments: [assignedG()]})
        nock(machine).get('/api').reply(200, {})
        const [found] = await colab.provider().list()
        assert.deepEqual([found?.id, found?.foreign], ['gpu-t4-s-1', undefined])
        assert.match(colab.warnings.join('\n'), /was broken.*backup is used/)
      })
    }

    it('of a newer cgpu: no machine is asked for that could not be written down', async () => {
      await mkdir(colab.stateDir, {recursive: true})
      const newer = '{"version":9,"made":{},"seen":{}}'
      await writeFile(file(), newer)
      await assert.rejects(colab.provider().create(cpu, {}), {code: 'STATE_TOO_NEW'})
      assert.equal(readFileSync(file(), 'utf8'), newer)
    })
  })

  describe('row 40: clocks', () => {
    const connected = async (): Promise<string | undefined> => (await (await colab.provider().connect('gpu-t4-s-1')).headers?.())?.['X-Colab-Runtime-Proxy-Token']

    beforeEach(async () => {
      nock(gapi).get(list).reply(200, {assignments: [assignedG()]})
      assert.equal(await connected(), proxyToken)
    })

    it('set back by hours make no token last longer', async () => {
      colab.effects.setClock(-5 * 3_600_000)
      assert.equal(await connected(), proxyToken, 'still good')
      colab.effects.advance(57 * 60_000)
      nock(gapi).get(list).reply(200, {assignments: [assignedG({runtimeProxyInfo: {token: 'another-token-00000000000000000000', tokenTtl: '3600s', url: machine}})]})
      assert.equal(await connected(), 'another-token-00000000000000000000')
    })

    it('set ahead cost one more request, not a failure', async () => {
      colab.effects.setClock(3 * 3_600_000)
      nock(gapi).get(list).reply(200, {assignments: [assignedG({runtimeProxyInfo: {token: 'another-token-00000000000000000000', tokenTtl: '3600s', url: machine}})]})
      assert.equal(await connected(), 'another-token-00000000000000000000')
      assert.equal(await connected(), 'another-token-00000000000000000000')
    })

    it('of the server do not matter: life times are relative', async () => {
      nock(gapi).get(list).reply(200, {assignments: [assignedG()]}, {date: 'Sat, 01 Jan 2000 00:00:00 GMT'})
      nock(machine).get('/api').reply(200, {})
      await colab.provider().list()
      assert.equal(await connected(), proxyToken)
    })
  })

  describe('row 41: answers that make no sense', () => {
    const bad: [string, string | Buffer, RegExp][] = [
      ['half JSON', '{"assignments": [{"endp', /not JSON/],
      ['half a prefix', ")]}'{}", /not JSON/],
      ['an array', '[]', /the answer/],
      ['a number', '7', /the answer/],
      ['nothing', '', /the answer/],
      ['wrong types', '{"assignments": [{"endpoint": 7}]}', /assignments\.0\.endpoint/],
      ['a token that is a list', JSON.stringify({assignments: [assignedG({runtimeProxyInfo: {token: ['x'], url: machine}})]}), /assignments\.0\.runtimeProxyInfo\.token/],
      ['a token with a line break', JSON.stringify({assignments: [assignedG({runtimeProxyInfo: {token: 'x\r\nX-Evil: 1', url: machine}})]}), /odd characters/],
      ['a machine at http', JSON.stringify({assignments: [assignedG({runtimeProxyInfo: {token: 'x', url: 'http://example.com'}})]}), /not https/],
      ['a machine at no address', JSON.stringify({assignments: [assignedG({runtimeProxyInfo: {token: 'x', url: 'javascript:alert(1)'}})]}), /not https/],
      ['deep nesting', `{"assignments":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, /assignments|not JSON/],
      ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x7b]), /not JSON/],
    ]
    for (const [what, body, message] of bad) {
      it(`${what} is PROTOCOL, and says where`, async () => {
        nock(gapi).get(list).reply(200, body, {'content-type': 'application/json'})
        const error = await rejects(colab.provider().list(), 'PROTOCOL', 69)
        assert.match(error.message, message)
        assert.ok(error.message.length < 600)
      })
    }

    it('more than fits is PROTOCOL, and is not read to its end', async () => {
      let sent = 0
      const giant = await loopback((_, response) => {
        const more = (): void => {
          while (sent < 1_000_000_000 && response.write('x'.repeat(65_536))) sent += 65_536
        }
        response.on('drain', more)
        more()
      })
      colab.end()
      colab = fakeColab({'colab-api-url': giant.url})
      nock.enableNetConnect('127.0.0.1')
      const error = await rejects(colab.provider().list(), 'PROTOCOL', 69)
      assert.match(error.message, /more than 4194304 bytes/)
      assert.ok(sent < 50_000_000, String(sent))
      await giant.close()
    })

    it('to a POST: what may have been made is released', async () => {
      nock(session).get('/tun/m/assign').query(true).reply(200, prefixed({token: 'xsrf-1'}))
      nock(session).post('/tun/m/assign').query(true).reply(200, '{"endpoint": "gpu-t4')
      nock(session).get('/tun/m/assign').query(true).reply(200, prefixed(assignedT({outcome: undefined})))
      releasing()
      await rejects(colab.provider().create(cpu, {}), 'PROTOCOL', 69)
    })
  })

  it('shows no token in a trace, an error or the records', async () => {
    assigning(200, assignedT({accelerator: 'NONE', variant: 0}))
    answering()
    await colab.provider().create(cpu, {})
    nock(gapi).get(list).reply(500, {error: {message: 'no'}}).get(list).times(9).optionally().reply(500)
    const error = await rejects(colab.provider().list(), 'COLAB_UNAVAILABLE', 69)
    const shown = [...colab.trace, error.message, JSON.stringify(error.details), readFileSync(join(colab.stateDir, 'runtimes.json'), 'utf8')].join('\n')
    for (const secret of [proxyToken, 'token-1', 'xsrf-1']) assert.ok(!shown.includes(secret), secret)
    assert.match(shown, /POST colab\.research\.google\.com\/tun\/m\/assign 200/)
    nock.cleanAll()
  })

  it('asks another account for its machines, and shows what is remembered when it cannot', async () => {
    colab.end()
    const accounts = new FakeAccounts(['google:ada@example.com', 'google:bob@example.com'])
    colab = fakeColab({}, accounts)
    assigning(200, assignedT({accelerator: 'NONE', variant: 0}))
    answering()
    await colab.provider().create(cpu, {})
    accounts.ids.reverse()
    nock(gapi, {reqheaders: {authorization: 'Bearer token-1'}}).get(list).reply(200, {})
    nock(gapi, {reqheaders: {authorization: 'Bearer token-1-google:ada@example.com'}}).get(list).reply(200, {assignments: [assignedG()]})
    nock(machine).get('/api').reply(200, {})
    assert.deepEqual((await colab.provider().list()).map(({id, account, state}) => [id, account, state]), [['gpu-t4-s-1', 'google:ada@example.com', 'ready']])
    accounts.ids.pop()
    nock(gapi).get(list).reply(200, {})
    assert.deepEqual((await colab.provider().list()).map(({id, account, state}) => [id, account, state]), [['gpu-t4-s-1', 'google:ada@example.com', 'unknown']])
    assert.match(colab.warnings.join(), /fix: cgpu auth login/)
    await rejects(colab.provider().release('gpu-t4-s-1'), 'SIGN_IN_REQUIRED', 67)
  })
})

async function loopback(listener: RequestListener): Promise<{url: string; close(): Promise<void>}> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
}
