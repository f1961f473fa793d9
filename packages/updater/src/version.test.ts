import assert from 'node:assert/strict'
import {channelOf, compareVersions, isVersion} from './version.ts'

describe('versions', () => {
  it('are ordered as semantic versions are', () => {
    const inOrder = ['0.9.9', '0.10.0-alpha', '0.10.0-alpha.1', '0.10.0-alpha.beta', '0.10.0-beta.2', '0.10.0-beta.11', '0.10.0', '1.0.0-nightly.20261129', '1.0.0', '10.0.0']
    const mixed = inOrder.toReversed().toSorted(compareVersions)
    assert.deepEqual(mixed, inOrder)
    assert.equal(compareVersions('1.0.0', '1.0.0'), 0)
    assert.ok(compareVersions('rubbish', '0.0.1') < 0)
  })

  it('name their channel', () => {
    const cases: [version: string, channel: string][] = [['1.0.0', 'stable'], ['1.0.0-beta.1', 'beta'], ['1.0.0-rc.1', 'beta'], ['1.0.0-nightly.20261129', 'nightly']]
    for (const [version, channel] of cases) assert.equal(channelOf(version), channel)
  })

  it('are nothing that leads to another path', () => {
    for (const text of ['', '1', '1.0', '1.0.0/..', '../1.0.0', '1.0.0-a/b', '1.0.0+x', `1.0.${'0'.repeat(10)}`]) assert.equal(isVersion(text), false, text)
  })
})
