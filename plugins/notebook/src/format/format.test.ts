import assert from 'node:assert/strict'
import fc from 'fast-check'
import {parseNotebook} from './read.ts'
import {notebookText} from './write.ts'

const code = (more: object = {}) => ({cell_type: 'code', metadata: {}, source: 'x', outputs: [], execution_count: null, ...more})
const text = (cells: object[], more: object = {}): string => JSON.stringify({cells, metadata: {}, nbformat: 4, nbformat_minor: 5, ...more})
const refusal = (source: string): {code: string; exit: number; message: string; fix: string} => {
  try {
    parseNotebook(source, 'x.ipynb')
  } catch (error) {
    return error as {code: string; exit: number; message: string; fix: string} // a CgpuError
  }
  throw new Error('it was accepted')
}

describe('reading a notebook', () => {
  it('joins lines, and gives old ones ids that stay the same', () => {
    const old = text([code({source: ['a\n', 'b'], outputs: [{output_type: 'stream', name: 'stdout', text: ['1\n', '2\n']}]}), code()], {nbformat_minor: 2})
    const [first, again] = [parseNotebook(old, 'x'), parseNotebook(old, 'x')]
    assert.deepEqual(first, again)
    assert.equal(first.nbformat_minor, 5)
    const [cell, other] = first.cells
    assert.ok(cell?.cell_type === 'code')
    assert.deepEqual([cell.source, cell.outputs], ['a\nb', [{output_type: 'stream', name: 'stdout', text: '1\n2\n'}]])
    assert.match(cell.id, /^[0-9a-f]{8}$/)
    assert.notEqual(cell.id, other?.id)
  })

  it('keeps what it does not know', () => {
    const notebook = parseNotebook(text([code({id: 'a', metadata: {x: {y: 1}}, extra: [1]})], {metadata: {authors: ['me']}, more: 2}), 'x')
    assert.deepEqual(JSON.parse(notebookText(notebook)), {cells: [{...code({id: 'a', metadata: {x: {y: 1}}, extra: [1]}), source: ['x']}], metadata: {authors: ['me']}, more: 2, nbformat: 4, nbformat_minor: 5})
  })

  it('says what is wrong with what is none', () => {
    const cases: [source: string, code: string, said: RegExp][] = [
      ['', 'NOTEBOOK_NOT_JSON', /it is empty/],
      ['{"cells": [', 'NOTEBOOK_NOT_JSON', /x\.ipynb is not a notebook/],
      ['{\n<<<<<<< HEAD\n', 'NOTEBOOK_NOT_JSON', /merge conflict/],
      ['[]', 'NOTEBOOK_INVALID', /does not say its format/],
      ['{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', 'NOTEBOOK_VERSION', /format 3/],
      ['{"nbformat": 5, "nbformat_minor": 0}', 'NOTEBOOK_VERSION', /format 5/],
      ['{"nbformat": 4, "metadata": {}, "cells": []}', 'NOTEBOOK_INVALID', /nbformat_minor/],
      [text([code({outputs: undefined})]), 'NOTEBOOK_INVALID', /cells\[0\]\.outputs: /],
      [text([code({cell_type: 'heading'})]), 'NOTEBOOK_INVALID', /cells\[0\]\.cell_type: /],
      [text([code({execution_count: -1})]), 'NOTEBOOK_INVALID', /cells\[0\]\.execution_count: /],
      [text([code({id: 'a b'})]), 'NOTEBOOK_INVALID', /cells\[0\]\.id: /],
      [text([code({outputs: [{output_type: 'display_data', data: {'text/plain': 1}, metadata: {}}]})]), 'NOTEBOOK_INVALID', /text\/plain: must be text/],
      [text([code({id: 'a'}), code({id: 'a'})]), 'DUPLICATE_CELL_IDS', /cells 1 and 2 have the same id, a$/],
    ]
    for (const [source, expected, said] of cases) {
      const {code: given, exit, message, fix} = refusal(source)
      assert.deepEqual([given, exit], [expected, 65], source)
      assert.match(message, said)
      assert.ok(fix.length > 0)
    }
  })
})

describe('writing a notebook', () => {
  it('is as Jupyter writes it: an indent of one, sorted keys, lists of lines as Python splits them', () => {
    const notebook = parseNotebook(text([code({id: 'a', source: 'a\nb\r\nc\u2028d\re', outputs: [{output_type: 'display_data', metadata: {}, data: {'text/plain': 'x\ny', 'application/json': {b: 'l\nm', a: 1}, 'image/png': 'AA'}}]})]), 'x')
    const written = notebookText(notebook)
    assert.equal(written, `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": null,
   "id": "a",
   "metadata": {},
   "outputs": [
    {
     "data": {
      "application/json": {
       "a": 1,
       "b": "l\\nm"
      },
      "image/png": [
       "AA"
      ],
      "text/plain": [
       "x\\n",
       "y"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": [
    "a\\n",
    "b\\r\\n",
    "c\u2028",
    "d\\r",
    "e"
   ]
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`)
  })

  it('gives back whatever text there is', () => {
    fc.assert(fc.property(fc.string({unit: fc.constantFrom('a', '\n', '\r', '\u2028', '\u001c', '"', '😀')}), (source) => {
      const notebook = parseNotebook(text([code({id: 'a', source})]), 'x')
      assert.deepEqual(parseNotebook(notebookText(notebook), 'x'), notebook)
    }))
  })
})
