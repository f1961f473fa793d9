import assert from 'node:assert/strict'
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

  it('is refused where it could mean something else', () => {
    for (const typed of ['', '@', '@a', 'X', 'a/b', '../x', '/abs/dir', 'file:.', 'x@', 'x@a b', 'x@npm:y', 'http://example.com/x.tgz', 'https://[x', 'ftp://x/y.tgz', 'git+https://x y', 'git+ext::sh -c id', 'git+https://x/y#--upload-pack=id x', '.hidden', 'x'.repeat(300)]) {
      assert.throws(() => parseSpec(typed), (error) => error instanceof Error && 'code' in error && error.code === 'PLUGIN_SPEC', typed)
    }
  })
})
