import assert from 'node:assert/strict'
import {parseNotebook} from '../format/read.ts'
import {shown} from './show.ts'

const outputs = [
  {output_type: 'stream', name: 'stdout', text: 'a\u001b]0;title\u0007\u001b[31mred\u001b[0m\n'},
  {output_type: 'execute_result', execution_count: 3, metadata: {}, data: {'text/html': '<b>7</b>', 'text/plain': '7'}},
  {output_type: 'display_data', metadata: {}, data: {'image/png': 'AAAA'}},
  {output_type: 'error', ename: 'E', evalue: 'v', traceback: ['one', 'two']},
]
const notebook = parseNotebook(JSON.stringify({
  cells: [{cell_type: 'markdown', id: 'a', metadata: {}, source: '# Title'}, {cell_type: 'code', id: 'b', metadata: {tags: ['plot']}, source: 'x', execution_count: 3, outputs}, {cell_type: 'code', id: 'c', metadata: {}, source: '', execution_count: null, outputs: []}],
  metadata: {}, nbformat: 4, nbformat_minor: 5,
}), 'x')

describe('showing a notebook', () => {
  it('prints cells and outputs, harmless for a terminal', () => {
    assert.equal([...shown(notebook, {colour: false})].join(''), 'markdown:\n# Title\n\nIn [3]: (plot)\nx\na␛]0;title␇red\nOut[3]: 7\n[image/png, 3 bytes]\none\ntwo\n\nIn [ ]:\n')
  })

  it('keeps colours where they are wanted', () => assert.match([...shown(notebook, {colour: true})].join(''), /\u001b\[31mred\u001b\[0m/))
})
