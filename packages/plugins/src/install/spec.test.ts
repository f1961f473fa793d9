import assert from 'node:assert/strict'
import {shownAddress} from './shown-address.ts'
import {parseSpec} from './spec.ts'

describe('what is asked to be installed', () => {
  it('is a name of the registry, a tarball, or a git repository', () => {
    const cases: [string, object][] = [
      ['cgpu-plugin-x', {kind: 'registry', name: 'cgpu-plugin-x', want: 'latest'}], ['@a/b@^1.2', {kind: 'registry', name: '@a/b', want: '^1.2'}], ['x@next', {kind: 'registry', name: 'x', want: 'next'}],
      ['./x-1.0.0.tgz', {kind: 'tarball', from: './x-1.0.0.tgz'}], ['file:x.tar.gz', {kind: 'tarball', from: 'x.tar.gz'}], ['https://example.com/x', {kind: 'tarball', from: 'https://example.com/x'}],
      ['git+https://example.com/a/b.git#v1', {kind: 'git', url: 'https://example.com/a/b.git', ref: 'v1'}], ['github:a/b', {kind: 'git', url: 'https://github.com/a/b.git', ref: undefined}],
    ]
    for (const [typed, expected] of cases) assert.deepEqual(parseSpec(typed), expected, typed)
  })

  it('is shown without what may be a password', () => {
    const cases: [string, string][] = [
      ['git+https://me:secret@example.com/a/b.git#v1', 'git+https://…@example.com/a/b.git#v1'], ['https://token@example.com/x.tgz', 'https://…@example.com/x.tgz'], ['https://a:b/c@d@example.com/', 'https://a:b/c@d@example.com/'],
      ['git+ssh://git@example.com/a.git', 'git+ssh://git@example.com/a.git'], ['git+ssh://me:secret@example.com/a.git', 'git+ssh://…@example.com/a.git'], ['@scope/x@^1', '@scope/x@^1'], ['./x@1.tgz', './x@1.tgz'],
    ]
    for (const [address, shown] of cases) assert.equal(shownAddress(address), shown)
    assert.throws(() => parseSpec('http://me:secret@example.com/x.tgz'), (error) => error instanceof Error && !error.message.includes('secret') && 'fix' in error && !String(error.fix).includes('secret'))
  })

  it('is refused where it could mean something else', () => {
    for (const typed of ['', '@', '@a', 'X', 'a/b', '../x', '/abs/dir', 'file:.', 'x@', 'x@a b', 'x@npm:y', 'http://example.com/x.tgz', 'https://[x', 'ftp://x/y.tgz', 'git+https://x y', 'git+ext::sh -c id', 'git+https://x/y#--upload-pack=id x', '.hidden', 'x'.repeat(300)]) {
      assert.throws(() => parseSpec(typed), (error) => error instanceof Error && 'code' in error && error.code === 'PLUGIN_SPEC', typed)
    }
  })
})
