import assert from 'node:assert/strict'
import {parseNotebook} from '../format/read.ts'
import {select, type Selection} from './select.ts'

const tags = [[], ['setup'], [], ['plot'], ['plot', 'slow']]
const cells = tags.map((some, index) => ({cell_type: 'code', id: `id${index + 1}`, source: 'x', metadata: {tags: some}, outputs: [], execution_count: null}))
const notebook = parseNotebook(JSON.stringify({cells, metadata: {}, nbformat: 4, nbformat_minor: 5}), 'x')

describe('choosing cells', () => {
  it('goes by number, id and tag, and by all that is given', () => {
    const cases: [Selection, string | undefined][] = [
      [{}, undefined], [{from: '4'}, 'id4,id5'], [{until: 'setup'}, 'id1,id2'], [{from: 'setup', until: 'id4'}, 'id2,id3,id4'], [{until: 'plot'}, 'id1,id2,id3,id4,id5'],
      [{cells: ['1,3-4', 'id5']}, 'id1,id3,id4,id5'], [{tags: ['slow,setup']}, 'id2,id5'], [{tags: ['plot'], from: '5'}, 'id5'],
    ]
    for (const [selection, expected] of cases) {
      const chosen = select(notebook, selection)
      assert.equal(chosen && [...chosen].join(','), expected, JSON.stringify(selection))
    }
  })

  it('refuses what is not there', () => {
    for (const selection of [{from: '6'}, {until: '0'}, {cells: ['nope']}, {tags: ['nope']}, {cells: ['4-2']}, {from: '4', until: 'setup'}]) {
      assert.throws(() => select(notebook, selection), (error: {code: string; exit: number}) => error.code === 'NO_SUCH_CELL' && error.exit === 64)
    }
  })
})
