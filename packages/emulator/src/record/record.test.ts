import assert from 'node:assert/strict'
import {mkdtemp, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Emulator, startEmulator} from '../emulator.ts'
import type {Recording} from './format.ts'
import {Scrubber} from './scrub.ts'

const noMachines = {python: () => Promise.reject(new Error('no machines here'))}

describe('Scrubber', () => {
  it('gives a secret the same name wherever it stands', () => {
    const scrubber = new Scrubber()
    scrubber.learnBody(')]}\'\n{"token":"xsrf-value/1","runtimeProxyInfo":{"token":"proxy-value"}}')
    scrubber.learnPairs([['authorization', 'Bearer ya29.abcdefgh']])
    assert.equal(scrubber.scrub('a xsrf-value/1 b xsrf-value%2F1 proxy-value ya29.abcdefgh'), 'a scrubbed-1 b scrubbed-1 scrubbed-2 scrubbed-3')
  })
  it('knows secrets by the members of a form', () => {
    const scrubber = new Scrubber()
    scrubber.learnBody('grant_type=refresh_token&refresh_token=refresh-value&client_secret=client-secret-value')
    assert.equal(scrubber.scrub('refresh-value client-secret-value refresh_token'), 'scrubbed-1 scrubbed-2 refresh_token')
  })
  it('finds a secret in its JSON spelling, and takes one that is no text', () => {
    const scrubber = new Scrubber()
    const body = JSON.stringify({token: 'quote"and\\slash', code: '\ud800\ud800\ud800\ud800\ud800\ud800'})
    scrubber.learnBody(body)
    assert.equal(scrubber.scrub(body), '{"token":"scrubbed-1","code":"scrubbed-2"}')
  })
  it('knows tokens by their look, also in plain text', () => {
    const scrubber = new Scrubber()
    const text = 'see eyJhbGciOi.eyJzdWIi.c2ln and 1//0abcdefghijk and GOCSPX-abcdefgh'
    scrubber.learnText(text)
    assert.equal(scrubber.scrub(text), 'see scrubbed-1 and scrubbed-2 and scrubbed-3')
  })
  it('replaces e-mail addresses unless told otherwise', () => {
    assert.equal(new Scrubber().scrub('ann@corp.test, bob%40corp.test, Ann@corp.test'), 'person1@example.com, person2%40example.com, person1@example.com')
    assert.equal(new Scrubber({keepEmails: true}).scrub('ann@corp.test'), 'ann@corp.test')
  })
})

describe('record and replay', () => {
  let folder: string
  let file: string
  let upstream: Emulator
  let token: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-record-'))
    file = join(folder, 'recording.json')
    upstream = await startEmulator({seed: 'record', ...noMachines})
    token = upstream.token()
  })
  after(async () => {
    await upstream.close()
    await rm(folder, {recursive: true, force: true})
  })

  /** What a client asks for a machine, as far as it comes without one. Answers of both steps. */
  const conversation = async (url: string, nbh: string): Promise<{xsrf: string; statuses: number[]; user: string}> => {
    const headers = {authorization: `Bearer ${token}`}
    const user = await fetch(`${url}/v1/user-info`, {headers})
    const assign = `/tun/m/assign?nbh=${nbh}&variant=GPU&accelerator=T4`
    const got = await fetch(url + assign, {headers})
    const {token: xsrf} = JSON.parse((await got.text()).slice(5)) as {token: string}
    // the query in another order
    const posted = await fetch(`${url}/tun/m/assign?accelerator=T4&variant=GPU&nbh=${nbh}`, {method: 'POST', headers: {...headers, 'x-goog-colab-token': xsrf}})
    const profile = await fetch(`${url}/oauth2/v2/userinfo`, {headers})
    return {xsrf, statuses: [user.status, got.status, posted.status, profile.status], user: `${await user.text()}${await profile.text()}`}
  }
  const nbh = (letter: string): string => `${letter.repeat(8)}_1111_4111_8111_111111111111........`

  it('answers without the upstream what was recorded, with secrets that were never there', async () => {
    upstream.world.queueAssign(['quota'])
    const recorder = await startEmulator({record: {file, upstream: upstream.url}, ...noMachines})
    const live = await conversation(recorder.url, nbh('a'))
    assert.deepEqual(live.statuses, [200, 200, 200, 200])
    await recorder.close()

    const text = await readFile(file, 'utf8')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    for (const secret of [token, live.xsrf, 'me@example.com']) assert.ok(!text.includes(secret), `${secret} is in the recording`)
    assert.equal((JSON.parse(text) as Recording).exchanges.length, 4)

    const replay = await startEmulator({replay: file, ...noMachines})
    try {
      const again = await conversation(replay.url, nbh('b'))
      assert.deepEqual(again.statuses, live.statuses)
      assert.notEqual(again.xsrf, live.xsrf)
      assert.match(again.user, /person1@example\.com/)
      assert.equal(upstream.log.query().length, 4)
    } finally {
      await replay.close()
    }
  })

  it('says with 599 what the recording does not have, and why', async () => {
    const replay = await startEmulator({replay: file, ...noMachines})
    const failure = async (path: string, init?: RequestInit): Promise<[number, string]> => {
      const answer = await fetch(replay.url + path, init)
      return [answer.status, ((await answer.json()) as {error: {message: string}}).error.message]
    }
    try {
      const [status, message] = await failure('/v1/assignments')
      assert.equal(status, 599)
      assert.match(message, /no GET \/v1\/assignments/)
      assert.match((await failure('/v1/user-info?more=1'))[1], /only with another query/)
      const assign = `/tun/m/assign?nbh=${nbh('c')}&variant=GPU&accelerator=T4`
      assert.match((await failure(assign, {method: 'POST', headers: {'x-goog-colab-token': 'another'}}))[1], /only with another x-goog-colab-token/)
    } finally {
      await replay.close()
    }
  })

  it('answers 502 when the upstream is away', async () => {
    const recorder = await startEmulator({record: {file: join(folder, 'none.json'), upstream: 'http://127.0.0.1:9'}, ...noMachines})
    const answer = await fetch(`${recorder.url}/v1/user-info`)
    assert.equal(answer.status, 502)
    await recorder.close()
  })

  it('refuses what is no recording, and an upstream that is no address', async () => {
    await writeFile(join(folder, 'bad.json'), '{"version": 1}')
    await assert.rejects(startEmulator({replay: join(folder, 'bad.json')}), {code: 'RECORDING_INVALID', exit: 65})
    await assert.rejects(startEmulator({replay: join(folder, 'nowhere.json')}), {code: 'RECORDING_NOT_FOUND', exit: 66})
    await assert.rejects(startEmulator({record: {file, upstream: 'ftp://x'}}), {code: 'INVALID_URL', exit: 64})
  })
})
