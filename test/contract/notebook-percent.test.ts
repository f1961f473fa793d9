import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import {percentNotebook} from '../../plugins/notebook/src/export/percent/read.ts'
import {percentText} from '../../plugins/notebook/src/export/percent/write.ts'
import type {Cell, Metadata, Notebook} from '../../plugins/notebook/src/format/model.ts'
import {languageOfFile} from '../../plugins/notebook/src/language.ts'
import {repoRoot} from '../helpers/cli.ts'
import {oraclePython} from '../helpers/jupyter-server.ts'

const python = languageOfFile('.py')
assert.ok(python)
const code = (source: string, metadata: Metadata = {}): Cell => ({cell_type: 'code', id: '', metadata, source, outputs: [], execution_count: null})
const text = (source: string, metadata: Metadata = {}): Cell => ({cell_type: 'markdown', id: '', metadata, source})
const raw = (source: string, metadata: Metadata = {}): Cell => ({cell_type: 'raw', id: '', metadata, source})

/** What scripts have to keep, by what it is. */
const fixtures: Record<string, Cell[]> = {
  'text and code': [text('# Title\n\nSome *text*,\n- a\n- b'), code('import os\n\n\nx = 1'), text(''), code('')],
  functions: [code('def f(x):\n    return x\n'.trimEnd()), code('class A:\n    """doc"""'), code('f(1)')],
  magics: [code('%matplotlib inline\nx = 1'), code('!pip install a \\\n  b'), code('files = !ls\nprint?\n?print'), code('ls\ncat = 1\ncd /tmp'), code('if x:\n    %time f()\n    !ls')],
  'cell magics': [code('%%time\nx = 1'), code('%%bash\necho "hi"\n\n# c'), code('%%html -x 1\n<b>b</b>'), code('%%writefile a.txt\ntext'), code('%%javascript\nalert(1)')],
  'magics that are comments': [code('# %load x\n# # !ls\n# what?'), code('s = """\n%x\n!ls\n"""\n%y')],
  metadata: [code('x', {tags: ['parameters', 'b']}), code('x', {a: {b: [1, null, true]}, 'c.d': 'e=f {g}'}), text('t', {slideshow: {slide_type: 'slide'}}), code('x', {collapsed: true, scrolled: false, execution: {}})],
  titles: [code('x', {title: 'A title'}), text('t', {title: 'Another'}), code('y', {title: 'with tags', tags: ['x']})],
  'raw cells': [raw('raw\ntext'), raw('<b>', {raw_mimetype: 'text/html'}), code('x')],
  'cells for notebooks only': [code('x = 1\n# c', {tags: ['active-ipynb']}), code('y', {active: 'ipynb'}), code('z', {run_control: {frozen: true}})],
  'markers in strings': [code('"""\n# %% no cell\n"""'), code("'''\n# %%\n'''\nx")],
  fences: [text('```mermaid\n%% comment\n```'), text('```python\n# %% x\n```'), code('x')],
  'header of its own': [raw('---\ntitle: x\nauthor: me\n---'), text('t'), code('x')],
  unicode: [text('é 日本 \u{1F600}'), code('x = "é"  # \u{1F600}')],
}

const notebookOf = (cells: Cell[]): Notebook =>
  ({cells: cells.map((cell, index) => ({...cell, id: `cell-${index}`})), metadata: {kernelspec: {display_name: 'Python 3', language: 'python', name: 'python3'}}, nbformat: 4, nbformat_minor: 5})

interface Answer {
  scripts: string[]
  notebooks: {cells: (Omit<Cell, 'source'> & {source: string})[]; metadata: Metadata}[]
}

function byJupytext(notebooks: Notebook[], scripts: string[]): Answer {
  const {status, stdout, stderr} = spawnSync(oraclePython, ['-B', join(repoRoot, 'test/helpers/jupytext-run.py')], {input: JSON.stringify({notebooks, scripts}), encoding: 'utf8', maxBuffer: 64e6})
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Answer // jupytext-run.py wrote it
}

/** What a script can carry of cells: no ids with jupytext, no outputs, not how they were shown. */
function comparable({cells}: {cells: readonly {cell_type: string; source: string; metadata: Metadata}[]}): unknown[] {
  const left = new Set(['cell_id', 'collapsed', 'execution', 'lines_to_next_cell', 'scrolled'])
  return cells.map(({cell_type, source, metadata}) => ({cell_type, source, metadata: Object.fromEntries(Object.entries(metadata).filter(([name]) => !left.has(name)))}))
}

/** A script without what only one of both writes: ids, its header, blank lines that style guides want before functions. */
const body = (script: string): string => script.replace(/^# ---\n[\s\S]*?\n# ---\n+/, '').replaceAll(/ cell_id="[^"]*"/g, '').replaceAll(/\n{2,}(?=# %%)/g, '\n\n')

describe('percent scripts of cgpu and jupytext', () => {
  const notebooks = Object.values(fixtures).map(notebookOf)
  const ours = notebooks.map(percentText)
  let theirs: Answer
  before(function () {
    this.timeout(60_000)
    theirs = byJupytext(notebooks, ours)
  })

  for (const [index, name] of Object.keys(fixtures).entries()) {
    it(`are the same, and read alike: ${name}`, () => {
      const [notebook, script] = [notebooks[index], theirs.scripts[index]]
      assert.ok(notebook && script !== undefined)
      assert.equal(body(ours[index] ?? ''), body(script))
      assert.deepEqual(comparable(percentNotebook(script, python)), comparable(notebook), 'cgpu reads what jupytext wrote')
      assert.deepEqual(comparable(theirs.notebooks[index] ?? {cells: []}), comparable(notebook), 'jupytext reads what cgpu wrote')
      assert.deepEqual(theirs.notebooks[index]?.metadata['kernelspec'], notebook.metadata['kernelspec'])
      assert.deepEqual(percentNotebook(ours[index] ?? '', python).cells.slice(1).map(({id}) => id), notebook.cells.slice(1).map(({id}) => id), 'ids are kept')
    })
  }
})
