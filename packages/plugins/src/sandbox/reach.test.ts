import assert from 'node:assert/strict'
import {mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {readableFolders} from './reach.ts'

describe('what a plugin may read', () => {
  let base: string
  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'cgpu-reach-')))
  })
  afterEach(() => rmSync(base, {recursive: true, force: true}))
  const at = (path: string): string => join(base, path)
  function put(path: string, dependencies: Record<string, string> = {}): string {
    mkdirSync(at(path), {recursive: true})
    writeFileSync(join(at(path), 'package.json'), JSON.stringify({dependencies}))
    return at(path)
  }

  it('is its own folder and those of its packages, not what else is installed', () => {
    const root = put('node_modules/p', {a: '1', '@s/b': '1', '@oclif/core': '5', '../../../etc': '1'})
    const [a, b, nested] = [put('node_modules/a'), put('node_modules/@s/b', {c: '1'}), put('node_modules/@s/b/node_modules/c')]
    put('node_modules/other')
    put('node_modules/@oclif/core')
    assert.deepEqual(readableFolders(root, 'p').sort(), [root, a, b, nested].sort())
  })

  it('is not what a package points to by a link', () => {
    const [root, secret] = [put('node_modules/p', {away: '1'}), put('secret')]
    symlinkSync(secret, at('node_modules/away'))
    assert.deepEqual(readableFolders(root, 'p'), [root])
  })

  it('is nothing where a link leads out, wherever it points or will', () => {
    const root = put('node_modules/p', {a: '1'})
    put('node_modules/a')
    symlinkSync('package.json', join(root, 'within'))
    symlinkSync('../a/package.json', join(root, 'beside'))
    assert.equal(readableFolders(root, 'p').length, 2)
    for (const target of [at('secret'), '/etc/passwd', '../..', 'nowhere']) {
      symlinkSync(target, join(root, 'out'))
      assert.throws(() => readableFolders(root, 'p'), (error) => error instanceof Error && 'code' in error && error.code === 'SANDBOX_LINK', target)
      rmSync(join(root, 'out'))
    }
    assert.throws(() => readableFolders(put('node_modules/*'), 'p'), (error) => error instanceof Error && 'code' in error && error.code === 'SANDBOX_PATH')
  })
})
