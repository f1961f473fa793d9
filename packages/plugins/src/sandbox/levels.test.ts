import assert from 'node:assert/strict'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {TrustStore} from '../trust.ts'
import {untrustedAmong} from './levels.ts'

describe('plugins that are not to be loaded into cgpu', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgpu-levels-'))
  })
  afterEach(() => rmSync(folder, {recursive: true, force: true}))
  const names = (): string[] => [...untrustedAmong(folder, ['a', 'b', 'c']).keys()]

  it('are none where nobody decided about any', () => assert.deepEqual(names(), []))

  it('are those that the store says are untrusted, with the terms', async () => {
    const store = new TrustStore(folder)
    const at = '2026-11-29T00:00:00.000Z'
    await store.put({name: 'a', level: 'untrusted', version: '1.0.0', granted: [{use: 'kernel', reason: 'x'}, {use: 'runtimes', access: 'read', reason: 'x'}], at, acceptsNetwork: true})
    await store.put({name: 'b', level: 'trusted', version: '1.0.0', granted: [], at})
    await store.put({name: 'elsewhere', level: 'untrusted', version: '1.0.0', granted: [], at})
    assert.deepEqual([...untrustedAmong(folder, ['a', 'b', 'c'])], [['a', {acceptsNetwork: true, version: '1.0.0', runsCode: true, managesRuntimes: false}]])
    assert.equal((await store.get('a'))?.acceptsNetwork, true)
  })

  it('are all where the file cannot be understood, and each whose level is none', () => {
    const file = join(folder, 'plugin-trust.json')
    for (const text of ['', 'x', '[]', '{"plugins": []}']) {
      writeFileSync(file, text)
      assert.deepEqual(names(), ['a', 'b', 'c'], text)
    }
    writeFileSync(file, '{"plugins": {"a": {"level": "TRUSTED"}, "b": null, "c": {"level": "trusted"}}}')
    assert.deepEqual(names(), ['a', 'b'])
  })
})
