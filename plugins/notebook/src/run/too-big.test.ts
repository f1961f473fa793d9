import assert from 'node:assert/strict'
import {parseNotebook} from '../format/read.ts'
import {refuseTooBig} from './too-big.ts'

describe('code that is too big for a server', () => {
  const of = (source: string, tags: string[] = []) => parseNotebook(JSON.stringify({
    cells: [{cell_type: 'code', id: 'a', source, metadata: {tags}, outputs: [], execution_count: null}], metadata: {}, nbformat: 4, nbformat_minor: 5,
  }), 'x')

  it('is refused where it would run, measured as it is sent', () => {
    for (const source of ['x'.repeat(11 << 20), '\u0001'.repeat(2 << 20)]) assert.throws(() => refuseTooBig(of(source), undefined), {code: 'CELL_TOO_BIG', exit: 65})
    refuseTooBig(of('x'.repeat(9 << 20)), undefined)
    refuseTooBig(of('x'.repeat(11 << 20)), new Set())
  })
})
