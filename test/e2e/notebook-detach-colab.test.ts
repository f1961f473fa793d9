import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {DetachedRun} from '../../plugins/notebook/src/detach/start.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'

const cell = (source: string) => ({cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null})

describe('cgpu notebook run --detach on Colab', () => {
  let bench: ColabBench
  before(async () => {
    bench = await colabBench()
  })
  after(() => bench?.remove())

  it('brings the copy back before the machine that was made for it is given back', async () => {
    await bench.file('own.ipynb', JSON.stringify({cells: [cell('import os\nprint(os.getcwd())')], metadata: {}, nbformat: 4, nbformat_minor: 4}))
    const {id} = await bench.data<DetachedRun>(['notebook', 'run', 'own.ipynb', '--detach'])
    assert.equal(bench.machines().length, 1)
    const waited = await bench.cli(['job', 'wait', id])
    assert.equal(waited.status, 0, waited.stderr)
    assert.deepEqual(bench.machines(), [])
    const fetched = await bench.cli(['notebook', 'fetch', id])
    assert.deepEqual([fetched.status, fetched.stdout], [0, 'own.out.ipynb\n'], fetched.stderr)
    assert.match(await readFile(join(bench.home.cwd, 'own.out.ipynb'), 'utf8'), /"\/content\\n"/)
    const followed = await bench.cli(['notebook', 'attach', id])
    assert.equal(followed.status, 66)
    assert.match(followed.stderr, new RegExp(`fix: its copy may have been brought back before: cgpu notebook fetch ${id}\n`))
  })
})
