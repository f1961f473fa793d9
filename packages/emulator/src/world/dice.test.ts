import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {createDice} from './dice.ts'

describe('dice', () => {
  it('repeat themselves for the same seed, whoever else throws them', () => {
    const one = createDice(7)
    const other = createDice(7)
    other.hex('others', 8)
    other.row('others')()
    assert.equal(one.hex('mine', 20), other.hex('mine', 20))
    assert.equal(one.row('mine')(), other.row('mine')())
    assert.notEqual(one.hex('mine', 20), createDice(8).hex('mine', 20))
  })

  it('give numbers in [0, 1), and hex of the asked length', () => fc.assert(fc.property(fc.string(), fc.integer({min: 1, max: 100}), (seed, bytes) => {
    const dice = createDice(seed)
    const number = dice.row('a')()
    assert.ok(number >= 0 && number < 1)
    assert.match(dice.hex('a', bytes), new RegExp(`^[0-9a-f]{${bytes * 2}}$`))
    assert.notEqual(dice.hex('a', 8), dice.hex('a', 8))
  })))
})
