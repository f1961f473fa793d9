// What can be wrong with a notebook and its run: one message, one code, one status, one thing to do, and nothing lost.
import assert from 'node:assert/strict'
import {mkdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {Notebook, Output} from '../../plugins/notebook/src/format/model.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {type CliResult, envelope} from '../helpers/cli.ts'
import {jupyterThere, type Workbench, workbench} from '../helpers/workbench.ts'

const cellOf = (source: string, tags: string[] = [], more: object = {}) => ({cell_type: 'code', metadata: {tags}, source, outputs: [], execution_count: null, ...more})
const notebookOf = (...sources: (string | ReturnType<typeof cellOf>)[]): string =>
  JSON.stringify({cells: sources.map((one) => (typeof one === 'string' ? cellOf(one) : one)), metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 5})

function outputs({cells}: Notebook): string[][] {
  const short = (output: Output): string => (output.output_type === 'stream' ? output.text : output.output_type === 'error' ? output.ename : String(output.data['text/plain']))
  return cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell.outputs.map(short)] : []))
}

/** What was typed after `notebook run`, the file `in.ipynb` where there has to be another than a good one, and how it ends. */
const refused: {what: string; file?: string; args?: string[]; code: string; status: number; message: RegExp}[] = [
  {what: 'nothing', file: '', code: 'NOTEBOOK_NOT_JSON', status: 65, message: /: it is empty$/},
  {what: 'half a file', file: '{"cells": [', code: 'NOTEBOOK_NOT_JSON', status: 65, message: /^in\.ipynb is not a notebook: /},
  {what: 'marks of a merge', file: '{\n<<<<<<< HEAD\n', code: 'NOTEBOOK_NOT_JSON', status: 65, message: /marks of a merge conflict$/},
  {what: 'another kind of JSON', file: '[1, 2]', code: 'NOTEBOOK_INVALID', status: 65, message: /does not say its format$/},
  {what: 'a cell of no kind', file: JSON.stringify({nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [{cell_type: 'x'}]}), code: 'NOTEBOOK_INVALID', status: 65, message: /cells\[0\]\.cell_type: /},
  {what: 'format 3', file: JSON.stringify({nbformat: 3, nbformat_minor: 0, metadata: {}, worksheets: []}), code: 'NOTEBOOK_VERSION', status: 65, message: /has notebook format 3, and cgpu reads 4$/},
  {what: 'a format to come', file: JSON.stringify({nbformat: 9, nbformat_minor: 0, metadata: {}, cells: []}), code: 'NOTEBOOK_VERSION', status: 65, message: /has notebook format 9/},
  {what: 'two cells of one id', file: notebookOf(cellOf('1', [], {id: 'a'}), cellOf('2', [], {id: 'a'})), code: 'DUPLICATE_CELL_IDS', status: 65, message: /cells 1 and 2 have the same id, a$/},
  {what: 'a cell of 100 MB', file: notebookOf('1', `x = "${'x'.repeat(100_000_000)}"`), code: 'CELL_TOO_BIG', status: 65, message: /^cell 2 is 95 MiB of code, and a Jupyter server takes 10$/},
  {what: 'a parameter that it does not have', args: ['-p', 'epoch', '3'], code: 'UNKNOWN_PARAMETER', status: 64, message: /no parameter "epoch"$/},
  {what: 'a parameter of another type', args: ['-p', 'epochs', 'three'], code: 'INVALID_PARAMETER', status: 64, message: /^the parameter epochs is to be int, and "three" is text$/},
  {what: 'a parameter without a value', args: ['-p', 'epochs'], code: 'USAGE', status: 64, message: /^-p needs a name and a value$/},
  {what: 'parameters that are no YAML', args: ['-y', '{a: ['], code: 'PARAMETERS_INVALID', status: 65, message: /^-y: the parameters are not YAML/},
  {what: 'parameters in a file that is not there', args: ['-f', 'none.yaml'], code: 'PARAMETERS_FILE', status: 66, message: /^none\.yaml: /},
  {what: 'a cell that it does not have', args: ['--from', '9'], code: 'NO_SUCH_CELL', status: 64, message: /^there is no cell 9$/},
  {what: 'an output below a folder that is not there', args: ['-o', 'nowhere/out.ipynb'], code: 'CANNOT_WRITE', status: 73, message: /there is no such folder$/},
  {what: 'an output that is the folder of the notebook', args: ['-o', '.'], code: 'USAGE', status: 64, message: /^the copy would replace the notebook$/},
  {what: 'a kernel that is not there', args: ['--kernel', 'nope'], code: 'KERNEL_NOT_FOUND', status: 66, message: /nope/},
  {what: 'a kernel that does not start', args: ['--kernel', 'sleepy', '--startup-timeout', '1s'], code: 'KERNEL_START_TIMEOUT', status: 71, message: /^the kernel sleepy did not answer within 1 s$/},
]

