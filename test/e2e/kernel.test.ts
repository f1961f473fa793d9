import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import type {KernelView} from '@cgpu/core/kernels/view'
import {startCgpu} from '../helpers/cli.ts'
import {assertRefused, places, until, type Workbench, workbench} from '../helpers/workbench.ts'

for (const {place, make} of places) {
  describe(`kernels on ${place}`, function () {
    this.timeout(60_000)
    let bench: Workbench
    const list = (): Promise<KernelView[]> => bench.data<KernelView[]>(['kernel', 'list'])
    /** Python that tells, in its first line, that the code itself runs: a kernel is busy also with what comes before it, or before this call. */
    const begins = (name: string): string => `open(${JSON.stringify(join(bench.home.path, name))}, "w").close()`
    const busy = async (name: string, kernel: string): Promise<void> => {
      await until(() => existsSync(join(bench.home.path, name)), () => 'the code has not begun')
      await until(async () => (await list()).find((one) => one.name === kernel)?.state === 'busy', () => 'it is not busy')
    }
    before(async () => {
      bench = await workbench()
      await make(bench)
    })
    after(() => bench.remove())

    it('are none before code has run, and then the default one', async () => {
      assert.deepEqual(await list(), [])
      assertRefused(await bench.cli(['kernel', 'show']), 66)
      assert.equal((await bench.cli(['exec', 'x = 1'])).status, 0)
      const [only, ...others] = await list()
      assert.deepEqual([only?.name, only?.spec, only?.language, others], ['default', 'python3', 'python', []])
      assert.equal((await bench.data<KernelView>(['kernel', 'show'])).id, only?.id)
    })

    it('have names, and variables of their own', async () => {
      const lab = await bench.data<KernelView>(['kernel', 'start', 'lab'])
      assert.deepEqual([lab.name, lab.spec], ['lab', 'python3'])
      assert.equal((await bench.cli(['exec', '--kernel', 'lab', 'x = 2'])).status, 0)
      assert.deepEqual([(await bench.cli(['exec', 'x'])).stdout, (await bench.cli(['exec', '--kernel', 'lab', 'x'])).stdout], ['1\n', '2\n'])
      assertRefused(await bench.cli(['kernel', 'start', 'lab']), 72)
      assert.deepEqual((await list()).map(({name}) => name), ['default', 'lab'])
    })

    it('of another kernelspec are started by its name', async () => {
      const specs = await bench.data<{name: string; isDefault: boolean}[]>(['kernel', 'specs'])
      const defaults = Object.fromEntries(specs.map(({name, isDefault}) => [name, isDefault]))
      // the machine may have more of them, such as R's
      assert.deepEqual([defaults['colab'], defaults['python3']], [false, true])
      assert.deepEqual((await bench.data<KernelView>(['kernel', 'start', 'colab'])).spec, 'colab')
      assert.equal((await bench.cli(['exec', '--kernel', 'colab', 'import ipykernel; ipykernel.__version__'])).stdout, "'6.17.1'\n")
    })

    it('are interrupted from elsewhere', async () => {
      const running = bench.cli(['exec', '--kernel', 'lab', `import time\ntry:\n    ${begins('interrupted')}\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print("interrupted")`])
      await busy('interrupted', 'lab')
      assert.match((await bench.cli(['kernel', 'interrupt', 'lab'])).stdout, /^interrupted lab on there$/m)
      const {status, stdout} = await running
      assert.deepEqual([status, stdout], [0, 'interrupted\n'])
      assert.match((await bench.cli(['kernel', 'interrupt', 'lab'])).stdout, /nothing ran on it/)
    })

    it('lose their variables by a restart, and the code that runs is told of', async () => {
      const running = bench.cli(['exec', '--kernel', 'lab', `import time; ${begins('restarted')}; time.sleep(60)`])
      await busy('restarted', 'lab')
      const {stdout} = await bench.cli(['kernel', 'restart', 'lab'])
      assert.match(stdout, /^restarted lab on there; the code that ran on it was ended; its variables are gone$/m)
      assert.equal((await running).status, 71)
      assert.equal((await bench.cli(['exec', '--kernel', 'lab', '"x" in globals()'])).stdout, 'False\n')
      assert.equal((await bench.cli(['exec', 'x'])).stdout, '1\n', 'another kernel is left alone')
    })

    it('are shut down by name or id, and the next exec says what is gone', async () => {
      const lab = (await list()).find(({name}) => name === 'lab')
      assert.ok(lab)
      assert.equal((await bench.data<KernelView[]>(['kernel', 'shutdown', lab.id.slice(0, 8), 'colab']))[0]?.name, 'lab')
      assert.deepEqual((await list()).map(({name}) => name), ['default'])
      const gone = await bench.cli(['exec', '--kernel', 'lab', '1'])
      assertRefused(gone, 66)
      assert.match(gone.stderr, /cgpu kernel start lab/)
    })

    it('that are busy are asked about', async () => {
      const running = startCgpu(['exec', `import time; ${begins('asked')}; time.sleep(60)`], {home: bench.home})
      const ended = once(running, 'close')
      await busy('asked', 'default')
      assertRefused(await bench.cli(['kernel', 'shutdown', '--all'], {input: ''}), 64)
      assert.equal((await bench.cli(['kernel', 'shutdown', '--all', '--yes'])).status, 0)
      assert.deepEqual(await list(), [])
      running.kill('SIGKILL')
      await ended
    })

    const bad: [args: string[], status: number][] = [
      [['kernel', 'show', 'nobody'], 66], [['kernel', 'start', 'A b'], 64], [['kernel', 'start', 'control'], 64],
      [['kernel', 'start', 'new', '--spec', 'klingon'], 66], [['kernel', 'shutdown'], 64], [['kernel', 'list', '-r', 'nobody'], 66],
    ]
    for (const [args, status] of bad) it(`refuse ${args.join(' ')}`, async () => assertRefused(await bench.cli(args), status))
  })
}
