// cgpu, nbclient and papermill execute the same notebooks on kernels of the same kind: what they record has to be equal, and what the fixture says.
import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {HostedKernel} from '../../packages/cli/src/plugin-kernel.ts'
import {type Cell, type CodeCell, type Notebook, type Output, tagsOf} from '../../plugins/notebook/src/format/model.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {notebookText} from '../../plugins/notebook/src/format/write.ts'
import {injectParameters} from '../../plugins/notebook/src/parameters/inject.ts'
import {readParameters} from '../../plugins/notebook/src/parameters/values.ts'
import {append} from '../../plugins/notebook/src/run/outputs.ts'
import {runNotebook} from '../../plugins/notebook/src/run/run-notebook.ts'
import {widgetMime} from '../../plugins/notebook/src/run/widgets.ts'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {repoRoot} from '../helpers/cli.ts'
import {oraclePython, testPython} from '../helpers/jupyter-server.ts'
import {type Fixture, fixtures} from '../helpers/notebook-fixtures.ts'
import {type SessionBed, startSessionBed} from '../helpers/session-bed.ts'

interface Executed {
  notebook: Notebook
  failed: boolean
}

function notebookOf({cells, own = 'python3', minor = 5, metadata: more = {}}: Fixture): object {
  const made = cells.map((cell, index) => {
    const {source, type = 'code', tags, outputs = [], count = null, metadata = {}, id = `cell-${index}`, attachments} = typeof cell === 'string' ? {source: cell} : cell
    const common = {cell_type: type, ...(minor < 5 ? {} : {id}), source, metadata: {...metadata, ...(tags ? {tags} : {})}, ...(attachments ? {attachments} : {})}
    return type === 'code' ? {...common, outputs, execution_count: count} : common
  })
  const language = own === 'python3' ? 'python' : own
  return {cells: made, metadata: {...more, kernelspec: {name: own, display_name: own, language}}, nbformat: 4, nbformat_minor: minor}
}

/** Ready to run: its parameters are in it. */
async function preparedOf(fixture: Fixture): Promise<Notebook> {
  const notebook = parseNotebook(JSON.stringify(notebookOf(fixture)), fixture.name)
  if (fixture.parameters === undefined) return notebook
  injectParameters(notebook, await readParameters({typed: [], raw: [], files: [], yaml: [fixture.parameters], base64: []}), undefined, () => undefined)
  return notebook
}

/** Copies of another program. nbclient knows no parameters: it gets notebooks that have them. */
async function byOracle(oracle: 'nbclient' | 'papermill', some: Fixture[], jupyterPath: string): Promise<Executed[]> {
  const given = await Promise.all(some.map(async (fixture) => {
    const notebook: object = oracle === 'nbclient' && fixture.parameters !== undefined ? JSON.parse(notebookText(await preparedOf(fixture))) as object : notebookOf(fixture) // a notebook is an object
    return {...fixture, notebook}
  }))
  const child = spawn(oraclePython, ['-B', join(repoRoot, 'test/helpers/notebook-oracles.py'), oracle], {stdio: 'pipe', env: {...process.env, JUPYTER_PATH: jupyterPath}})
  const chunks: Buffer[] = []
  const complaints: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  child.stdin.end(JSON.stringify(given))
  const status = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(status, 0, Buffer.concat(complaints).toString('utf8'))
  const all = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {notebook: object; failed: boolean}[] // notebook-oracles.py wrote it
  return all.map(({notebook, failed}) => ({notebook: parseNotebook(JSON.stringify(notebook), oracle), failed}))
}

/** In two processes: most of the time they wait for kernels. */
async function inHalves(oracle: 'nbclient' | 'papermill', jupyterPath: string): Promise<Executed[]> {
  const half = (odd: number): Fixture[] => fixtures.filter((_, index) => index % 2 === odd)
  const [even, odd] = await Promise.all([byOracle(oracle, half(0), jupyterPath), byOracle(oracle, half(1), jupyterPath)])
  return fixtures.map((_, index) => (index % 2 === 0 ? even : odd)[index >> 1]!) // as many as there are fixtures
}

