import assert from 'node:assert/strict'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

interface Detached {
  id: string
}

describe('cgpu why', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    assertRefused(await bench.cli(['why']), 66)
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
  })
  after(() => bench.remove())
  const why = async (...args: string[]): Promise<string> => {
    const {status, stdout, stderr} = await bench.cli(['why', ...args])
    assert.equal(status, 0, stderr)
    return stdout
  }

  it('explains the newest failure, whatever it was', async () => {
    await bench.cli(['run', '-r', 'there', '--', 'python3', '-c', 'import sklearn_is_not_here'])
    assert.match(await why(), /Python module sklearn_is_not_here is not installed[\s\S]*\| ModuleNotFoundError[\s\S]*next: cgpu job retry \S+ --packages sklearn-is-not-here/)
    await bench.cli(['exec', '-r', 'there', 'open("no/such.csv")'])
    assert.match(await why(), /no file no\/such\.csv[\s\S]*next: .*cgpu history rerun/)
    await bench.cli(['run', '-r', 'there', '--', 'sh', '-c', 'kill -SEGV $$'])
    assert.match(await why(), /segmentation fault[\s\S]*\| killed by SIGSEGV/)
    await bench.cli(['run', '-r', 'there', '--', 'no-such-command'])
    assert.match(await why(), /could not be started/)
  })

  it('explains what was not there, and says nothing empty', async () => {
    await bench.cli(['run', '-r', 'there', '--cwd', 'no/such/folder', '--', 'true'])
    const folder = await why()
    assert.match(folder, /^\S+: on the machine: no such folder: .*no\/such\/folder$/m)
    assert.doesNotMatch(folder, /vanished|^also: ?$|: $/m)
    await bench.cli(['run', '-r', 'there', '--', 'bash', 'x.sh'])
    assert.match(await why(), /no file x\.sh[^]*--include x\.sh/)
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'short'])).status, 0)
    const {id} = await bench.data<Detached>(['run', '-d', '-r', 'short', '--', 'sleep', '600'])
    assert.equal((await bench.cli(['runtime', 'release', 'short'])).status, 0)
    assert.doesNotMatch(await why(id), /^also: ?$|: $|PROGRAM_FAILED/m)
    assertRefused(await bench.cli(['job', 'list', '--state', 'bogus']), 64)
  })

  it('is not told that a machine was not asked which knows no such job', async () => {
    const [known] = await bench.data<JobView[]>(['job', 'list', '-r', 'there'])
    const {JobStore} = await import('@cgpu/core/job/store')
    const store = new JobStore(join(bench.home.dataDir, 'state'))
    const record = (await store.get(known?.id ?? '')) ?? assert.fail()
    await store.put({...record, id: 'nobody-knows-it'})
    const shown = await bench.cli(['job', 'show', 'nobody-knows-it'])
    assert.deepEqual([shown.status, shown.stderr], [0, 'warning: there knows no job nobody-knows-it\n'])
    await store.remove('nobody-knows-it')
  })

  it('explains a job by its id, also as JSON, and one that went well', async () => {
    const {id} = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'sh', '-c', 'echo "torch.OutOfMemoryError: CUDA out of memory." >&2; exit 1'])
    await bench.cli(['job', 'wait', id])
    const {diagnoses} = await bench.data<{diagnoses: {code: string; evidence: string[]}[]}>(['why', id])
    assert.deepEqual([diagnoses[0]?.code, diagnoses[0]?.evidence], ['GPU_OUT_OF_MEMORY', ['torch.OutOfMemoryError: CUDA out of memory.']])
    const fine = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'true'])
    await bench.cli(['job', 'wait', fine.id])
    assert.match(await why(fine.id), /ended well/)
    assertRefused(await bench.cli(['why', 'nothing-like-it']), 66)
    assertRefused(await bench.cli(['why', '../x']), 64)
  })
})
