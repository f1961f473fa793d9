// cgpu and nbclient execute the same notebooks on kernels of the same kind: what they record has to be equal, and what the fixture says.
import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {HostedKernel} from '../../packages/cli/src/plugin-kernel.ts'
import type {CodeCell, Notebook, Output} from '../../plugins/notebook/src/format/model.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {notebookText} from '../../plugins/notebook/src/format/write.ts'
import {append} from '../../plugins/notebook/src/run/outputs.ts'
import {runNotebook} from '../../plugins/notebook/src/run/run-notebook.ts'
import {widgetMime} from '../../plugins/notebook/src/run/widgets.ts'
import {repoRoot} from '../helpers/cli.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {type Fixture, fixtures} from '../helpers/notebook-fixtures.ts'
import {type SessionBed, startSessionBed} from '../helpers/session-bed.ts'

interface Executed {
  notebook: Notebook
  failed: boolean
}

function notebookOf({cells}: Fixture): object {
  const made = cells.map((cell, index) => {
    const {source, type = 'code', tags, outputs = [], count = null} = typeof cell === 'string' ? {source: cell} : cell
    const common = {cell_type: type, id: `cell-${index}`, source, metadata: tags ? {tags} : {}}
    return type === 'code' ? {...common, outputs, execution_count: count} : common
  })
  return {cells: made, metadata: {kernelspec: {name: 'python3', display_name: 'Python 3'}}, nbformat: 4, nbformat_minor: 5}
}

/** nbclient's copies of all fixtures. */
async function byNbclient(): Promise<Executed[]> {
  const child = spawn(testPython, ['-B', join(repoRoot, 'test/helpers/nbclient-run.py')], {stdio: 'pipe'})
  const chunks: Buffer[] = []
  const complaints: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  child.stdin.end(JSON.stringify(fixtures.map((fixture) => ({notebook: notebookOf(fixture), allowErrors: fixture.allowErrors ?? false, allowErrorNames: fixture.allowErrorNames ?? []}))))
  const status = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(status, 0, Buffer.concat(complaints).toString('utf8'))
  const all = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {notebook: object; failed: boolean}[] // nbclient-run.py wrote it
  return all.map(({notebook, failed}) => ({notebook: parseNotebook(JSON.stringify(notebook), 'nbclient'), failed}))
}

/** cgpu's, on one kernel of its own. The copies go through their file's text, as a reader gets them. */
async function byCgpu(bed: SessionBed): Promise<Executed[]> {
  const {session} = await bed.session({heartbeatMs: 10_000})
  const opened = await session.freshKernel('python3')
  const info = (await opened.connection.request('shell', 'kernel_info_request', {})).content
  const kernel = new HostedKernel(session, opened, {id: '', name: 'bed', provider: 'jupyter'}, info, {secret: async () => ({access: false, exists: false})})
  const done: Executed[] = []
  for (const fixture of fixtures) {
    const notebook = parseNotebook(JSON.stringify(notebookOf(fixture)), fixture.name)
    const run = await runNotebook(notebook, kernel, {
      allowErrors: fixture.allowErrors ? true : (fixture.allowErrorNames ?? []), skipTag: 'skip-execution', timing: true, cellTimeoutMs: undefined, timeoutMs: undefined,
    })
    done.push({notebook: parseNotebook(notebookText(notebook), fixture.name), failed: run.status !== 'ok'})
  }
  return done
}

const merged = (outputs: Output[]): Output[] => {
  const all: Output[] = []
  for (const output of structuredClone(outputs)) append(all, output)
  return all
}

/** What may differ: where a stream is cut into messages, times, names of temporary files, which kernel's `<cell line>` is which. */
function comparable({notebook, failed}: Executed): unknown {
  const cells = notebook.cells.map((cell) => {
    const {execution, ...metadata} = cell.metadata
    const times = typeof execution === 'object' && execution !== null ? Object.keys(execution).sort() : undefined
    return {...cell, metadata: {...metadata, times}, ...(cell.cell_type === 'code' ? {outputs: merged(cell.outputs)} : {})}
  })
  const text = JSON.stringify({failed, cells, widgets: notebook.metadata['widgets']})
  return JSON.parse(text.replaceAll(/ipykernel_\d+\/\d+/g, 'ipykernel').replaceAll(/"msg_id":"[^"]+"/g, '"msg_id":"…"'))
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
  let ours: Executed[]
  before(async function () {
    this.timeout(180_000)
    bed = await startSessionBed()
    ;[ours, reference] = await Promise.all([byCgpu(bed), byNbclient()])
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

  for (const [index, fixture] of fixtures.entries()) {
    it(`is what nbclient makes of it: ${fixture.name}`, () => {
      const [own, theirs] = [ours[index], reference[index]]
      assert.ok(own && theirs)
      assert.deepEqual(comparable(own), comparable(theirs))
      assert.equal(own.failed, fixture.fails ?? false)
      const cells = own.notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === 'code')
      assert.equal(cells.length, fixture.gives.length)
      for (const [at, cell] of cells.entries()) {
        const gives = [...(fixture.gives[at] ?? [])]
        if (/^(\d+|null)$/.test(gives[0] ?? '')) assert.equal(String(cell.execution_count), gives.shift())
        assertGives(cell.outputs, gives)
      }
      const saved = own.notebook.metadata['widgets'] as Record<string, {state: Record<string, {state: {outputs?: Output[]}}>}> | undefined // as widgets.ts makes it
      const models = saved?.[widgetMime]?.state ?? {}
      assert.deepEqual(Object.keys(models), Object.keys(fixture.widgets ?? {}))
      for (const [id, outputs] of Object.entries(fixture.widgets ?? {})) assertGives(models[id]?.state.outputs ?? [], outputs)
    })
  }
})
