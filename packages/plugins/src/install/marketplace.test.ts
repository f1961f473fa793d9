import assert from 'node:assert/strict'
import {generateKeyPairSync} from 'node:crypto'
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import type {Send} from './http.ts'
import {type IndexDocument, indexKeyText, openIndex, revocationOf, signIndex} from './index-document.ts'
import {type MarketplaceOptions, readMarketIndex} from './marketplace.ts'

function keys(): {pem: string; key: string; der: string} {
  const {privateKey, publicKey} = generateKeyPairSync('ed25519')
  return {pem: privateKey.export({type: 'pkcs8', format: 'pem'}).toString(), key: indexKeyText(publicKey), der: publicKey.export({type: 'spki', format: 'der'}).toString('base64')}
}
const mine = keys()
const other = keys()
const now = new Date('2026-06-01T00:00:00Z')
const document = (more: Partial<IndexDocument> = {}): IndexDocument => ({generatedAt: '2026-05-01T00:00:00Z', expiresAt: '2026-08-01T00:00:00Z', plugins: [{name: 'cgpu-plugin-hello', summary: 'says hello'}], revoked: [], ...more})
const signed = (more: Partial<IndexDocument> = {}, pem = mine.pem): string => signIndex(document(more), pem)

describe('an index of plugins', () => {
  it('is believed for its signature by one of the keys, in either spelling', () => {
    for (const given of [[mine.key], [mine.der], [other.key, mine.key]]) {
      const opened = openIndex(signed(), given, now)
      assert.deepEqual([opened.expired, opened.key, opened.plugins[0]?.name], [false, mine.key, 'cgpu-plugin-hello'])
    }
    assert.equal(openIndex(signed(), [mine.key], new Date('2026-08-01T00:00:00Z')).expired, true)
  })

  it('is refused when it is anything else', () => {
    const good = JSON.parse(signed()) as {index: string; signature: string}
    const cases: [body: string, said: RegExp][] = [
      ['<html>', /not JSON/], ['[]', /not signed/], [JSON.stringify(document()), /not signed/], [JSON.stringify({index: good.index}), /not signed/],
      [JSON.stringify({...good, index: good.index.replace('hello', 'hollo')}), /signature is wrong/], [JSON.stringify({...good, index: `${good.index} `}), /signature is wrong/],
      [JSON.stringify({...good, signature: 'AAAA'}), /signature is wrong/], [signed({}, other.pem), /signature is wrong/],
      [signed({expiresAt: 'never'}), /expiresAt is no time/], [signed({plugins: [{name: '../evil'}]}), /plugins\.0\.name is no name/], [signed({revoked: [{name: 'x', versions: 'one', reason: 'r'}]}), /is no range/],
    ]
    for (const [body, said] of cases) assert.throws(() => openIndex(body, [mine.key], now), (error: Error & {code?: string; exit?: number}) => error.code === 'PLUGIN_INDEX' && error.exit === 65 && said.test(error.message), body)
    for (const bad of ['', 'ed25519:short', Buffer.from('x').toString('base64')]) assert.throws(() => openIndex(signed(), [bad], now), {code: 'PLUGIN_INDEX_KEY', exit: 64})
  })

  it('warns of versions, prereleases among them', () => {
    const index = openIndex(signed({revoked: [{name: 'x', versions: '<2', reason: 'mines\u001b[2J'}]}), [mine.key], now)
    assert.deepEqual(['1.9.0', '1.9.0-beta.1', '2.0.0'].map((version) => revocationOf(index, 'x', version)), ['mines\\x1b[2J', 'mines\\x1b[2J', undefined])
    assert.equal(revocationOf(index, 'y', '1.0.0'), undefined)
  })
})

describe('reading the index of plugins', () => {
  let cacheDir: string
  beforeEach(() => void (cacheDir = mkdtempSync(join(tmpdir(), 'cgpu-index-'))))
  afterEach(() => rmSync(cacheDir, {recursive: true, force: true}))
  const serving = (body: string, status = 200): Send => async () => ({status, headers: {}, body: Buffer.from(body)})
  const dead: Send = async () => {
    throw errors.network('the index of plugins at i.example cannot be reached: nothing listens there', {code: 'REGISTRY_UNREACHABLE', fix: 'x'})
  }
  const read = (sender: Send, more: Partial<MarketplaceOptions> = {}) => readMarketIndex({from: 'https://i.example/index.json', keys: [mine.key], cacheDir, offline: false, sender, now, ...more})

  it('keeps what was fetched, and gives it with its age where nothing better can be had', async () => {
    assert.deepEqual(await read(dead).then(({index, warnings, problem}) => [index, warnings.length, problem?.code]), [undefined, 1, 'PLUGIN_INDEX_UNREACHABLE'])
    const first = await read(serving(signed()))
    assert.deepEqual([first.index?.plugins.length, first.cachedAt, first.warnings], [1, undefined, []])
    const later = new Date('2026-06-03T00:00:00Z')
    const cut = await read(dead, {now: later})
    assert.deepEqual([cut.index?.plugins.length, cut.cachedAt], [1, now.toISOString()])
    assert.deepEqual(cut.warnings, ['the index of plugins at i.example cannot be reached: nothing listens there; the one that was fetched 2 d ago is used'])
    assert.deepEqual(await read(dead, {offline: true}).then(({index, warnings}) => [index?.plugins.length, warnings]), [1, []])
    assert.equal((await read(serving('', 503))).problem?.code, 'PLUGIN_INDEX_UNREACHABLE')
  })

  it('falls back on it, and tells, where what came was tampered with, unsigned or older', async () => {
    await read(serving(signed()))
    const tampered = await read(serving(signed().replace('says hello', 'says hollo')))
    assert.deepEqual([tampered.index?.plugins[0]?.['summary'], tampered.problem?.code, tampered.warnings.length], ['says hello', 'PLUGIN_INDEX', 1])
    assert.match((await read(serving('{"plugins": []}'))).warnings.join(), /it is not signed; the one that was fetched .* is used/)
    const old = await read(serving(signed({generatedAt: '2026-04-01T00:00:00Z', plugins: []})))
    assert.deepEqual([old.index?.plugins.length, old.problem], [1, undefined])
    assert.match(old.warnings.join(), /older than one that was seen before/)
  })

  it('believes the cache for its signature too, and of another key or address nothing', async () => {
    await read(serving(signed()))
    assert.equal((await read(dead, {keys: [other.key]})).index, undefined)
    assert.equal((await read(dead, {from: 'https://else.example/index.json'})).index, undefined)
    const [file = ''] = readdirSync(join(cacheDir, 'plugins/index'))
    const path = join(cacheDir, 'plugins/index', file)
    writeFileSync(path, readFileSync(path, 'utf8').replace('says hello', 'says hollo'))
    assert.equal((await read(dead)).index, undefined)
  })

  it('says when it ran out', async () => {
    const {index, warnings} = await read(serving(signed({expiresAt: '2026-05-25T00:00:00Z'})))
    assert.equal(index?.expired, true)
    assert.deepEqual(warnings, ['the index of plugins ran out 7 d ago: what it recommends does not count any more, what it warns of does'])
  })
})
