import assert from 'node:assert/strict'
import {mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {reachOf} from './reach.ts'

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
    assert.deepEqual(reachOf(root, 'p').folders.sort(), [root, a, b, nested].sort())
  })

  it('is not what a package points to by a link', () => {
    const [root, secret] = [put('node_modules/p', {away: '1'}), put('secret')]
    symlinkSync(secret, at('node_modules/away'))
    assert.deepEqual(reachOf(root, 'p').folders, [root])
  })

  it('is also the links by which packages are found that lie elsewhere, as pnpm has them', () => {
    const root = put('node_modules/p', {a: '1', '@s/b': '1'})
    mkdirSync(at('node_modules/@s'))
    const real = [put('node_modules/.pnpm/a@1/node_modules/a', {c: '1'}), put('node_modules/.pnpm/b@1/node_modules/@s/b'), put('node_modules/.pnpm/c@1/node_modules/c')]
    const links = [['node_modules/a', '.pnpm/a@1/node_modules/a'], ['node_modules/@s/b', '../.pnpm/b@1/node_modules/@s/b'], ['node_modules/.pnpm/a@1/node_modules/c', '../../c@1/node_modules/c']] as const
    for (const [link, to] of links) symlinkSync(to, at(link))
    const reach = reachOf(root, 'p')
    assert.deepEqual(reach.folders.sort(), [root, ...real].sort())
    assert.deepEqual(new Map(reach.links.map((one) => [one.at, one.to])), new Map([[at('node_modules/a'), real[0]], [at('node_modules/@s/b'), real[1]], [at('node_modules/.pnpm/a@1/node_modules/c'), real[2]]]))
    // within a package it comes with that
    put('node_modules/q/node_modules/.pnpm/a@1/node_modules/a')
    symlinkSync('.pnpm/a@1/node_modules/a', at('node_modules/q/node_modules/a'))
    assert.deepEqual(reachOf(put('node_modules/q', {a: '1'}), 'q').links, [])
  })

  it('is nothing where a link leads out, wherever it points or will', () => {
    const root = put('node_modules/p', {a: '1'})
    put('node_modules/a')
    symlinkSync('package.json', join(root, 'within'))
    symlinkSync('../a/package.json', join(root, 'beside'))
    assert.equal(reachOf(root, 'p').folders.length, 2)
    for (const target of [at('secret'), '/etc/passwd', '../..', 'nowhere']) {
      symlinkSync(target, join(root, 'out'))
      assert.throws(() => reachOf(root, 'p').folders, (error) => error instanceof Error && 'code' in error && error.code === 'SANDBOX_LINK', target)
      rmSync(join(root, 'out'))
    }
    assert.throws(() => reachOf(put('node_modules/*'), 'p'), (error) => error instanceof Error && 'code' in error && error.code === 'SANDBOX_PATH')
  })
})
