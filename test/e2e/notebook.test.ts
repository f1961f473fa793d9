import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {readFile, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {Notebook, Output} from '../../plugins/notebook/src/format/model.ts'
import type {NotebookRunResult} from '../../plugins/notebook/src/commands/notebook/run.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {envelope} from '../helpers/cli.ts'
import {examples} from '../helpers/examples.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

const cellOf = (source: string, tags: string[] = []) => ({cell_type: 'code', metadata: {tags}, source, outputs: [], execution_count: null})
const notebookOf = (...sources: (string | ReturnType<typeof cellOf>)[]): string =>
  JSON.stringify({cells: sources.map((one) => (typeof one === 'string' ? cellOf(one) : one)), metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 4})

function outputs({cells}: Notebook): string[][] {
  const short = (output: Output): string => (output.output_type === 'stream' ? output.text : output.output_type === 'error' ? output.ename : String(output.data['text/plain']))
  return cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell.outputs.map(short)] : []))
}

describe('cgpu notebook run', () => {
  let bench: Workbench
  let server: TestJupyter
  before(async () => {
    bench = await workbench()
    server = await jupyterThere(bench)
  })
  after(() => bench.remove())
  const run = (...args: string[]) => bench.cli(['notebook', 'run', ...args])
  const copy = async (name: string): Promise<Notebook> => parseNotebook(await readFile(join(bench.home.cwd, name), 'utf8'), name)

  it('writes the executed copy beside the notebook, with its parameters', async () => {
    await bench.file('sum.ipynb', notebookOf(cellOf('a = 1\nb = "x"', ['parameters']), 'print(a, b)', 'a + 1'))
    const done = envelope<NotebookRunResult>(await bench.cli(['nb', 'run', 'sum.ipynb', '-p', 'a', '41', '-r', 'b', '7', '--json']))
    assert.ok(done.ok)
    const {output, status, exitStatus, parameters, cells, runtime, kernel} = done.data
    assert.deepEqual({output, status, exitStatus, parameters, runtime, kernel}, {output: 'sum.out.ipynb', status: 'ok', exitStatus: 0, parameters: {a: 41, b: '7'}, runtime: 'there', kernel: 'python3'})
    assert.deepEqual(cells.map((one) => [one.index, one.status, one.executionCount]), [[0, 'ok', 1], [1, 'ok', 2], [2, 'ok', 3], [3, 'ok', 4]])
    assert.deepEqual(outputs(await copy('sum.out.ipynb')), [[], [], ['41 7\n'], ['42']])
    const [entry] = await bench.data<{kind: string; status: string; command: {notebook: string; args: string[]; code: string}}[]>(['history', 'list'])
    assert.deepEqual([entry?.kind, entry?.status, entry?.command.code], ['notebook', 'ok', 'a = 1\nb = "x"\n\n# Parameters\na = 41\nb = "7"\n\n\nprint(a, b)\n\na + 1'])
    assert.deepEqual([entry?.command.notebook, entry?.command.args], ['sum.ipynb', ['--parameters', 'a=41', '--parameters-raw', 'b=7']])
    assert.equal((await stat(join(bench.home.cwd, 'sum.out.ipynb'))).mode & 0o777, 0o666 & ~process.umask())
  })

  it('is done again from the history', async () => {
    await rm(join(bench.home.cwd, 'sum.out.ipynb'))
    const line = await bench.cli(['history', 'rerun', '--dry-run'])
    assert.equal(line.stdout, 'cgpu notebook run sum.ipynb --runtime there --parameters a=41 --parameters-raw b=7\n', line.stderr)
    const again = await bench.cli(['history', 'rerun'])
    assert.deepEqual([again.status, again.stdout], [0, 'sum.out.ipynb\n'], again.stderr)
    assert.deepEqual(outputs(await copy('sum.out.ipynb')), [[], [], ['41 7\n'], ['42']])
  })

  it('stops at the first error with its status, and marks the place until the next run', async () => {
    await bench.file('fails.ipynb', notebookOf('print("before")', 'import sys; sys.exit(3)', 'print("after")'))
    const failed = await run('fails.ipynb', '-o', 'failed.ipynb')
    assert.deepEqual([failed.status, failed.stdout], [3, ''])
    assert.match(failed.stderr, /\nerror: cell 2 failed: SystemExit: 3\nfix: see the executed copy: failed\.ipynb\n$/)
    const marked = await copy('failed.ipynb')
    assert.deepEqual(outputs(marked).map((one) => one[0]), ['before\n', 'SystemExit', undefined])
    assert.equal(marked.cells.length, 5)
    assert.match(marked.cells[2]?.source ?? '', /papermill-error-cell/)
    const again = await run('failed.ipynb', '--inplace', '--allow-error-names', 'SystemExit', '--no-timing')
    assert.deepEqual([again.status, again.stdout], [0, 'failed.ipynb\n'], again.stderr)
    const clean = await copy('failed.ipynb')
    assert.deepEqual([clean.cells.length, outputs(clean)[2]], [3, ['after\n']])
  })

  it('interrupts a cell whose time is over, and stops', async () => {
    await bench.file('slow.ipynb', notebookOf('print("begun", flush=True)\nimport time\ntime.sleep(600)', 'print("never")'))
    const late = await run('slow.ipynb', '--cell-timeout', '6s')
    assert.equal(late.status, 130, late.stderr)
    assert.match(late.stderr, /error: cell 1 was interrupted after 6s\n/)
    assert.deepEqual(outputs(await copy('slow.out.ipynb')), [['begun\n', 'KeyboardInterrupt'], []])
  })

  it('ends in order on Ctrl-C', async () => {
    await bench.file('stopped.ipynb', notebookOf('import time\nprint("begun", flush=True)\ntime.sleep(600)', 'print("never")'))
    const stopped = await bench.cli(['notebook', 'run', 'stopped.ipynb', '--log-output'], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /begun\n/}})
    assert.equal(stopped.status, 130, stopped.stderr)
    assert.deepEqual(outputs(await copy('stopped.out.ipynb')), [['begun\n', 'KeyboardInterrupt'], []])
  })

  it('notices a kernel that dies, and keeps what was there', async () => {
    await bench.file('dies.ipynb', notebookOf('print("kept")', 'import os; os._exit(1)', 'print("never")'))
    const dead = envelope<never>(await run('dies.ipynb', '--json'))
    assert.equal(dead.error.code, 'KERNEL_DIED')
    assert.deepEqual(outputs(await copy('dies.out.ipynb')), [['kept\n'], [], []])
  })

  it('row 47: of two runs that would write one copy the second is refused, and the first is whole', async () => {
    await bench.file('once.ipynb', notebookOf('open("begun", "w").close()\nimport os, time\nwhile not os.path.exists("go"): time.sleep(0.02)\nprint("whole")'))
    const there = (name: string): string => join(server.root, name)
    const first = run('once.ipynb')
    await until(() => existsSync(there('begun')), () => 'the first run has not begun')
    const second = await run('once.ipynb', '-o', './once.out.ipynb')
    assertRefused(second, 72)
    assert.match(second.stderr, /another run is writing \.\/once\.out\.ipynb\nfix: wait/)
    await writeFile(there('go'), '')
    assert.equal((await first).status, 0, (await first).stderr)
    assert.deepEqual(outputs(await copy('once.out.ipynb')), [['whole\n']])
    assert.equal((await run('once.ipynb')).status, 0)
  })

  it('answers input() from stdin, and tells events', async () => {
    await bench.file('asks.ipynb', notebookOf('print("hello", input("name? "))'))
    const {status, stdout, stderr} = await bench.cli(['notebook', 'run', 'asks.ipynb', '--stdin', '--output', 'ndjson'], {input: 'you\n'})
    assert.equal(status, 0, stderr)
    const events = stdout.trim().split('\n').map((line) => JSON.parse(line) as {type: string; seq: number; data?: string; exitStatus?: number})
    assert.deepEqual(events.map(({seq}) => seq), events.map((_, index) => index))
    assert.deepEqual(events.map(({type}) => type), ['started', 'progress', 'stdout', 'progress', 'finished'])
    assert.deepEqual([events[2]?.data, events[4]?.exitStatus], ['hello you\n', 0])
    const refused = await run('none.ipynb', '--output', 'ndjson')
    assert.match(refused.stdout, /^\{"type":"finished".*"exitStatus":66.*"code":"NOTEBOOK_NOT_FOUND".*\}\n$/)
  })

  it('refuses what cannot run before anything is started, in one message', async () => {
    await bench.file('good.ipynb', notebookOf(cellOf('a = 1', ['parameters'])))
    await bench.file('broken.ipynb', '{"cells": [')
    const cases: [args: string[], status: number][] = [
      [['broken.ipynb'], 65], [['good.ipynb', '-p', 'b', '1'], 64], [['good.ipynb', '-o', 'nowhere/out.ipynb'], 73], [['good.ipynb', '--kernel', 'nope'], 66],
    ]
    for (const [args, status] of cases) assertRefused(await run(...args), status, args.join(' '))
  })

  it('does what its examples show', async function () {
    this.timeout(60_000)
    await bench.file('analysis.ipynb', notebookOf(cellOf('epochs = 1\nname = "large"', ['parameters']), cellOf('print(name * epochs)', ['setup']), 'print("done")'))
    // the others have tests of their own
    for (const line of examples('plugins/notebook').filter((one) => /^cgpu (nb|notebook) (run|params) (?!.*--detach)/.test(one))) {
      const {status, stderr} = await bench.cli(line.split(' ').slice(1))
      assert.equal(status, 0, `${line}\n${stderr}`)
    }
    assert.deepEqual(outputs(await copy('done.ipynb')), [[], [], ['smallsmallsmall\n'], ['done\n']])
    assert.deepEqual(outputs(await copy('analysis.out.ipynb')), [[], ['large\n'], ['done\n']])
  })

  it('lists parameters', async () => {
    const listed = await bench.cli(['notebook', 'params', 'good.ipynb'])
    assert.equal(listed.stdout, 'name  type  default  help\na     int   1\n')
  })
})