describe('a notebook run that cannot be', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    const server = await jupyterThere(bench)
    const sleepy = join(server.root, '.jupyter-test', 'data', 'kernels', 'sleepy')
    await mkdir(sleepy, {recursive: true})
    await writeFile(join(sleepy, 'kernel.json'), JSON.stringify({argv: [server.python, '-c', 'import time; time.sleep(600)', '{connection_file}'], display_name: 'sleepy', language: 'python'}))
  })
  after(() => bench.remove())
  const run = (...args: string[]): Promise<CliResult> => bench.cli(['notebook', 'run', ...args])
  const copy = async (name: string): Promise<Notebook> => parseNotebook(await readFile(join(bench.home.cwd, name), 'utf8'), name)

  for (const {what, file = notebookOf(cellOf('epochs: int = 1', ['parameters'])), args = [], code, status, message} of refused) {
    it(`for ${what} says so`, async () => {
      await bench.file('in.ipynb', file)
      const result = await run('in.ipynb', '--json', ...args)
      const {ok, error} = envelope(result)
      assert.deepEqual([ok, error.code, result.status], [false, code, status], error.message)
      assert.match(error.message, message)
      assert.match(error.fix ?? '', /^\S.*\S$/)
      assert.ok(error.message.length < 400 && !/[\n\u001B]/.test(error.message + (error.fix ?? '')))
      assert.equal(result.stderr, '')
      await rm(join(bench.home.cwd, 'in.ipynb'))
    })
  }

  it('goes on with a warning where no cell declares parameters', async () => {
    await bench.file('plain.ipynb', notebookOf('print(a)'))
    const done = await run('plain.ipynb', '-p', 'a', '3')
    assert.deepEqual([done.status, done.stdout], [0, 'plain.out.ipynb\n'], done.stderr)
    assert.match(done.stderr, /^warning: no cell is tagged "parameters": they are set at the top of the notebook$/m)
    assert.deepEqual(outputs(await copy('plain.out.ipynb')), [[], ['3\n']])
  })

  it('writes the copy though its folder was removed meanwhile', async () => {
    await mkdir(join(bench.home.cwd, 'out'))
    await bench.file('removes.ipynb', notebookOf(`import shutil; shutil.rmtree(${JSON.stringify(join(bench.home.cwd, 'out'))})`, 'print("whole")'))
    const done = await run('removes.ipynb', '-o', 'out/copy.ipynb')
    assert.equal(done.status, 0, done.stderr)
    assert.deepEqual(outputs(await copy('out/copy.ipynb')), [[], ['whole\n']])
  })

  it('leaves a notebook alone that was changed while it ran into itself', async () => {
    // not before the run itself has written into it
    const edit = `import time\npath = ${JSON.stringify(join(bench.home.cwd, 'edited.ipynb'))}\nwhile '"begun"' + "\\n" not in open(path).read(): time.sleep(0.01)\nopen(path, "a").write(" ")`
    const path = await bench.file('edited.ipynb', notebookOf(edit, 'print("whole")'))
    const done = await run('edited.ipynb', '--inplace')
    assert.equal(done.status, 72, done.stderr)
    assert.match(done.stderr, /^error: edited\.ipynb was changed while it ran, and is left as it is\nfix: take the outputs from the executed copy: edited\.out\.ipynb\n$/m)
    assert.deepEqual(outputs(await copy('edited.out.ipynb')).at(-1), ['whole\n'])
    assert.match(await readFile(path, 'utf8'), / $/)
    assert.deepEqual(outputs(await copy('edited.ipynb')), [[], []])
  })

  it('ends a cell that floods when its time is over, with what it printed', async () => {
    await bench.file('floods.ipynb', notebookOf('print("begun", flush=True)\nwhile True: print("x" * 100)', 'print("never")'))
    const {ok, error} = envelope(await run('floods.ipynb', '--cell-timeout', '2s', '--json'))
    assert.deepEqual([ok, error.code], [false, 'CELL_TIMEOUT'])
    const [first = [], second] = outputs(await copy('floods.out.ipynb'))
    const [begun, ...lines] = (first[0] ?? '').split('\n')
    // the last one may be half
    assert.ok(begun === 'begun' && lines.length > 2 && lines.slice(0, -1).every((line) => line === 'x'.repeat(100)), `${lines.length} lines`)
    assert.deepEqual([first.at(-1), second], ['KeyboardInterrupt', []])
  })
})
