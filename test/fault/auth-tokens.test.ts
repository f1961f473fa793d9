import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import type {Patience} from '@cgpu/accounts'
import {type AccountsBed, accountsBed, refusal} from '../helpers/accounts-bed.ts'
import {until} from '../helpers/workbench.ts'

const child = fileURLToPath(new URL('../helpers/account-child.ts', import.meta.url))
const hour = 3_600_000

/** Waits in no time, and remembers for how long it would have waited. */
function impatience(): Patience & {waits: number[]} {
  let time = 0
  const waits: number[] = []
  return {
    waits, attempts: 4, budgetMs: 20_000, now: () => time,
    async pause(ms) {
      waits.push(ms)
      time += ms
    },
  }
}

/** This machine's clocks, to be set. */
function clock() {
  const hands = {wall: Date.now(), uptime: 1000}
  return {
    hands,
    now: () => hands.wall,
    uptime: () => hands.uptime,
    /** time passes, on both */
    pass(ms: number) {
      hands.wall += ms
      hands.uptime += ms / 1000
    },
  }
}

describe('access tokens in trouble', function () {
  this.timeout(60_000)
  let bed: AccountsBed
  beforeEach(async () => {
    bed = await accountsBed()
    await bed.signIn()
  })
  afterEach(() => bed.remove())

  describe('row 22: two processes renew a token whose refresh token rotates', () => {
    const inOwnProcess = async (refused: string): Promise<{token?: string; code?: string}> => {
      const {stdout} = await promisify(execFile)(process.execPath, ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', child, bed.configDir, bed.stateDir, 'token', refused], {
        env: {...process.env, CGPU_COLAB_EMULATOR: bed.google.url, CGPU_KEYRING: 'off'},
      })
      return JSON.parse(stdout) as {token?: string; code?: string} // written by the child above
    }

    it('all get the one new token, and the sign-in lives on', async () => {
      bed.google.rotates = true
      const all = await Promise.all(Array.from({length: 4}, () => inOwnProcess('access-1')))
      assert.deepEqual(all.map(({token}) => token), ['access-2', 'access-2', 'access-2', 'access-2'])
      assert.equal(bed.tokenRequests(), 2)
      assert.equal(await (await bed.open()).token({refused: 'access-2'}), 'access-3')
    })

    it('a rotated refresh token is on disk before the access token is used', async () => {
      bed.google.rotates = true
      await (await bed.open()).token({refused: 'access-1'})
      assert.match(await readFile(join(bed.configDir, 'secrets.json'), 'utf8'), /refresh-rotated-2/)
    })
  })

  describe('row 23: invalid_grant', () => {
    it('ends the sign-in for every process, asks nobody again, and says how to sign in', async () => {
      bed.google.refreshTokens.clear()
      const accounts = await bed.open()
      await assert.rejects(accounts.token({refused: 'access-1'}), refusal('SIGN_IN_EXPIRED', 67, /cgpu auth login --account me@example\.com/))
      const asked = bed.google.requests.length
      await assert.rejects(accounts.token(), refusal('SIGN_IN_EXPIRED', 67))
      await assert.rejects((await bed.open()).token(), refusal('SIGN_IN_EXPIRED', 67))
      assert.equal(bed.google.requests.length, asked)
      assert.equal((await (await bed.open()).status())[0]?.state, 'expired')
    })

    it('of a key file signs nobody out: the file may be put right', async () => {
      const key = join(bed.configDir, 'adc.json')
      await writeFile(key, JSON.stringify({type: 'authorized_user', client_id: 'gcloud', client_secret: 'x', refresh_token: 'refresh-1'}))
      await (await bed.open({GOOGLE_APPLICATION_CREDENTIALS: key})).signIn.withAdc()
      bed.google.refreshTokens.clear()
      await assert.rejects((await bed.open()).token({refused: 'access-2'}), refusal('SIGN_IN_EXPIRED', 67, /gcloud auth application-default login/))
      bed.google.refreshTokens.add('refresh-1')
      assert.equal(await (await bed.open()).token({refused: 'access-2'}), 'access-3')
    })

    it('signing in again heals it', async () => {
      bed.google.refreshTokens.clear()
      await assert.rejects((await bed.open()).token({refused: 'access-1'}))
      bed.google.refreshTokens.add('refresh-2')
      await bed.signIn()
      assert.equal(await (await bed.open()).token(), 'access-2')
    })

    it('invalid_rapt is named: the organisation wants a new sign-in', async () => {
      bed.google.handler = ({path}) => (path === '/token' ? {status: 400, body: {error: 'invalid_grant', error_description: 'reauth related error (invalid_rapt)', error_subtype: 'invalid_rapt'}} : undefined)
      await assert.rejects((await bed.open()).token({refused: 'access-1'}), refusal('SIGN_IN_EXPIRED', 67, /organisation.*invalid_rapt/))
    })

    for (const error of ['invalid_client', 'unauthorized_client', 'deleted_client', 'org_internal', 'something_new']) {
      it(`${error} is no reason to sign anybody out`, async () => {
        bed.google.handler = ({path}) => (path === '/token' ? {status: 401, body: {error, error_description: 'The OAuth client was not found.'}} : undefined)
        await assert.rejects((await bed.open()).token({refused: 'access-1'}), refusal('SIGN_IN_REFUSED', 67, new RegExp(`${error}.*OAuth client was not found`)))
        bed.google.handler = undefined
        assert.equal(await (await bed.open()).token({refused: 'access-1'}), 'access-2')
      })
    }
  })

  it('row 24: a refused token is renewed once, however many ask', async () => {
    const processes = await Promise.all(Array.from({length: 5}, () => bed.open()))
    const tokens = await Promise.all(processes.flatMap((one) => [one.token({refused: 'access-1'}), one.token({refused: 'access-1'})]))
    assert.deepEqual([...new Set(tokens)], ['access-2'])
    assert.equal(bed.tokenRequests(), 2)
  })

  describe('row 25: 429', () => {
    const cases: [string, string | undefined, (waits: number[]) => boolean][] = [
      ['seconds', '7', ([first]) => first === 7000],
      ['a date', new Date(Date.now() + 5000).toUTCString(), ([first = 0]) => first >= 0 && first <= 5000],
      ['a date that has passed', new Date(Date.now() - hour).toUTCString(), ([first]) => first === 0],
      ['a negative number', '-5', ([first = 0]) => first >= 250 && first <= 750],
      ['no number', 'soon', ([first = 0]) => first >= 250 && first <= 750],
      ['nothing', undefined, ([first = 0]) => first >= 250 && first <= 750],
    ]
    for (const [name, header, expected] of cases) {
      it(`Retry-After with ${name}`, async () => {
        let left = 1
        bed.google.handler = ({path}) => (path === '/token' && left-- > 0 ? {status: 429, headers: header === undefined ? {} : {'retry-after': header}, body: {error: 'rate_limit_exceeded'}} : undefined)
        const patience = impatience()
        assert.equal(await (await bed.open({}, {patience})).token({refused: 'access-1'}), 'access-2')
        assert.equal(patience.waits.length, 1)
        assert.ok(expected(patience.waits), String(patience.waits))
      })
    }

    it('one that is too long to wait for ends it at once, and says how long', async () => {
      bed.google.handler = ({path}) => (path === '/token' ? {status: 429, headers: {'retry-after': '86400'}, body: {}} : undefined)
      const patience = impatience()
      await assert.rejects((await bed.open({}, {patience})).token({refused: 'access-1'}), refusal('GOOGLE_BUSY', 69, /86400 s; you stay signed in/))
      assert.deepEqual(patience.waits, [])
    })
  })

  describe('row 26: a storm of 503', () => {
    it('costs four requests, then none while it rests, and signs nobody out', async () => {
      bed.google.handler = ({path}) => (path === '/token' ? {status: 503, body: '<html>Service Unavailable</html>'} : undefined)
      const time = clock()
      const accounts = await bed.open({}, {patience: impatience(), clock: time})
      for (let i = 0; i < 5; i++) await assert.rejects(accounts.token({refused: 'access-1'}), refusal('GOOGLE_BUSY', 69))
      assert.equal(bed.tokenRequests(), 1 + 4)
      bed.google.handler = undefined
      time.pass(6000)
      assert.equal(await accounts.token({refused: 'access-1'}), 'access-2')
    })

    it('what is left of a token is used meanwhile', async () => {
      const time = clock()
      await bed.signIn(await bed.open({}, {clock: time}))
      bed.google.handler = ({path}) => (path === '/token' ? {status: 503, body: {}} : undefined)
      time.pass(hour - 200_000)
      assert.equal(await (await bed.open({}, {clock: time, patience: impatience()})).token(), 'access-2')
      time.pass(190_000)
      await assert.rejects((await bed.open({}, {clock: time, patience: impatience()})).token(), refusal('GOOGLE_BUSY', 69))
    })

    it('offline is no reason to sign anybody out either', async () => {
      const {url} = bed.google
      await bed.google.close()
      const accounts = await bed.open({CGPU_COLAB_EMULATOR: url}, {patience: impatience()})
      await assert.rejects(accounts.token({refused: 'access-1'}), refusal('GOOGLE_UNREACHABLE', 69, /127\.0\.0\.1:\d+ cannot be reached: nothing listens there/))
      assert.equal((await accounts.status())[0]?.state, 'signed-in')
    })
  })

  it('Ctrl-C ends the waiting at once', async () => {
    bed.google.handler = ({path}) => (path === '/token' ? {status: 503, headers: {'retry-after': '15'}, body: {}} : undefined)
    const controller = new AbortController()
    const accounts = await bed.open()
    const waiting = accounts.token({refused: 'access-1', signal: controller.signal})
    await until(() => bed.tokenRequests() === 2, () => 'nothing was asked')
    // another one waits for the same lock
    const second = new AbortController()
    const queued = (await bed.open()).token({refused: 'access-1', signal: second.signal})
    second.abort(new Error('Ctrl-C there'))
    await assert.rejects(queued, /Ctrl-C there/)
    controller.abort(new Error('Ctrl-C here'))
    await assert.rejects(waiting, /Ctrl-C here/)
  })

  it('row 36: a captive portal is named, and signs nobody out', async () => {
    bed.google.handler = () => ({status: 200, body: '<!DOCTYPE html><html><form action="/login">Welcome to the hotel</form></html>'})
    await assert.rejects((await bed.open()).token({refused: 'access-1'}), refusal('CAPTIVE_PORTAL', 69, /sign in first/))
    bed.google.handler = undefined
    assert.equal(await (await bed.open()).token({refused: 'access-1'}), 'access-2')
  })

  describe('row 37: redirects', () => {
    for (const status of [301, 302, 303, 307, 308]) {
      it(`${status}: nothing is sent on`, async () => {
        let reached = 0
        const elsewhere = createServer((_, response) => {
          reached++
          response.end('{}')
        })
        await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
        const {port} = elsewhere.address() as AddressInfo // listening on TCP
        try {
          bed.google.handler = () => ({status, headers: {location: `http://127.0.0.1:${port}/token`}, body: {}})
          await assert.rejects((await bed.open()).token({refused: 'access-1'}), refusal('REDIRECTED', 69, new RegExp(`redirects to 127\\.0\\.0\\.1:${port}`)))
          assert.equal(reached, 0)
        } finally {
          await new Promise((resolve) => elsewhere.close(resolve))
        }
      })
    }
  })

  describe('row 40: clocks', () => {
    for (const [name, skew] of [['an hour ahead', hour], ['an hour behind', -hour]] as const) {
      it(`a machine whose clock is ${name} keeps its tokens for their whole life`, async () => {
        const time = clock()
        time.hands.wall += skew
        await bed.signIn(await bed.open({}, {clock: time}))
        time.pass(50 * 60_000)
        assert.equal(await (await bed.open({}, {clock: time})).token(), 'access-2')
        time.pass(6 * 60_000)
        assert.equal(await (await bed.open({}, {clock: time})).token(), 'access-3')
      })
    }

    it('a clock that is set back makes no token young again', async () => {
      const time = clock()
      await bed.signIn(await bed.open({}, {clock: time}))
      time.pass(56 * 60_000)
      time.hands.wall -= hour
      assert.equal(await (await bed.open({}, {clock: time})).token(), 'access-3')
    })

    it('a clock that is set forward costs one renewal', async () => {
      const time = clock()
      await bed.signIn(await bed.open({}, {clock: time}))
      const accounts = await bed.open({}, {clock: time})
      time.hands.wall += hour
      assert.equal(await accounts.token(), 'access-3')
      assert.equal(await accounts.token(), 'access-3')
      assert.equal(await (await bed.open({}, {clock: time})).token(), 'access-3')
    })

    it('a clock that is set back over a restart of the machine: nobody can tell, so the token is renewed', async () => {
      const time = clock()
      await bed.signIn(await bed.open({}, {clock: time}))
      time.hands.wall -= hour
      time.hands.uptime = 5
      assert.equal(await (await bed.open({}, {clock: time})).token(), 'access-3')
    })
  })

  describe('row 41: answers that make no sense', () => {
    const answers: [string, unknown][] = [
      ['nothing', ''], ['half of it', '{"access_token": "x'], ['a list', []], ['no token', {expires_in: 3600}], ['a number for a token', {access_token: 1}],
      ['a token that would break a header', {access_token: 'a\r\nX-Evil: 1', expires_in: 3600}], ['a life of -1', {access_token: 'a', expires_in: -1}],
      ['a life of a million years', {access_token: 'a', expires_in: 1e15}], ['another kind of token', {access_token: 'a', expires_in: 3600, token_type: 'mac'}],
      ['nests of lists', '['.repeat(100_000)], ['too much', JSON.stringify({access_token: 'a', junk: 'x'.repeat(300_000)})],
    ]
    for (const [name, body] of answers) {
      it(`${name}: refused, and nobody is signed out`, async () => {
        bed.google.handler = ({path}) => (path === '/token' ? {body, headers: {'content-type': 'application/json'}} : undefined)
        await assert.rejects((await bed.open()).token({refused: 'access-1'}), refusal('UNEXPECTED_ANSWER', 69))
        bed.google.handler = undefined
        assert.equal(await (await bed.open()).token({refused: 'access-1'}), 'access-2')
      })
    }
  })
})
