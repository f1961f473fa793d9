import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {BatchResult} from '../../plugins/notebook/src/batch/result.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {envelope} from '../helpers/cli.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, jupyterFor, until, type Workbench, workbench} from '../helpers/workbench.ts'

const cellOf = (source: string, tags: string[] = []) => ({cell_type: 'code', metadata: {tags}, source, outputs: [], execution_count: null})
const notebookOf = (...sources: (string | ReturnType<typeof cellOf>)[]): string =>
  JSON.stringify({cells: sources.map((one) => (typeof one === 'string' ? cellOf(one) : one)), metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 4})

const train = notebookOf(cellOf('lr = 1.0\ndepth = 1', ['parameters']), 'print(type(lr).__name__, lr * depth)', 'import os\nassert depth < 4 or os.path.exists("fixed"), "too deep <b>"', 'print("done")')

describe('cgpu notebook run, of many', () => {
  let bench: Workbench
  let server: TestJupyter
  before(async () => {
    bench = await workbench()
    server = await jupyterFor(bench)
    const added = await bench.cli(['runtime', 'add', server.url, '--token-stdin', '--name', 'there'], {input: server.token})
    assert.equal(added.status, 0, added.stderr)
  })
  after(() => bench.remove())
  const run = (...args: string[]) => bench.cli(['notebook', 'run', ...args])
  const printed = async (name: string): Promise<string[]> => {
    const {cells} = parseNotebook(await readFile(join(bench.home.cwd, name), 'utf8'), name)
    return cells.flatMap((cell) => (cell.cell_type === 'code' ? cell.outputs.flatMap((one) => (one.output_type === 'stream' ? [one.text] : one.output_type === 'error' ? [one.ename] : [])) : []))
  }
  /** Those that are not cgpu's own. */
  const kernels = async (): Promise<unknown[]> => (await bench.data<{kernels?: unknown[]}[]>(['kernel', 'list', '--runtime', 'there'])) as unknown[]

  it('runs every combination of a grid, goes on after a failure, and runs again what did not succeed', async () => {
    await bench.file('train.ipynb', train)
    const sweep = ['train.ipynb', '--grid', 'lr=0.5,2', '--grid', 'depth=2,4', '--parallel', '4', '-o', 'runs/', '--junit', 'reports/junit.xml', '--html', 'reports/index.html', '--json', '--runtime', 'there']
    const failed = await run(...sweep)
    assert.equal(failed.status, 1, failed.stderr)
    const {error} = envelope<never>(failed)
    console.log(JSON.stringify(error, null, 1).slice(0, 3000))
    const again = await run(...sweep, '--skip-done')
    console.log(again.stdout.slice(0, 1000))
    console.log(await readFile(join(bench.home.cwd, 'reports/junit.xml'), 'utf8'))
    console.log(await kernels())
  })
})
