import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import {startCgpu} from '../helpers/cli.ts'
import type {ColabBench} from '../helpers/colab-bench.ts'
import {colabDaemonBed, type DaemonView, patience} from '../helpers/daemon-bed.ts'
import {until} from '../helpers/workbench.ts'

describe('a job on its own machine whose command was killed', function () {
  this.timeout(90_000)
  let bench: ColabBench & DaemonView
  before(async () => {
    bench = await colabDaemonBed()
    Object.assign(bench.home.env, {CGPU_DAEMON_TASKS_MS: '200', ...patience})
  })
  after(() => bench?.remove())

  /** It waits for its sign on a machine of its own. */
  async function killed(output: string, env: Record<string, string> = {}): Promise<{job: JobView; go: () => Promise<void>}> {
    const sign = `/content/go-${output}`
    const child = startCgpu(['run', '-o', output, '--', 'sh', '-c', `echo on; until [ -e ${sign} ]; do sleep 0.05; done; echo made > ${output}`], {home: bench.home, env})
    const closed = once(child, 'close')
    await once(child.stdout ?? assert.fail(), 'data')
    child.kill('SIGKILL')
    await closed
    const [job = assert.fail()] = await bench.data<JobView[]>(['job', 'list', '--state', 'running'])
    return {job, go: async () => assert.equal((await bench.cli(['exec', '-r', job.runtime, '--new-kernel', `open("${sign}", "w").close()`])).status, 0)}
  }
  const made = (output: string): string => readFileSync(join(bench.home.cwd, output), 'utf8')

  it('is left to run by the reaper, which brings its outputs before it releases the machine', async () => {
    bench.home.env['CGPU_DAEMON'] = 'off'
    const {job: {id, runtime}, go} = await killed('reaped.txt')
    assert.deepEqual(await bench.data(['runtime', 'reap']), [])
    assert.equal(bench.machines().length, 1)
    await go()
    await until(async () => (await bench.data<JobView>(['job', 'show', id])).state === 'exited', () => 'it goes on')
    const reaped = await bench.data<{name: string; reason: string}[]>(['runtime', 'reap'])
    assert.deepEqual(reaped.map(({name, reason}) => [name, reason]), [[runtime, `its job ${id} is over`]])
    assert.deepEqual([made('reaped.txt'), bench.machines()], ['made\n', []])
  })

  it('loses no outputs when the reaper comes after its end', async () => {
    bench.home.env['CGPU_DAEMON'] = 'off'
    const {job: {id}, go} = await killed('late.txt')
    await go()
    await until(async () => (await bench.data<JobView>(['job', 'show', id])).state === 'exited', () => 'it goes on')
    await bench.data(['runtime', 'reap'])
    assert.deepEqual([made('late.txt'), bench.machines()], ['made\n', []])
  })

  it('is looked after by the daemon', async () => {
    bench.home.env['CGPU_DAEMON'] = 'on'
    await bench.start()
    const {job: {id}, go} = await killed('tended.txt')
    await go()
    await until(() => existsSync(join(bench.home.cwd, 'tended.txt')) && bench.machines().length === 0, () => readFileSync(join(bench.home.dataDir, 'state', 'daemon', 'daemon.log'), 'utf8'))
    assert.equal(made('tended.txt'), 'made\n')
    const {state, exitStatus} = await bench.data<JobView>(['job', 'show', id])
    assert.deepEqual([state, exitStatus], ['exited', 0])
  })
})
