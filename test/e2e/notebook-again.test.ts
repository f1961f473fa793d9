import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {hookRecorder} from '@cgpu/plugin-sdk/testing'
import type {NotebookRunResult} from '../../plugins/notebook/src/commands/notebook/run.ts'
import type {Notebook} from '../../plugins/notebook/src/format/model.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {envelope} from '../helpers/cli.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, jupyterFor, until, type Workbench, workbench} from '../helpers/workbench.ts'

const notebookOf = (...sources: string[]): string => JSON.stringify({
  cells: sources.map((source, at) => ({cell_type: 'code', id: `c${at + 1}`, metadata: {}, source, outputs: [], execution_count: null})),
  metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 5,
})

/** What each cell printed; undefined: nothing. */
const printed = ({cells}: Notebook): (string | undefined)[] => cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell.outputs.map((one) => (one.output_type === 'stream' ? one.text.trim() : one.output_type === 'error' ? one.ename : '?'))[0]] : []))

describe('running a notebook again', () => {
  let bench: Workbench
  let server: TestJupyter
  before(async () => {
    bench = await workbench()
    server = await jupyterFor(bench)
    const added = await bench.cli(['runtime', 'add', server.url, '--token-stdin', '--name', 'there'], {input: server.token})
    assert.equal(added.status, 0, added.stderr)
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
  const kernels = async (): Promise<string[]> => (await bench.data<{id: string}[]>(['kernel', 'list', '-r', 'there'])).map(({id}) => id)

  it('keeps the kernel, and runs what changed and what depends on it', async () => {
    await bench.file('a.ipynb', notebookOf('import os\nx = 1', 'y = x + 1\nprint(y, os.getpid())', 'z = 5\nprint(z)', 'print(y, z)'))
    assert.deepEqual(await ran('a.ipynb', '--keep-kernel'), [1, 2, 3, 4])
    const [first] = await kernels()
    const process = printed(await copy('a.out.ipynb'))[1]?.split(' ')[1]
    assert.deepEqual(await ran('a.ipynb', '--keep-kernel', '--changed'), [])
    await bench.file('a.ipynb', notebookOf('import os\nx = 1', 'y = x + 1\nprint(y, os.getpid())', 'z = 6\nprint(z)', 'print(y, z)'))
    const told = await run('a.ipynb', '--keep-kernel', '--changed')
    assert.equal(told.status, 0, told.stderr)
    assert.match(told.stderr, /^cell 1: skipped, it is unchanged, and so is what it depends on\ncell 2: skipped, .*\ncell 3: runs, its content changed\ncell 4: runs, it depends on cell 3, which runs: z\n/m)
    assert.deepEqual(printed(await copy('a.out.ipynb')), [undefined, `2 ${process}`, '6', '2 6'])
    assert.deepEqual(await kernels(), [first])
    console.log(told.stderr, JSON.stringify(await copy('a.out.ipynb'), null, 1).slice(0, 1500))
  })
})
