import assert from 'node:assert/strict'
import fc from 'fast-check'
import {table} from './table.ts'
import {displayWidth, isLively, truncate} from './terminal.ts'

describe('table', () => {
  it('aligns columns and leaves no space at the end of a line', () => {
    assert.equal(table(['name', 'state'], [['a', 'ready'], ['longer', '']], {}), 'name    state\na       ready\nlonger')
  })

  it('has no head without titles', () => assert.equal(table([], [['a', 'b']], {}), 'a  b'))

  it('cuts nothing of facts, which have no titles', () => assert.equal(table([], [['path', '/a'.repeat(40)]], {width: 40}), `path  ${'/a'.repeat(40)}`))

  it('shows no rows as the head alone', () => assert.equal(table(['a', 'b'], [], {}), 'a  b'))

  it('counts wide characters twice', () => assert.equal(table([], [['日本', 'x'], ['abcd', 'y']], {}), '日本  x\nabcd  y'))

  it('cuts the widest column where the terminal is narrow', () => {
    const lines = table(['id', 'what'], [['1', 'x'.repeat(50)]], {width: 20}).split('\n')
    assert.ok(lines.every((line) => displayWidth(line) <= 20), lines.join('\n'))
    assert.match(lines[1] ?? '', /^1 {3}x+…$/)
  })

  it('shows control characters as text', () => assert.doesNotMatch(table([], [['a\u001b[2J\nb']], {}), /[\u001b\n]/))

  it('is never wider than asked for, down to what its columns need', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.string(), {minLength: 3, maxLength: 3}), {minLength: 1}), fc.integer({min: 40, max: 120}), (rows, width) => {
      for (const line of table(['a', 'b', 'c'], rows, {width}).split('\n')) assert.ok(displayWidth(line) <= width)
    }))
  })
})

describe('a terminal', () => {
  it('is lively only where nobody declined', () => {
    assert.equal(isLively({isTTY: true}, {}), true)
    for (const env of [{NO_COLOR: '1'}, {TERM: 'dumb'}, {CI: 'true'}]) assert.equal(isLively({isTTY: true}, env), false)
    assert.equal(isLively({}, {}), false)
  })

  it('cuts between characters', () => {
    assert.equal(truncate('abcdef', 4), 'abc…')
    assert.equal(truncate('日本語', 4), '日…')
    assert.equal(truncate('abc', 3), 'abc')
  })
})
