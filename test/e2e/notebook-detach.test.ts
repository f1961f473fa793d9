// Notebooks that are left running: at a Jupyter server of somebody else. On an emulated Colab: notebook-detach-colab.test.ts; locally: docs/notebook-detach.md is run.
import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {type HookRecorder, hookRecorder} from '@cgpu/plugin-sdk/testing'
import type {NotebookRunResult} from '../../plugins/notebook/src/commands/notebook/run.ts'
import type {AttachedResult} from '../../plugins/notebook/src/detach/attach.ts'
import type {DetachedRun} from '../../plugins/notebook/src/detach/start.ts'
import type {FetchedCopy} from '../../plugins/notebook/src/commands/notebook/fetch.ts'
import {type CliResult, envelope, startCgpu} from '../helpers/cli.ts'
import {examples} from '../helpers/examples.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

const cellOf = (source: string, tags: string[] = []) => ({cell_type: 'code', metadata: {tags}, source, outputs: [], execution_count: null})
const notebookOf = (...cells: ReturnType<typeof cellOf>[]): string => JSON.stringify({cells, metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 4})

/** Prints, shows, updates what another cell showed, asks in vain, and fails: with a parameter. */
const eventful = notebookOf(
  cellOf('a = 1', ['parameters']),
  cellOf('from IPython.display import display\nimport warnings\nwarnings.simplefilter("ignore")\nprint("a is", a)\ndisplay("first", display_id="one");'),
  cellOf('from IPython.display import update_display, clear_output\nprint("gone"); clear_output(wait=True); update_display("second", display_id="one")\nprint("kept ä😀")'),
  cellOf('input("name? ")', ['raises-exception']), cellOf('never', ['skip-execution']), cellOf('import sys\nsys.exit(a)'), cellOf('print("not reached")'),
)

/** It waits for a file of its own name's beginning. */
const waiting = (name: string): string => notebookOf(cellOf('print("first")'), cellOf(`import os, time\nprint("begun", flush=True)\nwhile not os.path.exists("${name}.go"): time.sleep(0.02)\nprint("over")`))

/** What differs between two runs: times, and which kernel's temporary files a traceback names. */
const comparable = (text: string): string => text.replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"…"').replaceAll(/ipykernel_\d+\/\d+/g, 'ipykernel')

