import assert from 'node:assert/strict'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Trust, TrustStore} from './trust.ts'

describe('what people agreed to', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgpu-trust-'))
  })
  afterEach(() => rmSync(folder, {recursive: true, force: true}))
  const trust = (name: string): Trust => ({name, level: 'untrusted', version: '1.2.3', granted: [{use: 'net', hosts: ['x.example'], reason: 'why'}], at: '2026-11-29T00:00:00.000Z'})

  it('is kept by the plugin\'s name', async () => {
    const store = new TrustStore(folder)
    assert.equal(await store.get('constructor'), undefined)
    await Promise.all(['a', 'b', '@c/d'].map(name => store.put(trust(name))))
    await store.remove('b')
    assert.deepEqual((await new TrustStore(folder).all()).map(({name}) => name).sort(), ['@c/d', 'a'])
    assert.deepEqual(await store.get('a'), trust('a'))
  })

  it('is nothing where it cannot be understood', async () => {
    const store = new TrustStore(folder)
    await store.put(trust('a'))
    await store.put(trust('b'))
    const path = join(folder, 'plugin-trust.json')
    const file = JSON.parse(readFileSync(path, 'utf8')) as {plugins: Record<string, Record<string, unknown>>}
    Object.assign(file.plugins['a'] ?? {}, {level: 'root'})
    writeFileSync(path, JSON.stringify(file))
    assert.deepEqual((await store.all()).map(({name}) => name), ['b'])
  })
})
