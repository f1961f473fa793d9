import assert from 'node:assert/strict'
import fc from 'fast-check'
import type {CodeCell, Notebook} from '../format/model.ts'
import {parseNotebook} from '../format/read.ts'
import {mergeNotebooks} from '../merge/merge.ts'
import {notebookText} from '../format/write.ts'
import {strip} from '../strip/strip.ts'
import {writtenLike} from '../edit/written-like.ts'
import {diffNotebooks, type NotebookDiff} from './diff.ts'
import {diffText} from './diff-text.ts'
import {matchCells} from './match.ts'

const code = (id: string, source: string, more: Partial<CodeCell> = {}): CodeCell => ({cell_type: 'code', id, source, metadata: {}, outputs: [], execution_count: null, ...more})
const stream = (text: string) => ({output_type: 'stream' as const, name: 'stdout', text})
const notebook = (...cells: CodeCell[]): Notebook => ({cells, metadata: {}, nbformat: 4, nbformat_minor: 5})
const all = {ignore: new Set<never>(), context: 3}
const diff = (before: Notebook, after: Notebook): NotebookDiff => diffNotebooks(before, after, all)
const textOf = (found: NotebookDiff): string => [...diffText(found, {names: ['a', 'b'], colour: false})].join('')

const sources = fc.constantFrom('x = 1', 'x = 2', 'import os\nprint(os.name)', 'for i in range(3):\n    print(i)', '', '# a\n# b\n', 'print("<<<<<<< ours")')
const cells = fc.uniqueArray(fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), source: sources, count: fc.option(fc.nat(9)), text: fc.option(fc.constantFrom('1\n', 'two\n')), tags: fc.option(fc.uniqueArray(fc.constantFrom('x', 'y'))),
}), {selector: ({id}) => id, maxLength: 5})
const notebooks = cells.map((made): Notebook => notebook(...made.map(({id, source, count, text, tags}) =>
  code(id, source, {execution_count: count, outputs: text === null ? [] : [stream(text)], metadata: tags === null ? {} : {tags}}))))

describe('comparing notebooks', () => {
  it('finds nothing between a notebook and itself', () => {
    fc.assert(fc.property(notebooks, (one) => {
      assert.deepEqual(diff(one, structuredClone(one)), {same: true, metadata: [], cells: []})
    }), {numRuns: 60})
  })

  it('accounts for every cell of both once', () => {
    fc.assert(fc.property(notebooks, notebooks, (a, b) => {
      const pairs = matchCells(a, b)
      const indices = (side: 'before' | 'after') => pairs.flatMap((pair) => pair[side] ?? []).sort((x, y) => x - y)
      assert.deepEqual([indices('before'), indices('after')], [a.cells.map((_, at) => at), b.cells.map((_, at) => at)])
    }), {numRuns: 60})
  })

  it('matches by id, by content and by likeness, and tells what was moved', () => {
    const before = notebook(code('a', 'import os'), code('b', 'x = 1'), code('c', 'one\ntwo\nthree'), code('d', 'gone()'), code('e', 'print(x)'))
    const after = notebook(code('e', 'print(x)'), code('a', 'import sys'), code('z', 'x = 1'), code('y', 'one\ntwo\nfour'), code('n', 'fresh = "cell"'))
    assert.deepEqual(matchCells(before, after).map(({before: b, after: a, moved}) => [b, a, moved]), [[4, 0, true], [0, 1, false], [1, 2, false], [2, 3, false], [null, 4, false], [3, null, false]])
  })

  it('shows sources by line, and outputs, metadata and counts apart', () => {
    const before = notebook(code('a', 'one\ntwo\nthree', {outputs: [stream('1\n2\n')], execution_count: 1, metadata: {tags: ['x']}}), code('b', 'old'))
    const after = notebook(code('a', 'one\n2\nthree', {outputs: [stream('1\n3\n\u001B]0;title\u0007')], execution_count: 2, metadata: {tags: ['y']}}))
    assert.equal(textOf(diff(before, after)), [
      '--- a', '+++ b', '@@ cell 1, code, a @@', ' one', '-two', '+2', ' three', '-execution_count: 1', '+execution_count: 2', '@ metadata', '-tags: ["x"]', '+tags: ["y"]',
      '@ outputs', ' [stdout]', ' 1', '-2', '+3', '+\\x1b]0;title\\x07', '@@ cell 2, code, b: deleted @@', '-old', '',
    ].join('\n'))
    assert.ok(diff(notebook(code('a', 'x', {outputs: [stream('1\n'), stream('2\n')]})), notebook(code('a', 'x', {outputs: [stream('1\n2\n')]}))).same)
    const ignored = diffNotebooks(before, after, {ignore: new Set(['outputs', 'metadata', 'execution-counts']), context: 0})
    assert.deepEqual(ignored.cells.map(({source, outputs, metadata}) => [source.length, outputs, metadata]), [[4, [], []], [1, [], []]])
  })
})

