import assert from 'node:assert/strict'
import {once} from 'node:events'
import {readFile, rename, rm, writeFile} from 'node:fs/promises'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {hookRecorder} from '@cgpu/plugin-sdk/testing'
import type {NotebookRunResult} from '../../plugins/notebook/src/commands/notebook/run.ts'
import type {Notebook} from '../../plugins/notebook/src/format/model.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {recordOf} from '../../plugins/notebook/src/again/record.ts'
import {envelope, startCgpu} from '../helpers/cli.ts'
import {writePlugin} from '../helpers/plugin-folder.ts'
import {installFixture} from '../helpers/untrusted.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

const notebookOf = (...sources: string[]): string => JSON.stringify({
  cells: sources.map((source, at) => ({cell_type: 'code', id: `c${at + 1}`, metadata: {}, source, outputs: [], execution_count: null})),
  metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 5,
})

/** What each cell printed; undefined: nothing. */
const printed = ({cells}: Notebook): (string | undefined)[] => cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell.outputs.map((one) => (one.output_type === 'stream' ? one.text.trim() : one.output_type === 'error' ? one.ename : '?'))[0]] : []))

describe('running a notebook again', function () {
  this.timeout(60_000)
  let bench: Workbench
  let server: TestJupyter
  before(async () => {
    bench = await workbench()
    server = await jupyterThere(bench)
  })
  after(() => bench.remove())
  const copy = async (name: string): Promise<Notebook> => parseNotebook(await readFile(join(bench.home.cwd, name), 'utf8'), name)
  const run = (...args: string[]) => bench.cli(['notebook', 'run', ...args])
  /** Numbers of the cells that ran. */
  async function ran(...args: string[]): Promise<number[]> {
    const done = envelope<NotebookRunResult>(await run(...args, '--json'))
    const data = done.ok ? done.data : (done.error.details as unknown as NotebookRunResult) // what a failed run gives
    return data.cells.map(({index}) => index + 1)
  }
  const ask = (path: string, method = 'GET'): Promise<Response> => fetch(new URL(`api/kernels${path}`, server.url.endsWith('/') ? server.url : `${server.url}/`), {method, headers: {authorization: `token ${server.token}`}})
  const kernels = async (): Promise<string[]> => ((await (await ask('')).json()) as {id: string}[]).map(({id}) => id).sort()

  it('keeps the kernel, and runs what changed and what depends on it', async () => {
    await bench.file('a.ipynb', notebookOf('import os\nx = 1', 'y = x + 1\nprint(y, os.getpid())', 'z = 5\nprint(z)', 'print(y, z)'))
    assert.deepEqual(await ran('a.ipynb', '--keep-kernel'), [1, 2, 3, 4])
    const kept = await kernels()
    const process = printed(await copy('a.out.ipynb'))[1]?.split(' ')[1]
    assert.deepEqual(await ran('a.ipynb', '--keep-kernel', '--changed'), [])
    await bench.file('a.ipynb', notebookOf('import os\nx = 1', 'y = x + 1\nprint(y, os.getpid())', 'z = 6\nprint(z)', 'print(y, z)'))
    const told = await run('a.ipynb', '--keep-kernel', '--changed')
    assert.equal(told.status, 0, told.stderr)
    assert.match(told.stderr, /^cell 1: skipped, it is unchanged, and so is what it depends on\ncell 2: skipped, .*\ncell 3: runs, its content changed\ncell 4: runs, it depends on cell 3, which runs: z\n/m)
    assert.deepEqual(printed(await copy('a.out.ipynb')), [undefined, `2 ${process}`, '6', '2 6'])
    assert.deepEqual(await kernels(), kept)
    for (const id of kept) await ask(`/${id}`, 'DELETE')
    await bench.file('a.ipynb', notebookOf('import os\nx = 1', 'y = x + 1\nprint(y, os.getpid())', 'z = 7\nprint(z)', 'print(z)'))
    const gone = await run('a.ipynb', '--keep-kernel', '--changed')
    assert.match(gone.stderr, /^the kept kernel is gone: this one is fresh\ncell 1: skipped.*\ncell 2: skipped.*\ncell 3: runs.*\ncell 4: runs/m)
    assert.deepEqual(printed(await copy('a.out.ipynb')), [undefined, `2 ${process}`, '7', '7'])
  })

  it('begins at the cell that failed, with the results of those before', async () => {
    await bench.file('b.ipynb', notebookOf('a = 40\nprint("once")', 'oops', 'print(a + 2)'))
    const failed = await run('b.ipynb', '--quiet')
    assert.equal(failed.status, 1, failed.stderr)
    await bench.file('b.ipynb', notebookOf('a = 40\nprint("once")', 'print("fixed")', 'print(a + 2)'))
    assert.deepEqual(await ran('b.ipynb', '--from-failed'), [1, 2, 3])
    assert.deepEqual(printed(await copy('b.out.ipynb')), ['once', 'fixed', '42'])
    const nothing = await run('b.ipynb', '--from-failed')
    assert.match(nothing.stderr, /^no cell failed in the executed copy\ncell 1: skipped/)
    assert.equal(nothing.stdout, 'b.out.ipynb\n')
    assertRefused(await run('b.ipynb', '-o', '-', '--changed'), 64)
    assertRefused(await run('b.ipynb', '--changed', '--resume'), 64)
  })

  it('goes on in the kept kernel after the client was killed', async () => {
    await bench.file('k.ipynb', notebookOf('n = 1\nprint("first", n)', 'import os, time\nwhile not os.path.exists("go"): time.sleep(0.02)\nprint("second")', 'n += 1\nprint(n)'))
    const client = startCgpu(['notebook', 'run', 'k.ipynb', '--keep-kernel'], {home: bench.home})
    const begun = async (): Promise<boolean> => (await copy('k.out.ipynb').catch(() => undefined))?.cells.some((cell) => cell.id === 'c2' && recordOf(cell)?.status === 'begun') === true
    try {
      await until(begun, () => 'the second cell has not begun', 40_000)
    } finally {
      client.kill('SIGKILL')
    }
    await once(client, 'close')
    await writeFile(join(server.root, 'go'), '')
    assert.deepEqual(await ran('k.ipynb', '--keep-kernel', '--resume'), [2, 3])
    assert.deepEqual(printed(await copy('k.out.ipynb')), ['first 1', 'second', '2'])
  })

  it('runs what changed whenever the notebook is saved, and ends the kernel with itself', async () => {
    const before = await kernels()
    await bench.file('w.ipynb', notebookOf('x = 1', 'print(x)'))
    const watching = bench.cli(['notebook', 'run', 'w.ipynb', '--watch'], {signalAfter: {signal: 'SIGINT', stream: 'stderr', match: /(waiting for[^]*){2}/}})
    await until(async () => (await readFile(join(bench.home.cwd, 'w.out.ipynb'), 'utf8').catch(() => '')).includes('"1\\n"'), () => 'the first run has not ended', 40_000)
    // as editors save: another file in its place
    await bench.file('w.new', notebookOf('x = 1', 'print(x + 1)'))
    await rename(join(bench.home.cwd, 'w.new'), join(bench.home.cwd, 'w.ipynb'))
    const {status, stderr} = await watching
    assert.equal(status, 0, stderr)
    assert.match(stderr, /cell 1: skipped, [^\n]*\ncell 2: runs, its content changed\n/)
    assert.deepEqual(printed(await copy('w.out.ipynb')), [undefined, '2'])
    assert.deepEqual(await kernels(), before)
  })

  it('asks and tells other plugins of notebooks and cells', async () => {
    const recorder = await hookRecorder({path: bench.home.path, link: async (folder) => {
      const linked = await bench.cli(['plugins', 'link', folder])
      assert.equal(linked.status, 0, linked.stderr)
    }})
    await bench.file('h.ipynb', JSON.stringify({...JSON.parse(notebookOf('a = 1', 'print(a)')) as object, cells: [{cell_type: 'code', id: 'c1', metadata: {tags: ['parameters']}, source: 'a = 1', outputs: [], execution_count: null}, {cell_type: 'code', id: 'c2', metadata: {}, source: 'print(a)', outputs: [], execution_count: null}]}))
    await recorder.answer('notebook:before', {parameters: {a: 5, b: 1}})
    const done = await run('h.ipynb')
    assert.equal(done.status, 0, done.stderr)
    assert.match(done.stderr, /^warning: a plugin gave the parameter "b", which the notebook does not have: it is left out$/m)
    assert.deepEqual(printed(await copy('h.out.ipynb')), [undefined, undefined, '5'])
    const told = await recorder.take()
    assert.deepEqual(told.map(({event}) => event), ['notebook:before', 'execution:before', ...Array.from({length: 3}, () => ['cell:before', 'cell:after']).flat(), 'execution:after', 'notebook:after'])
    const after = told.at(-1)?.options as unknown as {request: {parameters: object}; outcome: {status: string; cells: number}} // as the recorder keeps it
    assert.deepEqual([after.request.parameters, after.outcome.status, after.outcome.cells], [{a: 5}, 'ok', 3])
    await recorder.answer('cell:before', {skip: 'not today'})
    const skipped = envelope<NotebookRunResult>(await run('h.ipynb', '--json'))
    assert.deepEqual(skipped.data.selection?.map(({index, runs, reason}) => [index, runs, reason]), [0, 1, 2].map((index) => [index, false, 'cgpu-hook-recorder: not today']))
    await recorder.answer('cell:before', {veto: 'never'})
    const vetoed = await run('h.ipynb')
    assertRefused(vetoed, 75)
    assert.match(vetoed.stderr, /vetoed cell 1: never/)
    await recorder.answer('notebook:before', {veto: 'no'})
    await recorder.take()
    assertRefused(await run('h.ipynb'), 75)
    assert.deepEqual((await recorder.take()).map(({event}) => event), ['notebook:before', 'notebook:after'])
    assert.equal((await bench.cli(['plugins', 'uninstall', 'cgpu-hook-recorder'])).status, 0)
  })

  it('asks an untrusted plugin in its sandbox: one that throws or hangs becomes a warning', async () => {
    const made = join(bench.home.path, 'held')
    const before = `const {index, source} = options.cell
      if (index === 0) return {skip: 'sandboxed ' + process.execArgv.includes('--permission') + ', ' + source}
      if (index === 1) throw new Error('not mine')
      await new Promise(() => {})`
    writePlugin(made, {name: 'cgpu-held', hooks: {'cell:before': before, 'cell:after': 'throw new Error("after " + options.outcome.status)'}, capabilities: [{use: 'kernel', reason: 'to see cells'}]})
    await installFixture(bench.home, made, {acceptsNetwork: true})
    await bench.file('held.ipynb', notebookOf('x = 1', 'print(2)', 'print(3)'))
    const done = envelope<NotebookRunResult>(await run('held.ipynb', '--json'))
    assert.ok(done.ok, JSON.stringify(done))
    assert.deepEqual(done.data.selection?.map(({index, runs, reason}) => [index, runs, reason]), [[0, false, 'cgpu-held: sandboxed true, x = 1']], JSON.stringify(done.warnings))
    assert.deepEqual(printed(await copy('held.out.ipynb')), [undefined, '2', '3'])
    const failed = done.warnings.map((text) => /^plugin cgpu-held failed in (cell:\w+): .*(not mine|after ok|took too long|Timed out)/.exec(text)?.slice(1).join(' ').replace('Timed out', 'took too long') ?? text)
    assert.deepEqual(failed, ['cell:before not mine', 'cell:after after ok', 'cell:before took too long'])
    assert.equal((await bench.cli(['plugins', 'uninstall', 'cgpu-held'])).status, 0)
  })

  it('asks the hooks of cgpu.yaml, programs and addresses', async () => {
    const told: {event: string; outcome: {status: string}; cell?: {index: number}}[] = []
    const server = createServer((request, response) => void (async () => {
      told.push(JSON.parse(Buffer.concat(await request.toArray() as Buffer[]).toString()) as typeof told[number]) // as docs/hooks.md has it
      response.end()
    })()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    await bench.file('answer.sh', `#!/bin/sh
input=$(cat)
echo "$CGPU_HOOK" >> asked
case "$CGPU_HOOK $input" in notebook:before*) echo '{"parameters": {"a": 5}}';; *'"index":2'*) echo '{"skip": "not this one"}';; esac
`, 0o755)
    await bench.file('cgpu.yaml', `hooks:\n  notebook:before: {run: ./answer.sh, timeout: 30}\n  cell:before: {run: ./answer.sh, timeout: 30}\n  cell:after: {url: "${url}", timeout: 30}\n  notebook:after: {url: "${url}", timeout: 30}\n`)
    try {
      await bench.file('p.ipynb', notebookOf('print(a)', '1/0'))
      const done = await bench.cli(['notebook', 'run', 'p.ipynb'], {env: {CGPU_PROJECT_HOOKS: 'on'}})
      assert.equal(done.status, 0, done.stderr)
      assert.match(done.stderr, /^cell 3: skipped, cgpu\.yaml: not this one$/m)
      assert.deepEqual(printed(await copy('p.out.ipynb')), [undefined, '5', undefined])
      assert.equal(await readFile(join(bench.home.cwd, 'asked'), 'utf8'), 'notebook:before\ncell:before\ncell:before\ncell:before\n')
      assert.deepEqual(told.map(({event, cell, outcome}) => [event, cell?.index, outcome.status]), [['cell:after', 0, 'ok'], ['cell:after', 1, 'ok'], ['notebook:after', undefined, 'ok']])
    } finally {
      await rm(join(bench.home.cwd, 'cgpu.yaml'))
      server.closeAllConnections()
      server.close()
    }
  })
})