/** Those that share a kernel: the driver has one, too. */
const shared = fixtures.filter(({own}) => own === undefined)

/** By what executes a notebook on the machine for `--detach`: its files' text. */
async function byDriver(): Promise<{notebook: string; failed: boolean}[]> {
  const given = await Promise.all(shared.map(async (fixture) => ({notebook: await preparedOf(fixture), allowErrors: fixture.allowErrors ?? false, allowErrorNames: fixture.allowErrorNames ?? [], cellTimeout: fixture.cellTimeout ?? null})))
  const child = spawn(testPython, ['-B', join(repoRoot, 'test/helpers/notebook-driver-run.py')], {stdio: ['pipe', 'pipe', 'inherit']})
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stdin.end(JSON.stringify(given))
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0)
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as {notebook: string; failed: boolean}[] // notebook-driver-run.py wrote it
}

async function hostedKernel(session: RuntimeSession, name: string): Promise<HostedKernel> {
  const opened = await session.freshKernel(name)
  const info = (await opened.connection.request('shell', 'kernel_info_request', {})).content
  return new HostedKernel(session, opened, {id: '', name: 'bed', provider: 'jupyter'}, info, {secret: async () => ({access: false, exists: false})})
}

/** cgpu's, on one kernel where the fixture wants none of its own. The copies go through their file's text, as a reader gets them. */
async function byCgpu(bed: SessionBed): Promise<Executed[]> {
  const {session} = await bed.session({heartbeatMs: 10_000})
  const shared = await hostedKernel(session, 'python3')
  const done: Executed[] = []
  for (const fixture of fixtures) {
    const notebook = await preparedOf(fixture)
    const run = await runNotebook(notebook, fixture.own === undefined ? shared : await hostedKernel(session, fixture.own), {
      allowErrors: fixture.allowErrors ? true : (fixture.allowErrorNames ?? []), skipTag: 'skip-execution', timing: true,
      cellTimeoutMs: fixture.cellTimeout === undefined ? undefined : fixture.cellTimeout * 1000, timeoutMs: undefined,
    })
    done.push({notebook: parseNotebook(notebookText(notebook), fixture.name), failed: run.status !== 'ok' && run.status !== 'exited'})
  }
  return done
}

const merged = (outputs: Output[]): Output[] => {
  const all: Output[] = []
  for (const output of structuredClone(outputs)) append(all, output)
  return all
}

type Plain = Record<string, unknown>

