import assert from 'node:assert/strict'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Cell, Notebook, Output} from '../format/model.ts'
import {notebookText} from '../format/write.ts'
import {readOutline} from './outline.ts'

const printed = (text: string): Output => ({output_type: 'stream', name: 'stdout', text})
const picture = (size: number): Output => ({output_type: 'display_data', data: {'image/png': 'A'.repeat(size), 'text/plain': '<Figure>\n'}, metadata: {}})
const failed: Output = {output_type: 'error', ename: 'ValueError', evalue: ']', traceback: ['   ]', '    }', '   "outputs": [']}
const cellOf = (id: string, ...outputs: Output[]): Cell => ({cell_type: 'code', id, source: '   "outputs": [\n    {\n', metadata: {tags: [id]}, execution_count: 1, outputs})

describe('the outline of an executed copy', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-outline-'))
  })
  after(() => rm(folder, {recursive: true}))

  it('is all of it but long outputs, wherever its bytes are cut', async () => {
    const lines = 'ä'.repeat(99)
    const notebook: Notebook = {
      nbformat: 4, nbformat_minor: 5, metadata: {papermill: {parameters: {outputs: [1, {a: []}]}}},
      cells: [
        cellOf('none'), cellOf('small', printed(`${lines}\n`.repeat(1000)), failed), {cell_type: 'markdown', id: 'text', source: '# ü', metadata: {}},
        cellOf('long', printed('x'), printed(`${lines}\n`.repeat(3000)), picture(300_000), failed), cellOf('line', picture(700_000)), cellOf('end', picture(70_000)),
      ],
    }
    const path = join(folder, 'x.ipynb')
    await writeFile(path, notebookText(notebook))
    const outline = await readOutline(path, 'x')
    const short = notebook.cells.map((cell) => (cell.cell_type === 'code' ? {...cell, outputs: cell.outputs.filter((output) => JSON.stringify(output).length < 250_000)} : cell))
    assert.deepEqual(outline, {...notebook, cells: short})
    assert.deepEqual(outline.cells.map((cell) => (cell.cell_type === 'code' ? cell.outputs.length : 0)), [0, 2, 0, 2, 0, 1])
  })

  it('is all of a file that was written in another way', async () => {
    const path = join(folder, 'other.ipynb')
    const notebook = {nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cellOf('a', picture(300_000))]}
    for (const indent of [0, 2, 3]) {
      await writeFile(path, JSON.stringify(notebook, undefined, indent))
      const [cell] = (await readOutline(path, 'other')).cells
      assert.equal(cell?.cell_type === 'code' && cell.outputs.length, 1, `${indent}`)
    }
    await writeFile(path, '{"cells": [')
    await assert.rejects(readOutline(path, 'other'), {code: 'NOTEBOOK_NOT_JSON'})
  })
})
