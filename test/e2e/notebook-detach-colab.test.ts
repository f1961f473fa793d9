import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {DetachedRun} from '../../plugins/notebook/src/detach/start.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {until} from '../helpers/workbench.ts'

const cell = (source: string) => ({cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null})

describe('cgpu notebook run --detach on Colab', function () {
  this.timeout(120_000) // machines are made, and waited for up to a minute
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

  it('goes on from the copy that came here when the machine was taken away, on another one', async () => {
    await bench.file('taken.ipynb', JSON.stringify({cells: [cell('print("first")'), cell('import os, time\nwhile not os.environ.get("GO"): time.sleep(0.02)')], metadata: {}, nbformat: 4, nbformat_minor: 4}))
    const {id} = await bench.data<DetachedRun>(['notebook', 'run', 'taken.ipynb', '--detach'])
    const copied = async (): Promise<boolean> => (await bench.cli(['notebook', 'fetch', id])).status === 0 && (await readFile(join(bench.home.cwd, 'taken.out.ipynb'), 'utf8')).includes('"first\\n"')
    await until(copied, () => 'the first cell is not in the copy', 60_000)
    assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
    const lost = await bench.cli(['notebook', 'attach', id])
    assert.equal(lost.status, 71, lost.stderr)
    assert.match(lost.stderr, /^error: .* is gone, and the job .* with it\nfix: go on from the copy that came here before: cgpu notebook run taken.ipynb --resume --detach -o taken.out.ipynb\n/m)
    await bench.file('taken.ipynb', JSON.stringify({cells: [cell('print("first")'), cell('print("second")')], metadata: {}, nbformat: 4, nbformat_minor: 4}))
    const resumed = await bench.data<DetachedRun>(['notebook', 'run', 'taken.ipynb', '--resume', '--detach'])
    assert.deepEqual(resumed.selection?.map(({index, runs}) => [index, runs]), [[0, false], [1, true]])
    const ended = await bench.cli(['notebook', 'attach', resumed.id])
    assert.equal(ended.status, 0, ended.stderr)
    assert.match(await readFile(join(bench.home.cwd, 'taken.out.ipynb'), 'utf8'), /"first\\n"[^]*"second\\n"/)
  })
})
