import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {CgpuError} from '../errors.ts'
import {sweepTemps, writeAtomic} from './atomic.ts'
import {cannotWrite} from './write-error.ts'

const posix = process.platform !== 'win32'

describe('writeAtomic', () => {
  let folder = ''
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'cgpu-atomic-')) })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  it('writes text and bytes, private by default, and leaves nothing else', async () => {
    await writeAtomic(join(folder, 'a'), 'one')
    await writeAtomic(join(folder, 'a'), Uint8Array.of(0, 255))
    assert.deepEqual([...await readFile(join(folder, 'a'))], [0, 255])
    assert.deepEqual(await readdir(folder), ['a'])
    if (posix) assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o600)
  })

  it('makes missing folders, private', async () => {
    await writeAtomic(join(folder, 'x', 'y', 'a'), '1', {mode: 0o644})
    if (posix) assert.equal((await stat(join(folder, 'x'))).mode & 0o777, 0o700)
  })

  it('replaces a link, or writes through it when asked to', async () => {
    await writeFile(join(folder, 'real'), 'old')
    await symlink(join(folder, 'real'), join(folder, 'link'))
    await writeAtomic(join(folder, 'link'), 'through', {followLink: true})
    assert.equal(await readFile(join(folder, 'real'), 'utf8'), 'through')
    assert.equal(await readlink(join(folder, 'link')), join(folder, 'real'))
    await writeAtomic(join(folder, 'link'), 'replaced')
    assert.equal(await readFile(join(folder, 'real'), 'utf8'), 'through')
    await assert.rejects(readlink(join(folder, 'link')))
  })

  it('says which path and why when a folder or a file is in the way', async () => {
    await mkdir(join(folder, 'dir'))
    await writeFile(join(folder, 'file'), 'kept')
    for (const path of [join(folder, 'dir'), join(folder, 'file', 'below'), join(folder, 'n'.repeat(300))]) {
      await assert.rejects(writeAtomic(path, 'x'), (error: unknown) => {
        assert.ok(error instanceof CgpuError)
        assert.deepEqual([error.code, error.exit, error.category], ['CANNOT_WRITE', 73, 'file'])
        assert.ok(error.message.includes(path) || error.message.includes('…'))
        assert.ok(error.fix)
        return true
      })
    }
    assert.deepEqual((await readdir(folder)).sort(), ['dir', 'file'])
    assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'kept')
  })

  it('keeps the old file when the new one does not fit', async () => {
    if (!posix) return
    // a full disk needs root to make, so a limit on the size of files stands in for it: a write fails half way just so
    const script = `
      import {writeAtomic} from ${JSON.stringify(join(import.meta.dirname, 'atomic.ts'))}
      await writeAtomic(process.argv[1], 'y'.repeat(200000)).catch(error => console.log(error.code, error.exit))`
    await writeFile(join(folder, 'a'), 'old')
    const {stdout} = await promisify(execFile)('bash', ['-c', 'ulimit -f 100; trap "" XFSZ; exec "$0" "$@"', process.execPath, '--conditions=cgpu-source', '--input-type=module', '-e', script, join(folder, 'a')])
    assert.equal(stdout.trim(), 'CANNOT_WRITE 73')
    assert.equal(await readFile(join(folder, 'a'), 'utf8'), 'old')
    assert.deepEqual(await readdir(folder), ['a'])
  })

  for (const [errno, words] of [['ENOSPC', 'the disk is full'], ['EROFS', 'the disk is read-only'], ['EACCES', 'permission denied'], ['EDQUOT', 'quota'], ['EWHATEVER', 'odd']] as const) {
    it(`puts ${errno} in plain words`, () => {
      const error = cannotWrite('/some/\u0007path', Object.assign(new Error('odd'), {code: errno}))
      assert.equal(error.exit, 73)
      assert.ok(error.message.includes(words), error.message)
      assert.ok(error.message.includes(String.raw`/some/\x07path`))
      assert.ok(error.fix)
    })
  }

  it('respects permissions of the folder', async function () {
    await chmod(folder, 0o500)
    // root may write anywhere: only others can be refused
    if (posix && process.getuid?.() !== 0) await assert.rejects(writeAtomic(join(folder, 'a'), 'x'), {code: 'CANNOT_WRITE', message: /permission denied/})
    await chmod(folder, 0o700)
  })

  it('collects old temp files of its own and nothing else', async () => {
    const old = new Date(Date.now() - 3_700_000)
    for (const name of ['.a.1-ff.cgpu-tmp', 'a.cgpu-tmp', '.a.tmp', '.new.2-ff.cgpu-tmp']) await writeFile(join(folder, name), '')
    for (const name of ['.a.1-ff.cgpu-tmp', 'a.cgpu-tmp', '.a.tmp']) await utimes(join(folder, name), old, old)
    assert.equal(await sweepTemps(folder), 1)
    assert.deepEqual((await readdir(folder)).sort(), ['.a.tmp', '.new.2-ff.cgpu-tmp', 'a.cgpu-tmp'])
    assert.equal(await sweepTemps(join(folder, 'none')), 0)
  })

  it('survives many writers of one file', async () => {
    const path = join(folder, 'a')
    const texts = Array.from({length: 30}, (_, index) => `${index}`.repeat(20_000))
    await Promise.all(texts.map(text => writeAtomic(path, text)))
    assert.ok(texts.includes(await readFile(path, 'utf8')))
    assert.deepEqual(await readdir(folder), ['a'])
  })
})
