import assert from 'node:assert/strict'
import type {Capability} from '../manifest.ts'
import {checkGrants, dangerOf, newCapabilities} from './consent.ts'

const reason = 'why'
const files = (write: string[], read: string[] = []): Capability => ({use: 'files', read, write, reason})

describe('consent', () => {
  it('is not given by --yes to programs, writing elsewhere, and all hosts', () => {
    const cases: [Capability, string | undefined][] = [
      [{use: 'exec', programs: ['git'], reason}, 'exec'], [{use: 'net', hosts: ['*'], reason}, 'all-hosts'], [{use: 'net', hosts: ['*:443'], reason}, 'all-hosts'], [{use: 'net', hosts: ['*.example.com'], reason}, undefined],
      [files(['./out', 'data/x']), undefined], [files([], ['/etc']), undefined], [{use: 'kernel', reason}, undefined],
      ...['/tmp', '~/x', '../x', 'a/../../x', 'C:\\x', '$HOME/x', '\\\\server\\x'].map((path): [Capability, string] => [files([path]), 'write']),
    ]
    for (const [one, danger] of cases) {
      assert.equal(dangerOf(one), danger, JSON.stringify(one))
      if (danger === undefined) checkGrants([one], [], 'cgpu plugins install x')
      else assert.throws(() => checkGrants([one], [], 'cgpu plugins install x'), (error) => error instanceof Error && 'fix' in error && String(error.fix).includes(`--grant ${danger}`))
    }
    checkGrants([{use: 'exec', programs: ['git'], reason}], ['exec'], 'x')
    // what was named already is named in the line to type, too
    assert.throws(() => checkGrants([{use: 'exec', programs: ['git'], reason}, files(['/tmp'])], ['exec'], 'install x'), {fix: /: install x --yes --grant exec --grant write$/})
  })

  it('is asked for again for what is new only', () => {
    const net = (...hosts: string[]): Capability => ({use: 'net', hosts, reason})
    assert.deepEqual(newCapabilities([net('a'), net('a', 'b')], [net('a', 'b'), net('c')]), [])
    assert.deepEqual(newCapabilities([net('a', 'd')], [net('a'), net('d')]), [net('a', 'd')])
    assert.deepEqual(newCapabilities([{...net('a'), reason: 'another'}], [net('a')]), [])
    assert.deepEqual(newCapabilities([{use: 'runtimes', access: 'read', reason}], [{use: 'runtimes', access: 'manage', reason}]), [])
    assert.equal(newCapabilities([{use: 'runtimes', access: 'manage', reason}, files(['x']), {use: 'secrets', names: ['A'], reason}, {use: 'kernel', reason}], [{use: 'runtimes', access: 'read', reason}, files([], ['x'])]).length, 4)
  })
})