describe('cgpu notebook run --detach', function () {
  this.timeout(60_000)
  let bench: Workbench
  let server: TestJupyter
  before(async () => {
    bench = await workbench()
    server = await jupyterThere(bench)
  })
  after(() => bench.remove())
  const detach = async (...args: string[]): Promise<DetachedRun> => bench.data<DetachedRun>(['notebook', 'run', ...args, '--detach'])
  const text = (name: string): Promise<string> => readFile(join(bench.home.cwd, name), 'utf8')
  const there = (name: string): string => join(server.root, name)
  /** The second cell of `waiting` printed, and its driver has heard that. */
  const begun = (id: string) => until(async () => (await bench.cli(['logs', id])).stdout.includes('"begun'), () => 'the second cell has not begun')

  it('leaves the same file, result and status as a run that is attached', async () => {
    await bench.file('eventful.ipynb', eventful)
    const {id, output, runtime, state, exitStatus, parameters} = await detach('eventful.ipynb', '-p', 'a', '7')
    assert.deepEqual({output, runtime, state, exitStatus, parameters}, {output: 'eventful.out.ipynb', runtime: 'there', state: 'running', exitStatus: null, parameters: {a: 7}})
    const ended = await bench.cli(['notebook', 'attach', id, '--log-output', '--quiet'])
    const attached = await bench.cli(['notebook', 'run', 'eventful.ipynb', '-p', 'a', '7', '-o', 'attached.ipynb', '--log-output', '--quiet'])
    assert.deepEqual([ended.status, ended.stdout], [7, attached.stdout], ended.stderr)
    assert.equal(ended.stderr.replaceAll('eventful.out', 'attached'), attached.stderr)
    assert.equal(comparable(await text('eventful.out.ipynb')), comparable(await text('attached.ipynb')))
    const again = envelope<never>(await bench.cli(['notebook', 'attach', id.slice(0, -2), '-o', 'again.ipynb', '--json']))
    const {id: told, status, parameters: kept, cells, kernel} = again.error.details as unknown as AttachedResult // as the command's type says
    assert.deepEqual([again.error.code, told, status, kept, kernel], ['CODE_FAILED', id, 'error', {a: 7}, 'python3'])
    assert.deepEqual(cells.map((one) => [one.index, one.status, one.executionCount]), [[0, 'ok', 1], [1, 'ok', 2], [2, 'ok', 3], [3, 'ok', 4], [4, 'error', 5], [6, 'error', 6]])
    assert.equal(await text('again.ipynb'), await text('eventful.out.ipynb'))
  })

  it('goes on when its client is killed or leaves, and loses nothing', async () => {
    await bench.file('slow.ipynb', waiting('slow'))
    const {id} = await detach('slow.ipynb')
    const child = startCgpu(['notebook', 'attach', id, '--output', 'ndjson'], {home: bench.home})
    let told = ''
    child.stdout?.on('data', (chunk: Buffer) => void (told += chunk.toString()))
    const closed = once(child, 'close')
    await until(() => told.includes('begun'), () => told, 60_000)
    child.kill('SIGKILL')
    await closed
    const left = await bench.cli(['notebook', 'attach', id, '--log-output'], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /begun/}})
    assert.equal(left.status, 130)
    assert.match(left.stderr, new RegExp(`error: left; the notebook goes on on there; follow it again: cgpu notebook attach ${id}\n`))
    // what is printed is told before the copy is written
    await until(async () => (await bench.cli(['notebook', 'fetch', id, '-o', 'earlier.ipynb'])).status === 0 && (await text('earlier.ipynb')).includes('"first\\n"'), () => 'the first cell is not in the copy')
    const sofar = await bench.data<FetchedCopy>(['notebook', 'fetch', id, '-o', 'so-far.ipynb'])
    assert.deepEqual([sofar.state, sofar.exitStatus, sofar.output], ['running', null, 'so-far.ipynb'])
    assert.match(await text('so-far.ipynb'), /"first\\n"/)
    await writeFile(there('slow.go'), '')
    assert.equal((await bench.cli(['job', 'wait', id])).status, 0)
    const events = await bench.cli(['nb', 'attach', id, '--output', 'ndjson'])
    const types = events.stdout.trim().split('\n').map((line) => (JSON.parse(line) as {type: string}).type)
    assert.deepEqual([types.filter((type) => type !== 'stdout'), events.status], [['started', 'progress', 'progress', 'progress', 'progress', 'finished'], 0])
    assert.match(await text('slow.out.ipynb'), /"begun\\n",\s+"over\\n"/)
  })

  it('keeps what was executed when it is cancelled, or its time is over', async () => {
    await bench.file('long.ipynb', waiting('long'))
    await bench.file('late.ipynb', notebookOf(cellOf('print("begun", flush=True)\nimport time\ntime.sleep(600)')))
    const late = await detach('late.ipynb', '--cell-timeout', '6s')
    const {id} = await detach('long.ipynb')
    await begun(id)
    assert.equal((await bench.cli(['job', 'cancel', id])).status, 0)
    const cancelled = await bench.cli(['notebook', 'attach', id])
    assert.equal(cancelled.status, 143, cancelled.stderr)
    assert.match(cancelled.stderr, /error: cell 2 was interrupted\n/)
    assert.match(await text('long.out.ipynb'), /"begun\\n"/)
    const interrupted = await bench.cli(['notebook', 'attach', late.id])
    assert.equal(interrupted.status, 130, interrupted.stderr)
    assert.match(interrupted.stderr, /error: cell 1 was interrupted after 6s\n/)
    assert.match(await text('late.out.ipynb'), /"begun\\n"[^]*"ename": "KeyboardInterrupt"/)
  })

  it('tells of a kernel that dies or is not there, and of jobs that are something else', async () => {
    await bench.file('dies.ipynb', notebookOf(cellOf('print("kept")'), cellOf('import os; os._exit(1)')))
    const [dies, nope] = [await detach('dies.ipynb'), await detach('dies.ipynb', '--kernel', 'nope', '-o', 'nope.ipynb')]
    const died = envelope<never>(await bench.cli(['notebook', 'attach', dies.id, '--json']))
    assert.deepEqual([died.error.code, died.error.message], ['KERNEL_DIED', 'cell 2: the kernel died'])
    assert.match(await text('dies.out.ipynb'), /"kept\\n"/)
    const missing = await bench.cli(['notebook', 'attach', nope.id])
    assertRefused(missing, 66)
    assert.match(missing.stderr, /error: the runtime has no kernel nope\nfix: choose one with --kernel: .*python3/)
    const other = await bench.data<{id: string}>(['run', '--detach', '-r', 'there', '--', 'true'])
    const refused: [args: string[], status: number][] = [
      [['attach', other.id], 64], [['fetch', 'none'], 66], [['run', 'dies.ipynb', '--detach', '-o', '-'], 64], [['run', 'dies.ipynb', '--detach', '--inplace'], 64], [['run', 'dies.ipynb', 'slow.ipynb', '--detach'], 64],
      [['run', 'dies.ipynb', '--detach', '-o', 'nowhere/out.ipynb'], 73],
    ]
    for (const [args, status] of refused) assertRefused(await bench.cli(['notebook', ...args]), status, args.join(' '))
  })

  /** Each cell waits until the copy has what was executed before it: a text that no cell's source has, or there would be nothing to wait for. */
  const saved = 'import glob, os, resource, signal, time\ndef saved(name, text):\n    while not any(text in open(one).read() for one in glob.glob(f"cgpu-notebooks/{name}-*.ipynb")): time.sleep(0.02)\nprint("kept " * 2)'

  it('keeps a whole copy when its driver is killed, and goes on from there on request', async () => {
    await bench.file('killed.ipynb', notebookOf(cellOf(saved), cellOf('saved("killed", "kept " * 2)\nif not os.path.exists("killed.once"):\n    open("killed.once", "w").close()\n    os.kill(os.getppid(), signal.SIGKILL)\n    time.sleep(600)'), cellOf('print("over")')))
    const killed = await detach('killed.ipynb')
    const gone = await bench.cli(['notebook', 'attach', killed.id])
    assertRefused(gone, 71)
    assert.match(gone.stderr, new RegExp(`error: what ran the notebook on there was ended with status 137\nfix: see why: cgpu why ${killed.id}; what was executed until then: cgpu notebook fetch ${killed.id}\n`))
    assert.equal((await bench.cli(['notebook', 'fetch', killed.id])).stdout, 'killed.out.ipynb\n')
    assert.match(await text('killed.out.ipynb'), /"kept kept \\n"/)
    const again = await detach('killed.ipynb', '--resume')
    assert.deepEqual(again.selection?.map(({index, runs}) => [index, runs]), [[0, true], [1, true], [2, true]])
    const resumed = envelope<AttachedResult>(await bench.cli(['notebook', 'attach', again.id, '--json']))
    assert.deepEqual([resumed.data.status, resumed.data.cells.map(({index, status}) => [index, status])], ['ok', [[0, 'ok'], [1, 'ok'], [2, 'ok']]])
    // nothing is left to run: no job is needed
    const idle = envelope<NotebookRunResult>(await bench.cli(['notebook', 'run', 'killed.ipynb', '--changed', '--detach', '--json']))
    assert.deepEqual([idle.data.status, idle.data.cells, idle.data.selection?.some(({runs}) => runs)], ['ok', [], false])
  })

  it('keeps the last whole copy when the disk is full', async function () {
    if (process.platform !== 'linux') this.skip() // nothing else limits what another process may write
    await bench.file('full.ipynb', notebookOf(cellOf(saved), cellOf('saved("full", "kept " * 2)\nresource.prlimit(os.getppid(), resource.RLIMIT_FSIZE, (4096, 4096))\nprint("x" * 100_000)')))
    const {id} = await detach('full.ipynb')
    const unwritten = await bench.cli(['notebook', 'attach', id])
    assertRefused(unwritten, 71)
    assert.match(unwritten.stderr, /error: the executed copy could not be written on the runtime: .*\nfix: see whether its disk is full: /)
    assert.equal((await bench.cli(['notebook', 'fetch', id])).status, 0)
    assert.match(await text('full.out.ipynb'), /"kept kept \\n"/)
  })

  it('carries files there and back, and prints its copy', async () => {
    await bench.file('data/in.txt', 'carried')
    await bench.file('carrier.ipynb', notebookOf(cellOf('import os\nos.makedirs("made/deep", exist_ok=True)\nopen("made/deep/out.txt", "w").write(open("data/in.txt").read().upper());')))
    await mkdir(there('jobs'))
    const {id} = await detach('carrier.ipynb', '--include', 'data', '--fetch', 'made/**', '--cwd', 'jobs')
    assert.equal((await bench.cli(['job', 'wait', id])).status, 0)
    const printed = await bench.cli(['notebook', 'fetch', id, '-o', '-'])
    assert.deepEqual([printed.status, (JSON.parse(printed.stdout) as {nbformat: number}).nbformat], [0, 4], printed.stderr)
    assert.equal(await text('made/deep/out.txt'), 'CARRIED')
    assert.equal(existsSync(join(bench.home.cwd, 'carrier.out.ipynb')), false)
  })

  it('does what its examples show', async () => {
    await bench.file('analysis.ipynb', notebookOf(cellOf('print("done")')))
    const lines = examples('plugins/notebook').filter((line) => /^cgpu (nb|notebook) (run .* --detach|attach|fetch)\b/.test(line))
    assert.equal(lines.length, 5)
    let id = ''
    for (const line of lines.sort((a, b) => Number(b.includes('--detach')) - Number(a.includes('--detach')))) {
      const done: CliResult = await bench.cli(line.replace(/0mibvu\S*/, () => id).split(' ').slice(1))
      assert.equal(done.status, 0, `${line}\n${done.stderr}`)
      if (line.includes('--detach')) {
        id = done.stdout.trim()
        assert.equal((await bench.cli(['job', 'wait', id])).status, 0)
      }
    }
  })

  describe('and plugins that listen', () => {
    let recorder: HookRecorder
    before(async () => {
      recorder = await hookRecorder({path: bench.home.path, link: async (folder) => {
        const linked = await bench.cli(['plugins', 'link', folder])
        assert.equal(linked.status, 0, linked.stderr)
      }})
    })

    it('are told of its cells and of its end once, whoever follows', async () => {
      await bench.file('hooked.ipynb', JSON.stringify({...JSON.parse(waiting('hooked')) as object, cells: [...(JSON.parse(waiting('hooked')) as {cells: object[]}).cells, cellOf('print("last")', ['late'])]}))
      const {id} = await detach('hooked.ipynb')
      const before = await recorder.take()
      assert.deepEqual(before.map(({event}) => event), ['notebook:before', 'execution:before', 'execution:after'])
      await begun(id)
      await recorder.answer('cell:before', {veto: 'never'})
      const clients = [0, 1].map(() => startCgpu(['notebook', 'attach', id, '-o', 'hooked.ipynb.out', '--output', 'ndjson'], {home: bench.home}))
      const [told, complaints] = [['', ''], ['', '']]
      clients.forEach((client, at) => {
        client.stdout?.on('data', (chunk: Buffer) => void (told[at] += chunk.toString()))
        client.stderr?.on('data', (chunk: Buffer) => void (complaints[at] += chunk.toString()))
      })
      const closed = Promise.all(clients.map((client) => once(client, 'close')))
      await until(() => told.every((one) => one.includes('begun')), () => told.join('\n'), 60_000)
      await writeFile(there('hooked.go'), '')
      assert.deepEqual((await closed).map(([status]) => status as number), [0, 0], complaints.join('\n'))
      assert.equal(complaints.join('').split('vetoed cell 3: never: it runs all the same, as the notebook was left running').length, 2, complaints.join('\n'))
      const events = (await recorder.take()).filter(({event}) => event !== 'job:ended')
      const shown = events.map(({event, options}) => {
        const {request, cell, outcome} = options as {request: {id: string}; cell?: {index: number; tags: string[]; source: string}; outcome?: {status: string; late?: boolean; cells?: number}} // as the recorder keeps it
        assert.deepEqual(request, {...(before[0]?.options['request'] as object), parameters: {}})
        return [event, cell?.index ?? outcome?.cells, ...(outcome ? [outcome.status, outcome.late] : [cell?.tags[0]])]
      })
      assert.deepEqual(shown, [['cell:after', 0, 'ok', true], ['cell:after', 1, 'ok', undefined], ['cell:before', 2, 'late'], ['cell:after', 2, 'ok', undefined], ['notebook:after', 3, 'ok', undefined]])
      assert.equal((await bench.cli(['notebook', 'fetch', id])).status, 0)
      assert.deepEqual(await recorder.take(), [])
      await recorder.answer('cell:before', undefined)
    })

    it('are told of a run that nobody followed what its copy says, by whoever sees its end first', async () => {
      await bench.file('alone.ipynb', notebookOf(cellOf('print(1)'), cellOf('1 / 0')))
      const alone = await detach('alone.ipynb')
      assert.equal((await bench.cli(['job', 'wait', alone.id])).status, 1)
      const late = (await recorder.take()).slice(3).map(({event, options}) => [event, (options['outcome'] as {status: string}).status, (options['outcome'] as {late?: boolean}).late])
      assert.deepEqual(late, [['job:ended', 'error', undefined], ['cell:after', 'ok', true], ['cell:after', 'error', true], ['notebook:after', 'error', true]])
      assert.equal((await bench.cli(['notebook', 'fetch', alone.id])).status, 0)
      await recorder.answer('notebook:before', {veto: 'no'})
      assertRefused(await bench.cli(['notebook', 'run', 'alone.ipynb', '--detach']), 75)
      assert.deepEqual((await recorder.take()).map(({event}) => event), ['notebook:before', 'notebook:after'])
    })
  })
})
