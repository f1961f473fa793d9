import assert from 'node:assert/strict'
import {mkdir, mkdtemp, realpath, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path, {join} from 'node:path'
import * as fc from 'fast-check'
import {CgpuError} from '../errors.ts'
import {resolveInside, safeRelative} from './paths.ts'

/** Names that have been used to get out of folders. */
const part = fc.oneof(
  fc.constantFrom('..', '.', '', ' ', '...', '..\\', '\\..', 'C:', 'c:x', 'NUL', 'con.txt', 'com1', 'aux ', 'a.', '\\\\server', '?', '*', 'a:b', '%2e%2e', '․․', '\0', '\u202e', '~', '..\u0000', 'x'),
  fc.string({maxLength: 5}),
)
const hostile = fc.tuple(fc.constantFrom('', '/', '\\', '//', '\\\\?\\', 'C:\\', './'), fc.array(part, {maxLength: 6}), fc.constantFrom('/', '\\')).map(([start, parts, slash]) => start + parts.join(slash))

describe('safeRelative', () => {
  it('keeps what is harmless, in plain form', () => {
    for (const [given, plain] of [['a', 'a'], ['./a//b/./c', 'a/b/c'], ['model.pt', 'model.pt'], ['..a/b..', '..a/b..'], ['größe/漢字 1.txt', 'größe/漢字 1.txt'], ['~/x', '~/x']] as const) {
      assert.equal(safeRelative(given, 'linux'), plain)
    }
    assert.equal(safeRelative('a\\b', 'win32'), 'a/b')
    assert.equal(safeRelative('a?b:c', 'linux'), 'a?b:c')
    assert.equal(safeRelative('aux.py', 'linux'), 'aux.py')
  })

  for (const given of ['', ' ', '.', './', './ ', './C:x', '/', '/etc/passwd', '\\x', '\\\\server\\share', '//x', 'C:', 'c:\\x', 'C:x', '..', '../x', 'a/../x', 'a/..', 'a\\..\\x', 'a\0', 'a\nb', 'a\u009bb', 'x'.repeat(5000)]) {
    it(`refuses ${JSON.stringify(given.slice(0, 20))} everywhere`, () => {
      for (const platform of ['linux', 'darwin', 'win32'] as const) assert.throws(() => safeRelative(given, platform), {code: 'UNSAFE_PATH', exit: 65})
    })
  }

  for (const given of ['nul', 'CON.txt', 'a/com1', 'lpt9.log', 'aux .txt', 'a.', 'a /b', 'a<b', 'a|b', 'a"b', 'a?', 'a:stream', 'COM¹', 'conin$']) {
    it(`refuses ${JSON.stringify(given)} on Windows`, () => assert.throws(() => safeRelative(given, 'win32'), {code: 'UNSAFE_PATH'}))
  }

  for (const [platform, semantics, root] of [['linux', path.posix, '/root/dir'], ['win32', path.win32, 'D:\\root\\dir']] as const) {
    it(`never names a file outside of the folder (${platform})`, () => {
      let accepted = 0
      fc.assert(fc.property(hostile, given => {
        let plain: string
        try {
          plain = safeRelative(given, platform)
        } catch (error) {
          assert.ok(error instanceof CgpuError && error.code === 'UNSAFE_PATH')
          return
        }
        accepted++
        const absolute = semantics.resolve(root, plain)
        assert.ok(absolute.startsWith(root + semantics.sep), `${given} -> ${absolute}`)
        assert.equal(semantics.relative(root, absolute).split(semantics.sep).join('/'), plain)
        assert.equal(safeRelative(plain, platform), plain)
      }), {numRuns: 20_000})
      assert.ok(accepted > 500, `only ${accepted} accepted`)
    }).timeout(60_000)
  }
})

describe('resolveInside', () => {
  let top = ''
  let root = ''
  beforeEach(async () => {
    top = await realpath(await mkdtemp(join(tmpdir(), 'cgpu-paths-')))
    root = join(top, 'root')
    await mkdir(join(root, 'a'), {recursive: true})
    await mkdir(join(top, 'outside'))
    await writeFile(join(root, 'file'), '')
  })
  afterEach(() => rm(top, {recursive: true, force: true}))

  it('gives the place of new and existing files', async () => {
    assert.equal(await resolveInside(root, 'a/b/c'), join(root, 'a', 'b', 'c'))
    assert.equal(await resolveInside(root, './file'), join(root, 'file'))
  })

  it('follows links that stay inside', async () => {
    await symlink(join(root, 'a'), join(root, 'inner'))
    assert.equal(await resolveInside(root, 'inner/x'), join(root, 'a', 'x'))
    await symlink(root, join(top, 'alias'))
    assert.equal(await resolveInside(join(top, 'alias'), 'a/x'), join(root, 'a', 'x'))
  })

  for (const [what, target] of [['outside', '../outside'], ['to a sibling with the same beginning', '../root-2'], ['nowhere', '../none'], ['to itself', 'link'], ['upwards', '..']] as const) {
    it(`refuses a link that leads ${what}, in the middle and at the end`, async () => {
      await mkdir(join(top, 'root-2'))
      await symlink(target, join(root, 'link'))
      await assert.rejects(resolveInside(root, 'link/x'), {code: 'UNSAFE_PATH', exit: 65})
      await assert.rejects(resolveInside(root, 'link'), {code: 'UNSAFE_PATH'})
    })
  }

  it('refuses a way through a file, and a root that is not there', async () => {
    await assert.rejects(resolveInside(root, 'file/x'), {code: 'UNSAFE_PATH'})
    await assert.rejects(resolveInside(join(top, 'none'), 'x'), {code: 'CANNOT_WRITE', exit: 73})
    await assert.rejects(resolveInside(root, '../outside/x'), {code: 'UNSAFE_PATH'})
  })
})