describe('merging notebooks', () => {
  it('takes what only one side changed', () => {
    fc.assert(fc.property(notebooks, notebooks, (base, other) => {
      for (const [ours, theirs] of [[base, other], [other, base], [other, other]] as const) {
        const merged = mergeNotebooks({base, ours, theirs})
        assert.deepEqual(merged, {notebook: other, conflicts: [], ours: []})
      }
    }), {numRuns: 60})
  })

  it('is a notebook that can be read, whatever was changed', () => {
    fc.assert(fc.property(notebooks, notebooks, notebooks, (base, ours, theirs) => {
      const merged = mergeNotebooks({base, ours, theirs})
      const text = writtenLike(notebookText(ours), merged.notebook)
      assert.deepEqual(parseNotebook(text, 'x'), merged.notebook)
    }), {numRuns: 60})
  })

  it('writes the result as ours is written', () => {
    const ours = '{\n  "nbformat": 4,\n  "nbformat_minor": 5,\n  "metadata": {},\n  "cells": [\n    {\n      "id": "a",\n      "cell_type": "markdown",\n      "source": [\n        "x\\n",\n        "y"\n      ],\n      "metadata": {}\n    }\n  ]\n}'
    assert.equal(writtenLike(ours, parseNotebook(ours, 'x')), ours)
    assert.equal(writtenLike(`${JSON.stringify(JSON.parse(ours))}\n`, parseNotebook(ours, 'x')), `${JSON.stringify(JSON.parse(ours))}\n`)
  })

  it('joins what both sides did, and marks what contradicts', () => {
    const base = notebook(code('a', 'one\ntwo\nthree\nfour', {outputs: [stream('old')]}), code('b', 'x = 1'), code('c', 'kept'), code('d', 'dropped'))
    const ours = notebook(code('a', '1\ntwo\nthree\nfour', {outputs: [stream('ours')]}), code('b', 'x = 2'), code('o', 'of ours'), code('c', 'kept, changed by us'), code('d', 'dropped', {outputs: [stream('run')]}))
    const theirs = notebook(code('a', 'one\ntwo\nthree\n4', {outputs: [stream('theirs')]}), code('b', 'x = 3'), code('t', 'of theirs'))
    const {notebook: merged, conflicts} = mergeNotebooks({base, ours, theirs})
    assert.deepEqual(merged.cells.map(({source}) => source), [
      '1\ntwo\nthree\n4', '<<<<<<< ours\nx = 2\n=======\nx = 3\n>>>>>>> theirs', 'of ours', '<<<<<<< ours\nkept, changed by us\n=======\n>>>>>>> theirs', 'of theirs',
    ])
    assert.deepEqual([conflicts, merged.cells.map((cell) => cell.cell_type === 'code' && cell.outputs.length)], [[1, 3], [0, 0, 0, 0, 0]])
  })

  it('merges metadata key by key and tags as sets, and gives every cell an id of its own', () => {
    const base = {...notebook(code('a', 'x', {metadata: {tags: ['x', 'y']}})), metadata: {kept: 1, both: 1}}
    const ours = {...notebook(code('a', 'x', {metadata: {tags: ['x', 'y', 'o']}}), code('n', 'one')), metadata: {kept: 1, both: 2, ours: 1}}
    const theirs = {...notebook(code('a', 'x', {metadata: {tags: ['y', 't']}}), code('n', 'something\nelse', {cell_type: 'code'}), code('m', 'one')), metadata: {kept: 1, both: 3}}
    const merged = mergeNotebooks({base, ours, theirs})
    assert.deepEqual(merged.notebook.metadata, {kept: 1, both: 2, ours: 1})
    assert.deepEqual(merged.notebook.cells[0]?.metadata, {tags: ['y', 'o', 't']})
    assert.deepEqual(merged.ours, ['metadata.both'])
    assert.equal(new Set(merged.notebook.cells.map(({id}) => id)).size, merged.notebook.cells.length)
  })
})

describe('stripping a notebook', () => {
  it('leaves a notebook without outputs and counts, does it once, and changes nothing else', () => {
    fc.assert(fc.property(notebooks, fc.constantFrom(undefined, 2), (one, indent) => {
      const text = JSON.stringify(JSON.parse(notebookText(one)), null, indent)
      const stripped = strip({text, notebook: parseNotebook(text, 'x')}, new Set())
      const read = parseNotebook(stripped, 'x')
      assert.deepEqual(read, notebook(...one.cells.map((cell) => ({...(cell as CodeCell), outputs: [], execution_count: null})))) // all of them are code
      assert.equal(strip({text: stripped, notebook: read}, new Set()), stripped)
    }), {numRuns: 60})
  })

  it('takes volatile metadata and keeps the rest byte for byte', () => {
    const text = `{ "cells": [{"cell_type": "code", "id": "a", "source": "x", "metadata": {"tags": ["keep-output"], "execution": {"a": 1}, "colab": {"base_uri": "x"}, "f": 1.0},
  "outputs": [{"output_type": "execute_result", "execution_count": 3, "metadata": {}, "data": {}}], "execution_count": 3}],
"metadata": {"language_info": {"name": "python", "version": "3.12"}, "widgets": {}, "x": 1e-05}, "nbformat": 4, "nbformat_minor": 5}`
    const bare = text.replace(', "execution": {"a": 1}, "colab": {"base_uri": "x"}', '').replace(', "version": "3.12"', '').replace(', "widgets": {}', '').replace('"execution_count": 3}]', '"execution_count": null}]')
    const file = {text, notebook: parseNotebook(text, 'x')}
    assert.equal(strip(file, new Set()), bare.replace(/"outputs": \[.*\](?=, "exec)/, '"outputs": []'))
    assert.equal(strip(file, new Set(['outputs-tagged'])), bare.replace('"execution_count": 3', '"execution_count": null'))
    assert.equal(strip(file, new Set(['outputs', 'execution-counts', 'metadata'])), text)
  })
})
