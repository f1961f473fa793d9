import assert from 'node:assert/strict'
import {mkdtemp, rm, utimes, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {planRun} from '../execution/plan.ts'
import {fingerprintOf} from './key.ts'

describe('the fingerprint of a run', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'cgpu-key-'))
    await writeFile(join(dir, 'a.py'), 'print(1)\n')
    await writeFile(join(dir, 'data.bin'), '0123456789')
  })
  afterEach(() => rm(dir, {recursive: true, force: true}))
  const of = async (most?: number): Promise<string> =>
    fingerprintOf(await planRun({cwd: dir, script: {path: 'a.py', args: []}, include: ['data.bin'], packages: [], env: {}, outputs: []}), most)

  it('is the same for the same content, whenever it was written', async () => {
    const before = await of()
    await utimes(join(dir, 'a.py'), 1, 1)
    assert.equal(await of(), before)
  })

  it('is another for a script or a file that was edited, also to the same size', async () => {
    const before = await of()
    await writeFile(join(dir, 'a.py'), 'print(2)\n')
    const edited = await of()
    assert.notEqual(edited, before)
    await writeFile(join(dir, 'data.bin'), '0123456780')
    assert.notEqual(await of(), edited)
  })

  it('goes by size and time for files beyond what is read', async () => {
    const most = 12 // the script, and not the data
    await utimes(join(dir, 'data.bin'), 1, 1)
    const before = await of(most)
    await writeFile(join(dir, 'data.bin'), '0123456780')
    await utimes(join(dir, 'data.bin'), 1, 1)
    assert.equal(await of(most), before)
    await utimes(join(dir, 'data.bin'), 1, 2)
    assert.notEqual(await of(most), before)
  })
})
