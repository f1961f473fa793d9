import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {startCgpu} from '../helpers/cli.ts'
import {assertRefused, places, type Workbench, workbench} from '../helpers/workbench.ts'

for (const {place, make} of places) {
  describe(`a job on ${place} whose cgpu was killed`, function () {
    this.timeout(60_000)
    let bench: Workbench
    let id: string
    before(async () => {
      bench = await workbench()
      await make(bench)
      // goes on when the file is there: nothing depends on how long anything takes
      await bench.file('wait.py', `import os, sys, time
print('first', flush=True)
print('to stderr', file=sys.stderr, flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.05)
print('second', flush=True)
sys.exit(7)
`)
      const child = startCgpu(['run', '-r', 'there', 'wait.py', join(bench.home.cwd, 'go')], {home: bench.home})
      await once(child.stdout ?? assert.fail(), 'data')
      child.kill('SIGKILL')
      await once(child, 'close')
      const jobs = await bench.data<{id: string; state: string; exitStatus: number | null}[]>(['job', 'list'])
      assert.deepEqual(jobs.map(({state, exitStatus}) => [state, exitStatus]), [['running', null]])
      id = jobs[0]?.id ?? ''
    })
    after(() => bench.remove())

    it('is left by Ctrl-C and goes on', async () => {
      const left = await bench.cli(['job', 'attach', id], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /first/}})
      assert.equal(left.status, 130, left.stderr)
      assert.match(left.stderr, /the job goes on on there/)
      assert.equal((await bench.data<{state: string}[]>(['job', 'list']))[0]?.state, 'running')
    })

    it('is followed from the beginning to its end, with its status', async () => {
      const child = startCgpu(['job', 'attach', id], {home: bench.home})
      let [stdout, stderr] = ['', '']
      child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      await once(child.stdout ?? assert.fail(), 'data')
      assert.ok(!existsSync(join(bench.home.cwd, 'go')))
      await bench.file('go', '')
      const [status] = await once(child, 'close')
      assert.deepEqual([status, stdout, stderr], [7, 'first\nsecond\n', 'to stderr\n'])
    })

    it('can be read again from anywhere', async () => {
      const all = await bench.cli(['job', 'attach', id, '--json'])
      assert.equal(all.status, 7)
      const {error} = JSON.parse(all.stdout) as {error: {details: {logOffset: number; stdout: string}}} // as the schema says, checked elsewhere
      assert.equal(error.details.stdout, 'first\nsecond\n')
      const nothing = await bench.cli(['job', 'attach', id, '--offset', String(error.details.logOffset)])
      assert.deepEqual([nothing.status, nothing.stdout, nothing.stderr], [7, '', ''])
    })

    it('is refused when it is none', async () => {
      assertRefused(await bench.cli(['job', 'attach', 'no-such-job']), 66)
      assertRefused(await bench.cli(['job', 'attach', id, '--offset', '999999999']), [64, 72])
      assertRefused(await bench.cli(['job', 'attach', id, '--offset', '-1']), 64)
      assertRefused(await bench.cli(['job', 'attach', '../../etc']), 64)
    })
  })
}
