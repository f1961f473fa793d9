import assert from 'node:assert/strict'
import {readFile, stat} from 'node:fs/promises'
import {type Emulator, startEmulator} from '../emulator.ts'
import {AdminClient} from './client.ts'

describe('the admin API', () => {
  let emulator: Emulator
  let admin: AdminClient
  beforeEach(async () => {
    // no test here makes a machine
    emulator = await startEmulator({seed: 'admin', python: () => Promise.reject(new Error('no machines here'))})
    admin = new AdminClient(emulator)
  })
  afterEach(() => emulator.close())

  const ask = (path: string, init: RequestInit = {}, token = emulator.adminToken): Promise<Response> =>
    fetch(`${emulator.adminUrl}${path}`, {...init, headers: {authorization: `Bearer ${token}`}})
  const google = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${emulator.url}${path}`, {...init, headers: {authorization: `Bearer ${emulator.token()}`}})

  it('wants its token', async () => {
    for (const path of ['/status', '/log', '/nowhere']) {
      const answer = await ask(path, {}, 'wrong')
      assert.equal(answer.status, 401)
      assert.equal(((await answer.json()) as {error: {code: string}}).error.code, 'ADMIN_TOKEN_REQUIRED')
    }
    await assert.rejects(new AdminClient({adminToken: 'x', adminUrl: emulator.adminUrl}).status(), {code: 'ADMIN_TOKEN_REQUIRED', exit: 67})
  })

  it('tells what there is', async () => {
    const status = await admin.status()
    assert.deepEqual([status.url, status.scenario, status.seed, status.mode, status.pid], [emulator.url, 'plain', 'admin', 'emulate', process.pid])
    assert.ok(status.accounts.some((one) => one.email === 'me@example.com'))
    assert.ok(!JSON.stringify(status).includes(emulator.adminToken))
  })

  it('moves the clock, and says which durations it takes', async () => {
    const before = Date.parse((await admin.status()).clock.now)
    const {now, aheadSeconds} = await admin.advance('61m')
    assert.ok(Date.parse(now) - before >= 3_660_000)
    assert.equal(aheadSeconds, 3660)
    await assert.rejects(admin.advance('soon'), (error: Error & {code: string}) => error.code === 'INVALID_REQUEST' && /by: must be a duration/.test(error.message))
  })

  it('adds, lists and removes faults, which calls then meet', async () => {
    const {id} = await admin.addFault({match: {path: '/v1/user-info'}, do: {status: 503, retryAfter: 3}})
    const answer = await google('/v1/user-info')
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '3'])
    assert.deepEqual((await admin.faults()).map((one) => [one.id, one.struck]), [[id, 1]])
    await admin.removeFault(id)
    assert.equal((await google('/v1/user-info')).status, 200)
    await assert.rejects(admin.removeFault(id), {code: 'FAULT_NOT_FOUND', exit: 66})
    await assert.rejects(admin.addFault({do: {}}), {code: 'INVALID_REQUEST', exit: 64})
  })

  it('changes accounts, and knows which there are', async () => {
    assert.equal((await admin.setAccount('me@example.com', {balance: 3})).balance, 3)
    await assert.rejects(admin.setAccount('nobody@example.com', {balance: 3}), {code: 'ACCOUNT_NOT_FOUND', exit: 66})
    await assert.rejects(admin.setAccount('me@example.com', {blance: 3} as never), {code: 'INVALID_REQUEST'})
  })

  it('lets tokens expire and gives out others', async () => {
    assert.equal((await google('/v1/user-info')).status, 200)
    await admin.happen({expire: 'standing-tokens'})
    assert.equal((await google('/v1/user-info')).status, 401)
    await admin.reset()
    assert.equal((await google('/v1/user-info')).status, 200)
    assert.match(await admin.token('free@example.com'), /^emu-standing-/)
    await assert.rejects(admin.token('nobody@example.com'), {code: 'ACCOUNT_NOT_FOUND'})
  })

  it('takes one event at a time', async () => {
    await assert.rejects(admin.happen({}), {code: 'INVALID_REQUEST'})
    await assert.rejects(admin.happen({thaw: true, freeze: '*'}), /exclude each other/)
    await assert.rejects(admin.reclaim('m-nowhere'), {code: 'ENDPOINT_NOT_FOUND', exit: 66})
    await admin.reclaim()
  })

  it('freezes Google\'s side, itself not, and thaws it', async () => {
    await admin.happen({freeze: 'control'})
    let answered = false
    const asked = google('/v1/user-info').then((one) => (answered = one.ok))
    assert.deepEqual((await admin.status()).sites.map((one) => one.frozen), [true])
    assert.equal(answered, false)
    await admin.happen({thaw: true})
    assert.equal(await asked, true)
  })

  it('shows the log by filters, and clears it', async () => {
    for (const path of ['/v1/user-info', '/v1/assignments', '/nowhere']) await (await google(path)).text()
    const all = await admin.log()
    assert.deepEqual(all.map((one) => [one.path, one.status, one.account]), [['/v1/user-info', 200, 'me@example.com'], ['/v1/assignments', 200, 'me@example.com'], ['/nowhere', 404, 'me@example.com']])
    assert.equal(all[0]?.headers['authorization'], `Bearer ${emulator.token()}`)
    assert.deepEqual((await admin.log({since: all[1]?.id})).map((one) => one.path), ['/nowhere'])
    assert.deepEqual((await admin.log({status: 404})).map((one) => one.path), ['/nowhere'])
    assert.deepEqual((await admin.log({limit: 1, path: '/v1/'})).map((one) => one.path), ['/v1/assignments'])
    await admin.clearLog()
    assert.deepEqual(await admin.log(), [])
    await (await google('/nowhere')).text()
    assert.ok((await admin.log())[0]!.id > all[2]!.id)
  })

  it('loads scenarios by name or whole, and resets to the one that was loaded', async () => {
    assert.equal((await admin.load('flaky-network')).faults.length, 4)
    await admin.clearFaults()
    assert.equal((await admin.reset()).faults.length, 4)
    const mine = await admin.load('mine', {accounts: [{email: 'only@example.com'}], assign: ['quota']})
    assert.deepEqual([mine.scenario, mine.accounts.map((one) => one.email), mine.script], ['mine', ['only@example.com'], ['quota']])
    await assert.rejects(admin.load('nowhere'), {code: 'SCENARIO_NOT_FOUND', exit: 66})
    await assert.rejects(admin.load('/etc/passwd'), {code: 'SCENARIO_NOT_FOUND'})
    await assert.rejects(admin.load('bad', {faults: 5} as never), {code: 'SCENARIO_INVALID', exit: 64})
  })

  it('answers bad requests as errors, never with a crash', async () => {
    for (const [path, body] of [['/advance', '{'], ['/advance', '[]'], ['/faults', 'null'], ['/scenario', '{"name":5}'], ['/events', '"x"']] as const) {
      const answer = await ask(path, {method: 'POST', body})
      assert.equal(answer.status, 400, path)
      assert.equal(typeof ((await answer.json()) as {error: {message: string}}).error.message, 'string')
    }
    assert.equal((await ask('/log?limit=many')).status, 400)
    assert.equal((await ask('/nowhere')).status, 404)
  })

  it('writes for its user alone', async () => {
    assert.equal((await stat(emulator.folder)).mode & 0o777, 0o700)
    assert.equal((await stat(emulator.clientConfig)).mode & 0o777, 0o600)
    const {installed} = JSON.parse(await readFile(emulator.clientConfig, 'utf8')) as {installed: {token_uri: string}}
    assert.equal(installed.token_uri, `${emulator.url}/token`)
  })

  it('stops the emulator', async () => {
    await admin.stop()
    await emulator.closed
    await assert.rejects(admin.status(), {code: 'EMULATOR_UNREACHABLE', exit: 69})
  })
})

describe('the same seed', () => {
  const steps = async (seed: string): Promise<unknown> => {
    const emulator = await startEmulator({seed, python: () => Promise.reject(new Error('no machines here'))})
    try {
      const admin = new AdminClient(emulator)
      await admin.addFault({match: {probability: 0.5}, do: {status: 418}})
      const statuses: number[] = []
      for (let i = 0; i < 16; i++) {
        const answer = await fetch(`${emulator.url}/v1/user-info`, {headers: {authorization: `Bearer ${emulator.token()}`}})
        await answer.text()
        statuses.push(answer.status)
      }
      const before = [emulator.token(), emulator.dice.hex('endpoint', 8), statuses]
      await admin.reset()
      return [before, emulator.dice.hex('endpoint', 8)]
    } finally {
      await emulator.close()
    }
  }

  it('gives the same tokens, names and chances; another one gives others', async () => {
    const [one, again, other] = [await steps('a'), await steps('a'), await steps('b')]
    assert.deepEqual(one, again)
    assert.notDeepEqual(one, other)
  })
})