/** What may differ between any two runs: where a stream is cut into messages, times, names of temporary files and messages, a kernel's own count, and where its packages are. */
function comparable({notebook}: Executed, {dies}: Fixture): {cells: Plain[]; metadata: Plain} {
  const cells = notebook.cells.map((cell): Plain => {
    const {execution, ...metadata} = cell.metadata
    const times = typeof execution === 'object' && execution !== null ? Object.keys(execution).sort() : undefined
    if (cell.cell_type !== 'code') return {...cell, metadata}
    const outputs = merged(cell.outputs).map((output) => (output.output_type === 'execute_result' ? {...output, execution_count: null} : output))
    const same = {...cell, metadata, outputs}
    // a process that ends takes its last messages along, or not
    return dies ? {...same, execution_count: null} : {...same, times}
  })
  const text = JSON.stringify({cells, metadata: notebook.metadata})
  return JSON.parse(text.replaceAll(/ipykernel_\d+\/\d+/g, 'ipykernel').replaceAll(/"msg_id":"[^"]+"/g, '"msg_id":"…"').replaceAll(/In\[\d+\]/g, 'In[…]').replaceAll(/(?:\/[\w.+-]{1,80}){1,15}\/site-packages\//g, '')) as ReturnType<typeof comparable> // what was made above
}

/** The copies without what papermill does otherwise on purpose; docs/notebook-conformance.md lists it. */
function withoutPapermills({cells, metadata}: ReturnType<typeof comparable>, ours: Executed, {minor = 5, dies}: Fixture): object {
  const {papermill, language_info: language, ...rest} = metadata
  const kept = cells.filter((cell) => !tagsOf(cell as unknown as Cell).includes('papermill-error-cell-tag')) // a cell in plain values
  return {
    metadata: {...rest, language: dies ? undefined : language, parameters: (papermill as {parameters?: object} | undefined)?.parameters ?? {}},
    cells: kept.map((cell, index) => {
      const {papermill: _, tags, ...own} = cell['metadata'] as Plain // as notebooks have it
      const injected = Array.isArray(tags) && tags.includes('injected-parameters')
      const left = ours.notebook.cells[index]?.metadata['execution'] === undefined
      return {
        ...cell, metadata: {...own, ...(Array.isArray(tags) && tags.length > 0 ? {tags} : {})},
        ...(injected || minor < 5 ? {id: ''} : {}),
        ...(left && cell['cell_type'] === 'code' ? {outputs: [], execution_count: null} : {}),
      }
    }),
  }
}

/** `stdout: text`, `display: type=data … metadata`, `error: Name: message`, types in order. */
function shortly(output: Output): string {
  if (output.output_type === 'stream') return `${output.name}: ${output.text}`
  if (output.output_type === 'error') return `error: ${output.ename}: ${output.evalue}`
  const data = Object.entries(output.data).sort(([a], [b]) => (a < b ? -1 : 1)).map(([mime, value]) => `${mime}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const metadata = Object.keys(output.metadata).length > 0 ? [JSON.stringify(output.metadata)] : []
  return `${output.output_type === 'display_data' ? 'display' : 'result'}: ${[...data, ...metadata].join(' ')}`
}

function assertGives(outputs: Output[], expected: string[]): void {
  const given = merged(outputs).map(shortly)
  // what an interpreter's version words differently is cut off
  const cut = given.map((one, index) => (expected[index]?.endsWith('~') ? `${one.slice(0, expected[index].length - 1)}~` : one))
  assert.deepEqual(cut, expected)
}

describe('an executed notebook', () => {
  let bed: SessionBed
  let reference: Executed[]
  let papermills: Executed[]
  let ours: Executed[]
  let driven: {notebook: string; failed: boolean}[]
  before(async function () {
    this.timeout(240_000)
    bed = await startSessionBed()
    const jupyterPath = join(bed.jupyter.root, '.jupyter-test', 'data')
    const echo = join(jupyterPath, 'kernels', 'echo')
    await mkdir(echo, {recursive: true})
    const argv = [testPython, '-B', join(repoRoot, 'test/helpers/echo_kernel.py'), '-f', '{connection_file}']
    await writeFile(join(echo, 'kernel.json'), JSON.stringify({argv, display_name: 'echo', language: 'echo'}))
    ;[ours, reference, papermills, driven] = await Promise.all([byCgpu(bed), inHalves('nbclient', jupyterPath), inHalves('papermill', jupyterPath), byDriver()])
  })
  after(() => bed.stop())

  it('has everything after a connection that was lost in the middle of a cell', async function () {
    this.timeout(60_000)
    const {session, link} = await bed.session({heartbeatMs: 2_000})
    const opened = await session.freshKernel('python3')
    const kernel = new HostedKernel(session, opened, {id: '', name: 'bed', provider: 'jupyter'}, {}, {secret: async () => ({access: false, exists: false})})
    const fixture: Fixture = {name: 'lost', cells: ['import time, sys\nprint(0, flush=True)\nimport os\nwhile not os.path.exists(go): time.sleep(0.02)\nfor i in range(1, 50): print(i)'], gives: []}
    const go = join(bed.home.path, 'go')
    const notebook = parseNotebook(JSON.stringify(notebookOf(fixture)), 'lost')
    await kernel.execute(`go = ${JSON.stringify(go)}`)
    const begun = Promise.withResolvers<void>()
    const running = runNotebook(notebook, kernel, {
      allowErrors: [], skipTag: '', timing: false, cellTimeoutMs: undefined, timeoutMs: undefined, onMessage: (_, {type}) => void (type === 'stream' && begun.resolve()),
    })
    await begun.promise
    bed.chaos.refuse()
    bed.chaos.rstAll()
    await link('reconnecting')
    await writeFile(go, '')
    bed.chaos.refuse(false)
    assert.equal((await running).status, 'ok')
    const [cell] = notebook.cells
    assert.ok(cell?.cell_type === 'code')
    assert.deepEqual(merged(cell.outputs).map(shortly), [`stdout: ${Array.from({length: 50}, (_, i) => `${i}\n`).join('')}`])
  })

  it('is the same when it is left running: as a file, too', () => {
    assert.equal(driven.length, shared.length)
    for (const [index, fixture] of shared.entries()) {
      const [own, theirs] = [ours[fixtures.indexOf(fixture)], driven[index]]
      assert.ok(own && theirs)
      const notebook = parseNotebook(theirs.notebook, fixture.name)
      assert.deepEqual(comparable({notebook, failed: theirs.failed}, fixture), comparable(own, fixture), fixture.name)
      assert.equal(theirs.failed, own.failed, fixture.name)
      // Python writes 1e-09 for 1e-9
      assert.equal(theirs.notebook.replaceAll(/^( *(?:"[^"]*": )?-?[\d.]+e-)0(?=\d)/gm, '$1'), notebookText(notebook), `${fixture.name}: the file`)
    }
  })

  for (const [index, fixture] of fixtures.entries()) {
    it(`is what nbclient and papermill make of it: ${fixture.name}`, () => {
      const [own, theirs, papermill] = [ours[index], reference[index], papermills[index]]
      assert.ok(own && theirs && papermill)
      const same = comparable(own, fixture)
      const known = comparable(theirs, fixture)
      assert.deepEqual(same.cells, known.cells)
      assert.deepEqual({...same.metadata, papermill: undefined}, {...known.metadata, papermill: undefined})
      assert.deepEqual(withoutPapermills(same, own, fixture), withoutPapermills(comparable(papermill, fixture), own, fixture))
      assertStates(own, fixture)
      assert.equal(theirs.failed, fixture.fails !== undefined)
      const shown = own.notebook.cells.some((cell) => cell.cell_type === 'code' && cell.metadata['execution'] !== undefined && cell.outputs.some((output) => output.output_type === 'error'))
      // papermill fails of any error that the copy shows
      assert.equal(papermill.failed, fixture.fails === true || (shown && fixture.fails !== 'exits'))
    })
  }
})

/** The copy is what the fixture says, and has all that was given. */
function assertStates({notebook, failed}: Executed, fixture: Fixture): void {
  assert.equal(failed, fixture.fails === true)
  const given = parseNotebook(JSON.stringify(notebookOf(fixture)), fixture.name).cells.filter((cell) => !tagsOf(cell).includes('injected-parameters'))
  const kept = notebook.cells.filter((cell) => !tagsOf(cell).includes('injected-parameters'))
  const what = ({id, source, metadata, ...rest}: Cell): object =>
    ({id, source, metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'execution')), attachments: 'attachments' in rest ? rest.attachments : undefined})
  assert.deepEqual(kept.map(what), given.map(what))
  const cells = notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === 'code')
  assert.equal(cells.length, fixture.gives.length)
  for (const [at, cell] of cells.entries()) {
    const gives = [...(fixture.gives[at] ?? [])]
    if (/^(\d+|null)$/.test(gives[0] ?? '')) assert.equal(String(cell.execution_count), gives.shift())
    assertGives(cell.outputs, gives)
  }
  const saved = notebook.metadata['widgets'] as Record<string, {state: Record<string, {state: {outputs?: Output[]}}>}> | undefined // as widgets.ts makes it
  const models = saved?.[widgetMime]?.state ?? {}
  assert.deepEqual(Object.keys(models), Object.keys(fixture.widgets ?? {}))
  for (const [id, outputs] of Object.entries(fixture.widgets ?? {})) assertGives(models[id]?.state.outputs ?? [], outputs)
}
