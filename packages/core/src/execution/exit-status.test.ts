import assert from 'node:assert/strict'
import {cellExitStatus} from './exit-status.ts'

describe('cellExitStatus', () => {
  const cases: [string, string, boolean, number][] = [
    ['ValueError', 'x', false, 1],
    ['KeyboardInterrupt', '', true, 130],
    ['KeyboardInterrupt', '', false, 1],
    ['SystemExit', '', false, 0],
    ['SystemExit', 'None', false, 0],
    ['SystemExit', '0', false, 0],
    ['SystemExit', '3', false, 3],
    ['SystemExit', '-1', false, 255],
    ['SystemExit', '256', false, 0],
    ['SystemExit', '257', false, 1],
    ['SystemExit', 'no such model', false, 1],
    ['SystemExit', '99999999999999999999999', false, 255],
    ['SystemExit', 'True', false, 1],
  ]
  for (const [name, value, interrupted, status] of cases) {
    it(`${name}(${value})${interrupted ? ' after our interrupt' : ''} is ${status}`, () => {
      assert.equal(cellExitStatus({name, value}, interrupted), status)
    })
  }
})
