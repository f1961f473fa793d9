// Notebooks where machines are others': a Jupyter server with a token, and Colab. The same is recorded, and what goes wrong on the way loses nothing.
import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {Notebook, Output} from '../../plugins/notebook/src/format/model.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {startChaos} from '../helpers/chaos.ts'
import {startCgpu} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {jupyterFor, until, type Workbench, workbench} from '../helpers/workbench.ts'

const cellOf = (source: string, tags: string[] = []) => ({cell_type: 'code', metadata: {tags}, source, outputs: [], execution_count: null})
const notebookOf = (...sources: (string | ReturnType<typeof cellOf>)[]): string =>
  JSON.stringify({cells: sources.map((one) => (typeof one === 'string' ? cellOf(one) : one)), metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 4})

/** What has to be recorded alike wherever it runs. */
const alike = {
  cells: [
    cellOf('a = 1\nb = "x"', ['parameters']), 'import sys\nprint(a, b, flush=True); print("e", file=sys.stderr, flush=True); print("ä🙂")', 'a + 1',
    'from IPython.display import display, update_display, clear_output\ndisplay({"text/plain": "p", "application/json": {"k": [1]}}, raw=True, display_id="d", metadata={"m": 1});',
    'print("gone"); clear_output(wait=True); print("x" * 200_000)', 'update_display({"text/plain": "q"}, raw=True, display_id="d")', cellOf('1/0', ['raises-exception']),
    'import asyncio\nawait asyncio.sleep(0)\nraise ValueError("last")', 'print("never")',
  ],
  gives: [
    [], [], ['stdout 41 x\n', 'stderr e\n', 'stdout ä🙂\n'], ['42'], ['q'], [`stdout ${'x'.repeat(200_000)}\n`], [], ['ZeroDivisionError'], ['ValueError'], [],
  ],
}

function outputs({cells}: Notebook): string[][] {
  const short = (output: Output): string => (output.output_type === 'stream' ? `${output.name} ${output.text}` : output.output_type === 'error' ? output.ename : String(output.data['text/plain']))
  return cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell.outputs.map(short)] : []))
}

const copyOf = async (bench: Workbench, name: string): Promise<Notebook> => parseNotebook(await readFile(join(bench.home.cwd, name), 'utf8'), name)

/** A notebook whose second cell counts to 200, and waits for the file `go` before 100. */
const counting = (go: string): string => notebookOf('print("first")', `import os, time\nfor i in range(200):\n    while i >= 100 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)\n    print(i, flush=True)`, 'print("last")')
const counted = (n: number): string => `stdout ${Array.from({length: n}, (_, i) => `${i}\n`).join('')}`

/** A run under way, that prints what its cells print. */
class Running {
  stdout = ''
  stderr = ''
  readonly ended: Promise<number | null>

  constructor(bench: Workbench, notebook: string) {
    const child = startCgpu(['notebook', 'run', notebook, '--log-output'], {home: bench.home})
    child.stdout?.on('data', (chunk: Buffer) => void (this.stdout += chunk.toString('utf8')))
    child.stderr?.on('data', (chunk: Buffer) => void (this.stderr += chunk.toString('utf8')))
    this.ended = once(child, 'close').then(([status]) => status as number | null) // as node documents it
  }

  printed(text: string): Promise<void> {
    return until(() => this.stdout.includes(text), () => `${text} was not printed:\n${this.stdout}\n${this.stderr}`)
  }
}

async function recordsAlike(bench: Workbench): Promise<void> {
  await bench.file('alike.ipynb', notebookOf(...alike.cells))
  const failed = await bench.cli(['notebook', 'run', 'alike.ipynb', '-p', 'a', '41', '--no-error-markers'])
  assert.equal(failed.status, 1, failed.stderr)
  assert.match(failed.stderr, /\nerror: cell 9 failed: ValueError: last\nfix: see the executed copy: alike\.out\.ipynb\n$/)
  assert.deepEqual(outputs(await copyOf(bench, 'alike.out.ipynb')), alike.gives)
}

describe('notebooks on a Jupyter server with a token', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
  })
  after(() => bench?.remove())

  it('record the same, and are whole after a connection that was cut in the middle of a cell', async () => {
    const server = await jupyterFor(bench)
    const chaos = await startChaos(server.port)
    bench.onRemove(() => chaos.close())
    const added = await bench.cli(['runtime', 'add', chaos.url(), '--token-stdin', '--name', 'there'], {input: server.token})
    assert.equal(added.status, 0, added.stderr)
    await recordsAlike(bench)
    const go = join(server.root, 'go')
    await bench.file('counting.ipynb', counting(go))
    const running = new Running(bench, 'counting.ipynb')
    await running.printed('99\n')
    chaos.refuse()
    chaos.rstAll()
    await until(() => running.stderr.includes('reconnecting'), () => running.stderr)
    await writeFile(go, '')
    chaos.refuse(false)
    assert.equal(await running.ended, 0, running.stderr)
    assert.deepEqual(outputs(await copyOf(bench, 'counting.out.ipynb')), [['stdout first\n'], [counted(200)], ['stdout last\n']])
    assert.doesNotMatch(running.stderr, /missing|error:/)
  })
})

describe('notebooks on Colab', function () {
  this.timeout(120_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabBench({machines: {closeExpiredSockets: true}})
    const made = await bench.cli(['runtime', 'create', '--name', 'colab'])
    assert.equal(made.status, 0, made.stderr)
    await bench.file('counting.ipynb', counting('/content/go'))
  })
  after(() => bench?.remove())

  it('record the same', () => recordsAlike(bench))

  it('are whole after a proxy token that ended in the middle of a cell', async () => {
    const running = new Running(bench, 'counting.ipynb')
    await running.printed('99\n')
    const before = bench.calls('runtime-proxy-token').length
    await bench.emulator.clock.advance(61 * 60_000)
    await until(() => bench.calls('runtime-proxy-token').length > before, () => running.stderr)
    const machines = join(bench.emulator.folder, 'machines')
    for (const machine of await readdir(machines)) await writeFile(join(machines, machine, 'content', 'go'), '')
    assert.equal(await running.ended, 0, running.stderr)
    assert.deepEqual(outputs(await copyOf(bench, 'counting.out.ipynb')), [['stdout first\n'], [counted(200)], ['stdout last\n']])
    assert.doesNotMatch(running.stderr, /missing|error:/)
  })

  it('keep all that came until the machine was taken away, and say so', async () => {
    await bench.file('taken.ipynb', counting('/content/never'))
    const running = new Running(bench, 'taken.ipynb')
    await running.printed('99\n')
    await bench.emulator.happen({reclaim: '*'})
    assert.equal(await running.ended, 71, running.stderr)
    assert.match(running.stderr, /\nerror: cell 2: colab was taken away while work ran on it\nfix: .*; see the executed copy: taken\.out\.ipynb\n$/)
    assert.deepEqual(outputs(await copyOf(bench, 'taken.out.ipynb')), [['stdout first\n'], [counted(100)], []])
    const [entry] = await bench.data<{kind: string; status: string; code: string}[]>(['history', 'list'])
    assert.deepEqual([entry?.kind, entry?.status, entry?.code], ['notebook', 'lost', 'RUNTIME_RECLAIMED'])
    assert.ok(!existsSync(join(bench.home.dataDir, 'state', 'runtimes', 'colab.json')))
  })
})
