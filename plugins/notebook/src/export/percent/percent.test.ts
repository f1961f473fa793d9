import assert from 'node:assert/strict'
import fc from 'fast-check'
import type {Cell, Metadata, Notebook} from '../../format/model.ts'
import {languageOfFile} from '../../language.ts'
import {percentNotebook} from './read.ts'
import {parseMarker} from './marker.ts'
import {percentText} from './write.ts'

const python = languageOfFile('.py')
assert.ok(python)
const kernelspec = {name: 'python3', display_name: 'Python 3', language: 'python'}
const cellOf = (type: Cell['cell_type'], source: string, more: {id?: string; metadata?: Metadata} = {}): Cell => {
  const common = {id: more.id ?? 'x', metadata: more.metadata ?? {}, source}
  return type === 'code' ? {cell_type: type, ...common, outputs: [], execution_count: null} : {cell_type: type, ...common}
}
const notebookOf = (cells: Cell[]): Notebook => ({cells: cells.map((cell, index) => ({...cell, id: `cell-${index}`})), metadata: {kernelspec}, nbformat: 4, nbformat_minor: 5})

describe('a percent script', () => {
  it('has text and magics as comments, and a marker with metadata and id for each cell', () => {
    const notebook = notebookOf([
      cellOf('markdown', '# Title\n\ntext'), cellOf('code', '%time x = 1\n!ls\nprint(x)', {metadata: {tags: ['a'], title: 'Load it', collapsed: true, cgpu: {hash: '0', status: 'ok'}}}), cellOf('code', '%%bash -e\necho hi'), cellOf('raw', 'r'), cellOf('code', ''),
    ])
    assert.equal(percentText(notebook), `# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: "1.3"
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] cell_id="cell-0"
# # Title
#
# text

# %% Load it tags=["a"] cell_id="cell-1"
# %time x = 1
# !ls
print(x)

# %% magic_args="-e" language="bash" cell_id="cell-2"
# echo hi

# %% [raw] cell_id="cell-3"
# r

# %% cell_id="cell-4"
`)
  })

  it('gives the notebook back', () => {
    const sources = ['x', '', '\n', 'a\n\n', '"""\n# %% no cell\n!ls\n"""', '# %% looks like one\n# # %%\n#%%x', 'def f():\n    !ls \\\n  -l\n    # %magic', '# %load x\n# # !ls', 'what?\n# what?', "s = 'it''s' # ' \"\"\"\n%x", 'cat = 1\ncat file\nls', '%%time\nx', '%%html\n<b>\n\n# c', '   ', 'x\n   \n', 'x = "\\"# %%"']
    const texts = ['# T\n\n```\n%% in a fence\n```', '%% no cell', '\\%% nor this', '', 'a\n', '"""quoted"""']
    const notebook = notebookOf([
      ...sources.map((source) => cellOf('code', source)), ...texts.flatMap((source) => [cellOf('markdown', source), cellOf('raw', source)]),
      ...[{active: 'ipynb'}, {tags: ['active-ipynb']}, {'a b': 1, c: {d: ['=', '{']}}, {name: 'it\'s "q" = {', n: null, t: true}, {title: 'a=b'}, {title: '[markdown]'}, {title: 'Good'}].map((metadata) => cellOf('code', '# c\ny = 1', {metadata})),
    ])
    const back = percentNotebook(percentText(notebook), python)
    for (const [index, cell] of notebook.cells.entries()) assert.deepEqual(back.cells[index], cell, JSON.stringify(cell))
    assert.deepEqual(back, notebook)
  })

  it('gives back whatever is in cells', () => {
    const line = fc.array(fc.constantFrom('#', ' ', '%', '%%', 'x', '!', '"""', "'", '\\', '?', '=', '[markdown]', '```', '    ', 'ls'), {maxLength: 5}).map((parts) => parts.join(''))
    const source = fc.array(line, {maxLength: 6}).map((lines) => lines.join('\n'))
    const cells = fc.array(fc.record({type: fc.constantFrom('code', 'code', 'markdown', 'raw'), source}), {minLength: 1, maxLength: 4})
    fc.assert(fc.property(cells, (all) => {
      const notebook = notebookOf(all.map((one) => cellOf(one.type, one.source)))
      assert.deepEqual(percentNotebook(percentText(notebook), python), notebook)
    }), {numRuns: 100})
  })
})

describe('a marker', () => {
  it('is read with titles, types and metadata in whatever form', () => {
    const cases: [string, ReturnType<typeof parseMarker>][] = [
      ['', {title: '', type: 'code', metadata: {}}],
      [' [markdown]', {title: '', type: 'markdown', metadata: {}}],
      [' Title [md] tags=["a b", "c"]', {title: 'Title', type: 'markdown', metadata: {tags: ['a b', 'c']}}],
      [' a title a=1 b={"c": "d e"} f=\'g\' h=True', {title: 'a title', type: 'code', metadata: {a: 1, b: {c: 'd e'}, f: 'g', h: true}}],
      [' {"tags": ["x"], "a b": 1}', {title: '', type: 'code', metadata: {tags: ['x'], 'a b': 1}}],
      [' a=word', {title: '', type: 'code', metadata: {a: 'word'}}],
    ]
    for (const [text, marker] of cases) assert.deepEqual(parseMarker(text), marker, text)
  })
})
