import assert from 'node:assert/strict'
import type {CodeCell, Notebook, Output} from '../format/model.ts'
import {executedCells, pair, takeOver} from './former.ts'
import {hashOf, keepKernel, kernelRecordOf, recordOf, RunRecord} from './record.ts'

const cellOf = (id: string, source: string, more: Partial<CodeCell> = {}): CodeCell => ({cell_type: 'code', id, source, metadata: {}, outputs: [], execution_count: null, ...more})
const notebookOf = (...cells: CodeCell[]): Notebook => ({cells, metadata: {}, nbformat: 4, nbformat_minor: 5})
const failure: Output = {output_type: 'error', ename: 'E', evalue: '', traceback: []}

describe('what an executed copy tells', () => {
  it('of a run that is going on, failed, or went on after an error', () => {
    const notebook = notebookOf(cellOf('a', '1'), cellOf('b', '2'), cellOf('c', '3'), cellOf('d', '4'))
    const [a, b, c] = notebook.cells as [CodeCell, CodeCell, CodeCell] // as above
    keepKernel(notebook, undefined)
    notebook.metadata['cgpu'] = {batch: {key: 'k'}}
    const record = new RunRecord(notebook, {id: 'k1', count: 0, pending: ['x']})
    record.begin(a)
    record.counted(a, 1)
    record.end(a, 'error')
    record.allow(a)
    record.begin(b)
    record.counted(b, 2)
    record.end(b, 'error')
    record.begin(c)
    assert.deepEqual(notebook.metadata['cgpu'], {batch: {key: 'k'}, kernel: {id: 'k1', count: 2, pending: ['x']}})
    assert.deepEqual(executedCells(notebook, {same: true}).map(({position, state, hash, kernel, count}) => [position, state, hash, kernel, count]), [
      [0, 'finished', hashOf('1'), 'k1', 1], [1, 'failed', hashOf('2'), 'k1', 2], [2, 'unfinished', hashOf('3'), 'k1', undefined],
    ])
    record.whole([])
    assert.deepEqual(kernelRecordOf(notebook)?.pending, [])
    record.due([a])
    assert.equal(recordOf(a), undefined)
  })

  it('that another program made: by counts and errors', () => {
    const copy = notebookOf(cellOf('a', '1', {execution_count: 1}), cellOf('b', '2', {execution_count: 2, outputs: [failure]}), cellOf('c', '3', {execution_count: 3, outputs: [failure], metadata: {tags: ['raises-exception']}}), cellOf('d', '4'))
    assert.deepEqual(executedCells(copy, {same: false}).map(({state, hash}) => [state, hash]), [['finished', hashOf('1')], ['failed', hashOf('2')], ['finished', hashOf('3')]])
    assert.equal(executedCells(copy, {same: true})[0]?.hash, undefined)
  })

  it('is matched by ids, then by sources, then by places; what was moved up is new', () => {
    const copy = executedCells(notebookOf(...['a', 'b', 'c', 'd'].map((id, at) => cellOf(id, id, {execution_count: at + 1}))), {same: false})
    const pairs = (...cells: CodeCell[]): string => {
      const {of, gone} = pair(cells, copy)
      return `${cells.map(({id}) => of.get(id)?.cell.id ?? '-').join('')} ${gone.map(({cell}) => cell.id).join('')}`
    }
    assert.equal(pairs(cellOf('a', 'a'), cellOf('new', 'n'), cellOf('b', 'b2'), cellOf('c', 'c'), cellOf('d', 'd')), 'a-bcd ')
    assert.equal(pairs(cellOf('x1', 'a'), cellOf('x2', 'edited'), cellOf('x3', 'c'), cellOf('x4', 'd')), 'abcd ')
    assert.equal(pairs(cellOf('a', 'a'), cellOf('d', 'd')), 'ad bc')
    assert.equal(pairs(cellOf('a', 'a'), cellOf('c', 'c'), cellOf('b', 'b'), cellOf('d', 'd')), 'ac-d b')
  })

  it('takes the place of what the notebook has', () => {
    const [cell, was] = [cellOf('a', '1', {metadata: {tags: ['t'], execution: {}}}), cellOf('a', '1', {metadata: {cgpu: {hash: 'h', status: 'ok'}}, outputs: [failure], execution_count: 7})]
    const [executed] = executedCells(notebookOf(was), {same: false})
    assert.ok(executed)
    takeOver(cell, executed)
    assert.deepEqual([cell.metadata, cell.outputs, cell.execution_count], [{tags: ['t'], cgpu: {hash: 'h', status: 'ok'}}, [failure], 7])
  })
})
