// What is sent for a detached run, and what its driver tells when it cannot begin.
import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type DriverEvent, DriverEvents, lastSeqIn} from '../../plugins/notebook/src/detach/events.ts'
import {packed, type Plan} from '../../plugins/notebook/src/detach/plan.ts'
import {placeFor} from '../../plugins/notebook/src/detach/place.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {notebookText} from '../../plugins/notebook/src/format/write.ts'
import {testPython} from '../helpers/jupyter-server.ts'

const stream = {output_type: 'stream', name: 'stdout', text: ['a\u2028', 'b\r\n', 'ä😀']}
const notebook = parseNotebook(JSON.stringify({
  cells: [
    {cell_type: 'code', metadata: {tags: ['x'], n: [1, 2.5, null, '\u001B']}, source: 'print(1)\n', outputs: [stream, {output_type: 'display_data', data: {'application/json': {b: 1, a: []}, 'text/html': '<b>\n</b>'}, metadata: {}}], execution_count: 3},
    {cell_type: 'markdown', metadata: {trusted: true}, source: '# \ud800 half', attachments: {'a.png': {'image/png': 'x'}}},
  ],
  metadata: {signature: 's', z: {}, a: 1}, nbformat: 4, nbformat_minor: 4,
}), 'odd')
const plan: Plan = {
  notebook, kernel: null, allowErrors: [], skipTag: 'skip-execution', timing: true, errorMarkers: true, cellTimeoutMs: null, timeoutMs: null, startTimeoutMs: 1000, limits: {}, selected: null, keepWidgets: false, copy: 'cgpu-notebooks/odd.ipynb',
}

describe('the driver of a detached run', () => {
  it('says what is missing where no kernel can be started, leaves the copy as Jupyter writes it, and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-driver-'))
    try {
      const script = join(folder, 'notebook-0.py')
      await writeFile(script, await packed(plan))
      // -S: without what was installed, jupyter_client for one
      const {status, stdout, stderr} = spawnSync(testPython, ['-B', '-S', '-u', script], {cwd: folder, encoding: 'utf8'})
      const [event, ...more] = new DriverEvents().take(stdout).map((one) => one.event)
      assert.deepEqual([status, event?.type, event?.type === 'failed' && event.error.code, more], [66, 'failed', 'JUPYTER_CLIENT_MISSING', []], stderr)
      assert.equal(await readFile(join(folder, plan.copy), 'utf8'), notebookText(notebook))
      assert.equal(existsSync(script), false)
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })

  it('writes large outputs as this computer does, wherever a stream is cut', () => {
    const lines = `${'ab'.repeat(50)}\n`.repeat(700)
    const pieces = [[lines, '\r', '\n', 'x', '\r', 'y\u2028', '😀\uD800'], ['-'.repeat(70_000), '', '-', '\n'], [lines.repeat(5), 'z\u001C\r'], ['short', '\r', '\n']]
    const data = {'text/html': lines, 'image/png': 'A'.repeat(100_000), 'application/json': {b: Array.from({length: 4_000}, (_, n) => `${n}`), a: [{}, [], null, 1.5]}, 'text/plain': 'a\nb'}
    const copy = {...notebook, cells: pieces.map((texts, n) => ({
      cell_type: 'code' as const, id: `${n}`, source: '', metadata: {}, execution_count: n, outputs: [{output_type: 'stream' as const, name: 'stdout', text: texts.join('')}, {output_type: 'display_data' as const, data, metadata: {}}],
    }))}
    const code = `
import json, sys
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, '../../plugins/notebook/python'))})
from cgpu_notebook.outputs import append
from cgpu_notebook.kept import kept_data
from cgpu_notebook.save import pieces, snapshot
notebook, printed = json.load(sys.stdin)
for cell, texts in zip(notebook["cells"], printed):
    display = cell["outputs"].pop()
    cell["outputs"] = []
    for text in texts:
        append(cell["outputs"], {"output_type": "stream", "name": "stdout", "text": text})
    cell["outputs"].append(dict(display, data=kept_data(display["data"])))
parts = snapshot(notebook)
append(notebook["cells"][0]["outputs"][:1], {"output_type": "stream", "name": "stdout", "text": "later"})
sys.stdout.buffer.write(b"".join(pieces(parts)))
`
    const {stdout, stderr} = spawnSync(testPython, ['-B', '-S', '-c', code], {input: JSON.stringify([copy, pieces]), encoding: 'utf8', maxBuffer: 64e6})
    assert.equal(stderr, '')
    assert.ok(stdout === notebookText(copy))
  })

  it('unpacks what goes along, and says what could not be written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-driver-'))
    try {
      await writeFile(join(folder, 'taken'), '')
      const script = join(folder, 'notebook-0.py')
      await writeFile(script, await packed(plan, [{path: 'däta/in.bin', executable: true, content: Buffer.from([0, 255])}, {path: 'taken/file', executable: false, content: Buffer.from('x')}]))
      const {status, stdout, stderr} = spawnSync(testPython, ['-B', '-S', '-u', script], {cwd: folder, encoding: 'utf8'})
      const [told] = new DriverEvents().take(stdout)
      assert.deepEqual([status, told?.event.type === 'failed' && told.event.error.code], [71, 'INCLUDE_NOT_WRITTEN'], stderr)
      assert.deepEqual([await readFile(join(folder, 'däta/in.bin')), (await stat(join(folder, 'däta/in.bin'))).mode & 0o111, await readdir(join(folder, 'däta'))], [Buffer.from([0, 255]), 0o111, ['in.bin']])
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })

  it('is understood wherever its lines are cut, and whatever else is there', () => {
    const events: DriverEvent[] = [{type: 'started', kernel: 'python3', total: 1, limits: {}}, {type: 'begin', index: 0, position: 1, total: 1}]
    const text = `${events.map((one, at) => JSON.stringify({seq: at + 1, ...one})).join('\nnot JSON\n{"type":"of a later version"}\n')}\n`
    for (let size = 1; size < text.length; size += 7) {
      const lines = new DriverEvents()
      const read = Array.from({length: Math.ceil(text.length / size)}, (_, at) => lines.take(text.slice(at * size, (at + 1) * size))).flat()
      assert.deepEqual(read, events.map((event, at) => ({event, seq: at + 1})))
    }
    assert.deepEqual([lastSeqIn(text), lastSeqIn(text.slice(0, text.indexOf('begin'))), lastSeqIn('')], [2, 2, 0])
  })

  it('keeps copies under names that need no quoting', () => {
    const names = ['/a/My notes (1).ipynb', '-', '../..', 'été*.IPYNB', '.hidden.ipynb'].map((name) => placeFor('0123456789ab', name, '/data').copy)
    assert.deepEqual(names, ['My-notes-1-', 'notebook', 'notebook', 't-', 'hidden'].map((stem) => `cgpu-notebooks/${stem}-0123456789ab.ipynb`))
  })
})
