import assert from 'node:assert/strict'
import {mkdtemp, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {ProxyToken} from '../api/api.ts'
import {ProxyTokens} from './tokens.ts'

const minute = 60_000

describe('proxy tokens', () => {
  let folder = ''
  let time = {uptime: 0, wall: 0}
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-tokens-'))
    time = {uptime: 5 * minute, wall: Date.parse('2026-11-22T12:00:00Z')}
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  const open = (): ProxyTokens => new ProxyTokens(folder, {uptime: () => time.uptime, wall: () => time.wall})
  const pass = (ms: number): void => void (time = {uptime: time.uptime + ms, wall: time.wall + ms})
  const token = (text: string, ttlSeconds = 3600): ProxyToken => ({url: 'https://m.prod.colab.dev', token: text, ttlSeconds})
  let asked = 0
  const giving = (text: string, ttlSeconds?: number) => () => {
    asked += 1
    return Promise.resolve(token(text, ttlSeconds))
  }

  it('are shared, private, and asked for once by all who want one at the same time', async () => {
    asked = 0
    const got = await Promise.all(Array.from({length: 8}, () => open().renew('m', 8080, giving('one'))))
    assert.deepEqual(got.map((one) => one?.token), Array.from({length: 8}, () => 'one'))
    assert.equal(asked, 1)
    if (process.platform !== 'win32') assert.equal((await stat(join(folder, 'proxy-tokens.json'))).mode & 0o777, 0o600)
  })

  it('are replaced five minutes ahead of their end, or in their last quarter', async () => {
    for (const [ttl, good, due] of [[3600, 54 * minute, 56 * minute], [120, 1.4 * minute, 1.6 * minute]] as const) {
      await open().drop(() => true)
      await open().renew('m', 8080, giving('one', ttl))
      pass(good)
      assert.equal((await open().fresh('m', 8080))?.token, 'one')
      pass(due - good)
      assert.equal(await open().fresh('m', 8080), undefined)
    }
  })

  it('are another after a refusal, which others learn of without asking', async () => {
    await open().renew('m', 8080, giving('one'))
    asked = 0
    const got = await Promise.all(Array.from({length: 4}, () => open().renew('m', 8080, giving('two'), 'one')))
    assert.deepEqual([...new Set(got.map((one) => one?.token))], ['two'])
    assert.equal(asked, 1)
  })

  const clocks: [string, () => void, boolean][] = [
    ['the clock is set back a day', () => void (time.wall -= 1440 * minute), true],
    ['the clock is set ahead a day', () => void (time.wall += 1440 * minute), false],
    ['the machine was started anew just now', () => void (time = {uptime: 0, wall: time.wall + minute}), true],
    ['the machine was started anew, hours later', () => void (time = {uptime: 0, wall: time.wall + 180 * minute}), false],
    ['the machine was started anew with its clock set back', () => void (time = {uptime: 0, wall: 0}), false],
    ['it slept for hours', () => pass(180 * minute), false],
  ]
  for (const [what, happen, good] of clocks) {
    it(`are ${good ? 'good' : 'asked for anew'} when ${what}`, async () => {
      await open().renew('m', 8080, giving('one'))
      happen()
      assert.equal((await open().fresh('m', 8080)) !== undefined, good)
    })
  }

  it('of one port and machine are not those of another; what is over is not kept', async () => {
    await open().renew('m', 8080, giving('one'))
    await open().renew('m', 8000, giving('port'))
    await open().offer([{endpoint: 'n', proxy: token('other')}, {endpoint: 'm', proxy: token('newer')}])
    assert.deepEqual(await Promise.all([['m', 8080], ['m', 8000], ['n', 8080], ['n', 8000]].map(async ([endpoint, port]) => (await open().fresh(String(endpoint), Number(port)))?.token)), ['one', 'port', 'other', undefined])
    await open().drop((endpoint) => endpoint === 'm')
    assert.equal(await open().fresh('m', 8000), undefined)
    pass(61 * minute)
    await open().offer([{endpoint: 'o', proxy: token('last')}])
    assert.doesNotMatch(await readFile(join(folder, 'proxy-tokens.json'), 'utf8'), /one|port|other/)
  })

  it('are asked for anew when their file is broken, and none when there is no machine', async () => {
    for (const broken of ['', '{"version": 1, "tok', '{"version": 1, "tokens": {"m:8080": {"token": 7}}}']) {
      await writeFile(join(folder, 'proxy-tokens.json'), broken, {mode: 0o600})
      assert.equal(await open().fresh('m', 8080), undefined)
      assert.equal((await open().renew('m', 8080, giving('again')))?.token, 'again')
    }
    assert.equal(await open().renew('gone', 8080, () => Promise.resolve(null)), undefined)
  })
})
