import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {hookRecorder} from '@cgpu/plugin-sdk/testing'
import type {BatchResult} from '../../plugins/notebook/src/batch/result.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {envelope} from '../helpers/cli.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

const cellOf = (source: string, tags: string[] = []) => ({cell_type: 'code', metadata: {tags}, source, outputs: [], execution_count: null})
const notebookOf = (...sources: (string | ReturnType<typeof cellOf>)[]): string =>
  JSON.stringify({cells: sources.map((one) => (typeof one === 'string' ? cellOf(one) : one)), metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 4})

/** Python that goes on when all of these files are in its folder. */
const waitFor = (...names: string[]): string => `import os, time\nwhile not all(os.path.exists(name) for name in ${JSON.stringify(names)}): time.sleep(0.02)`
/** Python that goes on when as many runs as there are values of `a` have come here. */
const waitForOther = 'import os, time\nopen(f"here-{a}", "w").close()\nwhile not all(os.path.exists(f"here-{one}") for one in (1, 2)): time.sleep(0.02)\n'
const leave = (name: string): string => `open(${JSON.stringify(name)}, "w").close()`

describe('cgpu notebook run, of many', function () {
  this.timeout(60_000) // up to three kernels one after the other
  let bench: Workbench
  let server: TestJupyter
  before(async () => {
    bench = await workbench()
    server = await jupyterThere(bench)
  })
  after(() => bench.remove())
  const run = (...args: string[]) => bench.cli(['notebook', 'run', ...args])
  const text = (name: string): Promise<string> => readFile(join(bench.home.cwd, name), 'utf8')
  const printed = async (name: string): Promise<string[]> => {
    const {cells} = parseNotebook(await text(name), name)
    return cells.flatMap((cell) => (cell.cell_type === 'code' ? cell.outputs.flatMap((one) => (one.output_type === 'stream' ? [one.text.trim()] : one.output_type === 'error' ? [one.ename] : [])) : []))
  }
  const noKernels = async (runtime: string): Promise<void> => assert.deepEqual(await bench.data(['kernel', 'list', '--runtime', runtime]), [])
  const statuses = ({runs}: BatchResult) => runs.map(({output, status, exitStatus}) => [output, status, exitStatus])

  it('runs a notebook with each set, goes on after a failure, reports, and later runs only what did not succeed', async () => {
    await bench.file('train.ipynb', notebookOf(cellOf('lr = 1.0\ndepth = 1', ['parameters']), 'print(type(lr).__name__, lr * depth)', 'import os\nassert depth < 4 or os.path.exists("fixed"), "<too deep>"'))
    const sweep = ['train.ipynb', '--grid', 'depth=2,4', '-p', 'lr', '0.5', '--parallel', '2', '-o', 'runs/', '--junit', 'reports/junit.xml', '--html', 'reports/index.html']
    const failed = await run(...sweep)
    assert.deepEqual([failed.status, failed.stdout.split('\n').map((line) => line.trim().split(/  +/))], [1, [
      ['notebook', 'parameters', 'status', 'cells', 'time', 'copy'],
      ['train.ipynb', 'depth=2', 'ok', '4/4', failed.stdout.match(/[\d.]+ s/g)?.[0], 'runs/train.depth=2.ipynb'],
      ['train.ipynb', 'depth=4', 'error', '3/4', failed.stdout.match(/[\d.]+ s/g)?.[1], 'runs/train.depth=4.ipynb'],
      [''],
    ]], failed.stderr)
    assert.match(failed.stderr, /^ok +train\.ipynb depth=2$/m)
    assert.match(failed.stderr, /^error +train\.ipynb depth=4: cell 4 failed: AssertionError: <too deep>\n-+\nAssertionError +Traceback[^]*\nerror: 1 of 2 runs failed; first train\.ipynb depth=4: cell 4 failed: AssertionError: <too deep>\nfix: .*--skip-done.*\n$/m)
    assert.deepEqual([await printed('runs/train.depth=2.ipynb'), await printed('runs/train.depth=4.ipynb')], [['float 1.0'], ['float 2.0', 'AssertionError']])
    assert.match(await text('reports/junit.xml'), /<testsuite name="train\.ipynb depth=4" tests="4" failures="1"[^]*<failure message="cell 4 failed: AssertionError: &lt;too deep&gt;">-+\nAssertionError/)
    assert.match(await text('reports/index.html'), /href="\.\/\.\.\/runs\/train\.depth%3D4\.ipynb"/)
    await writeFile(join(server.root, 'fixed'), '')
    const entries = await bench.data<{id: string; kind: string; status: string}[]>(['history', 'list'])
    const planned = await bench.cli(['history', 'rerun', entries.find(({kind, status}) => kind === 'notebook' && status === 'error')?.id ?? '', '--dry-run'])
    assert.equal(planned.stdout, 'cgpu notebook run train.ipynb --runtime there --parameters lr=0.5 --out runs/train.depth=4.ipynb --parameters=depth=4\n', planned.stderr)
    const again = envelope<BatchResult>(await run(...sweep, '--skip-done', '--from-failed', '--json'))
    assert.ok(again.ok, JSON.stringify(again))
    assert.deepEqual(statuses(again.data), [['runs/train.depth=2.ipynb', 'skipped', 0], ['runs/train.depth=4.ipynb', 'ok', 0]])
    assert.deepEqual([again.data.runs[1]?.parameters, again.data.runs[1]?.runtime, again.data.runs[1]?.selection?.map(({runs}) => runs), again.data.counts], [{lr: 0.5, depth: 4}, 'there', [true, true, false, true], {ok: 1, failed: 0, skipped: 1, notRun: 0}])
    await noKernels('there')
    const unchanged = envelope<BatchResult>(await run(...sweep, '--changed', '--json'))
    assert.deepEqual(unchanged.ok && unchanged.data.runs.map(({status, runtime, cells}) => [status, runtime, cells]), [['ok', null, []], ['ok', null, []]], JSON.stringify(unchanged))
    const done = envelope<BatchResult>(await run(...sweep, '--skip-done', '--json'))
    assert.deepEqual(done.ok && done.data.counts, {ok: 0, failed: 0, skipped: 2, notRun: 0})
  })

  it('ends in order on Ctrl-C: all are interrupted, what waits is left, every copy is written, no kernel stays', async () => {
    const body = (mine: string): string => notebookOf(`print("begun", flush=True)\n${leave(mine)}\n${waitFor('left', 'right')}\nprint("both", flush=True)\ntime.sleep(600)`, 'print("never")')
    for (const name of ['left', 'right', 'third']) await bench.file(`${name}.ipynb`, body(name))
    const stopped = await bench.cli(['notebook', 'run', 'left.ipynb', 'right.ipynb', 'third.ipynb', '--parallel', '2', '--log-output'], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /both[^]*both/}})
    assert.equal(stopped.status, 130, stopped.stderr)
    assert.match(stopped.stdout, /^left\.ipynb \| begun$/m)
    assert.match(stopped.stderr, /not-run +third\.ipynb: the batch was interrupted\n[^]*error: the batch was interrupted: 0 of 3 done, 1 not run\nfix: go on with the same command and --skip-done\n$/)
    for (const name of ['left', 'right']) assert.deepEqual(await printed(`${name}.out.ipynb`), ['begun\nboth', 'KeyboardInterrupt'])
    assert.equal(existsSync(join(bench.home.cwd, 'third.out.ipynb')), false)
    await noKernels('there')
  })

  it('stops at the first failure where that is wanted, and tells events of all runs in one stream', async () => {
    await bench.file('bad.ipynb', notebookOf(`${waitFor('slow-begun')}\nimport sys; sys.exit(3)`))
    await bench.file('slow.ipynb', notebookOf(`${leave('slow-begun')}\nimport time\ntime.sleep(600)`))
    const {status, stdout, stderr} = await run('bad.ipynb', 'slow.ipynb', 'left.ipynb', '--parallel', '2', '--fail-fast', '--output', 'ndjson')
    assert.equal(status, 3, stderr)
    const events = stdout.trim().split('\n').map((line) => JSON.parse(line) as {type: string; id: string; seq: number; status?: string; exitStatus?: number; notebook?: string; message?: string; done?: number})
    assert.deepEqual(events.map(({seq}) => seq), events.map((_, index) => index))
    const [batch] = events
    const ends = events.filter(({type, id}) => type === 'finished' && id !== batch?.id)
    const notebook = (id: string): string | undefined => events.find((one) => one.id === id && one.type === 'started')?.notebook
    assert.deepEqual(ends.map((one) => [notebook(one.id), one.status, one.exitStatus]), [['bad.ipynb', 'error', 3], ['slow.ipynb', 'interrupted', 130]])
    assert.deepEqual(events.filter(({type}) => type === 'notice').map(({message}) => message), ['left.ipynb: another run failed'])
    const last = events.at(-1)
    assert.deepEqual([last?.type, last?.id, last?.exitStatus, last?.status], ['finished', batch?.id, 3, 'error'])
  })

  it('begins a notebook again on another runtime when its own is taken away', async () => {
    const made = await bench.cli(['runtime', 'create', '--name', 'other'])
    assert.equal(made.status, 0, made.stderr)
    const marker = join(bench.home.cwd, 'on-other')
    // what runs on the machine that goes waits there for ever; on the other it ends
    const source = (name: string): string => notebookOf(`import os, time\nif ${JSON.stringify(server.root)} != os.path.realpath("."):\n    open(${JSON.stringify(marker)}, "w").close()\n    time.sleep(600)\nprint("${name} here")`)
    for (const name of ['moves', 'stays']) await bench.file(`${name}.ipynb`, source(name))
    const batch = run('moves.ipynb', 'stays.ipynb', '--runtime', 'other', '--runtime', 'there', '--json')
    await until(() => existsSync(marker), () => 'nothing runs on the other runtime', 40_000)
    const released = await bench.cli(['runtime', 'release', 'other'])
    assert.equal(released.status, 0, released.stderr)
    const done = envelope<BatchResult>(await batch)
    assert.ok(done.ok, JSON.stringify(done))
    assert.deepEqual(done.data.runs.map(({notebook, status, runtime}) => [notebook, status, runtime]), [['moves.ipynb', 'ok', 'there'], ['stays.ipynb', 'ok', 'there']])
    assert.deepEqual(await printed('moves.out.ipynb'), ['moves here'])
  })

  it('asks and tells other plugins of each run by itself', async () => {
    const recorder = await hookRecorder({path: bench.home.path, link: async (folder) => assert.equal((await bench.cli(['plugins', 'link', folder])).status, 0)})
    await bench.file('hooked.ipynb', notebookOf(cellOf('a = 1\nb = 0', ['parameters']), `${waitForOther}print(a, b)`))
    await recorder.answer('notebook:before', {parameters: {b: 7, a: 9}})
    const done = await run('hooked.ipynb', '--grid', 'a=1,2', '--parallel', '2', '-o', 'hooked/')
    assert.equal(done.status, 0, done.stderr)
    assert.deepEqual([await printed('hooked/hooked.a=1.ipynb'), await printed('hooked/hooked.a=2.ipynb')], [['1 7'], ['2 7']])
    const told = (await recorder.take()).filter(({event}) => !event.startsWith('execution:')) as unknown as {event: string; options: {request: {id: string; output: string; parameters: object}; cell?: {source: string}; outcome?: {status: string}}}[] // as the recorder keeps it
    const runs = [...Map.groupBy(told, ({options}) => options.request.id).values()].sort(([one], [other]) => (one?.options.request.output ?? '').localeCompare(other?.options.request.output ?? ''))
    assert.deepEqual(runs.map((all) => all.map(({event}) => event)), [1, 2].map(() => ['notebook:before', ...Array.from({length: 3}, () => ['cell:before', 'cell:after']).flat(), 'notebook:after']))
    assert.deepEqual(runs.map((all) => all[0]?.options.request.parameters), [{a: 1}, {a: 2}], 'what a hook adds comes behind what it is told')
    for (const [index, all] of runs.entries()) {
      assert.deepEqual(all.slice(1).map(({options: {request}}) => [request.output, request.parameters]), all.slice(1).map(() => [`hooked/hooked.a=${index + 1}.ipynb`, {b: 7, a: index + 1}]))
      assert.deepEqual([all[3]?.options.cell?.source.trim(), all.at(-1)?.options.outcome?.status], [`# Parameters\nb = 7\na = ${index + 1}`, 'ok'])
    }
    await recorder.answer('notebook:before', {veto: 'no sweeps'})
    const vetoed = envelope<BatchResult>(await run('hooked.ipynb', '--grid', 'a=1,2', '--json'))
    assert.deepEqual(!vetoed.ok && (vetoed.error.details as unknown as BatchResult).runs.map(({error, exitStatus}) => [error?.code, exitStatus]), [['VETOED', 75], ['VETOED', 75]])
    assert.equal((await bench.cli(['plugins', 'uninstall', 'cgpu-hook-recorder'])).status, 0)
  })

  it('refuses what cannot run before anything is started, in one message', async () => {
    const before = (await readdir(bench.home.cwd)).sort()
    const cases: [args: string[], status: number, message: RegExp][] = [
      [['train.ipynb', '--grid', 'rl=1,2', '-o', 'new/'], 64, /train\.ipynb: the notebook has no parameter "rl"\nfix: did you mean lr/],
      [['train.ipynb', 'left.ipynb', '--runtime', 'there,nobody'], 66, /nobody/],
      [['train.ipynb', 'left.ipynb', '--keep-kernel'], 64, /a batch would keep a kernel for each run\nfix: leave --keep-kernel out: /], [['train.ipynb', 'left.ipynb', '--watch'], 64, /one notebook is watched/],
      [['train.ipynb', 'left.ipynb', '--detach'], 64, /\nfix: start each with a --detach/], [['train.ipynb', '--parallel', '2', '--include', 'none'], 66, /--include none: there is no such file/],
    ]
    for (const [args, status, message] of cases) {
      const refused = await run(...args)
      assertRefused(refused, status, args.join(' '))
      assert.match(refused.stderr, message)
    }
    assert.deepEqual((await readdir(bench.home.cwd)).sort(), before)
  })
})
