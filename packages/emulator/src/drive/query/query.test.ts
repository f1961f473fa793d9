import assert from 'node:assert/strict'
import fc from 'fast-check'
import {QueryError, lex} from './lex.ts'
import {parseOrder} from './order.ts'
import {parseQuery} from './parse.ts'

/** The query or the reason why it is none: anything else is a bug. */
function tried(text: string): unknown {
  try {
    return parseQuery(text)
  } catch (error) {
    assert.ok(error instanceof QueryError, String(error))
    return error
  }
}

describe("the language of q", () => {
  it('binds and and or alike, from left to right', () => {
    const flag = (field: string): unknown => ({kind: 'flag', field, value: true})
    assert.deepEqual(parseQuery('trashed or starred and sharedWithMe'), {kind: 'and', left: {kind: 'or', left: flag('trashed'), right: flag('starred')}, right: flag('sharedWithMe')})
    assert.deepEqual(parseQuery('trashed or (starred and sharedWithMe)'), {kind: 'or', left: flag('trashed'), right: {kind: 'and', left: flag('starred'), right: flag('sharedWithMe')}})
  })

  it('takes escaped texts, members, times and properties', () => {
    assert.deepEqual(parseQuery(String.raw`name = 'it\'s a \\'`), {kind: 'text', field: 'name', operator: '=', value: "it's a \\"})
    assert.deepEqual(parseQuery("not 'root' in parents"), {kind: 'not', of: {kind: 'member', field: 'parents', value: 'root'}})
    assert.deepEqual(parseQuery("parents in 'x'"), {kind: 'member', field: 'parents', value: 'x'})
    assert.deepEqual(parseQuery("modifiedTime>='2026-01-02T03:04:05'"), {kind: 'time', field: 'modifiedTime', operator: '>=', value: Date.UTC(2026, 0, 2, 3, 4, 5)})
    assert.deepEqual(parseQuery("modifiedTime < '2026-01-02T03:04:05+01:00'"), {kind: 'time', field: 'modifiedTime', operator: '<', value: Date.UTC(2026, 0, 2, 2, 4, 5)})
    assert.deepEqual(parseQuery("properties has { key='a' and value='b' }"), {kind: 'property', field: 'properties', key: 'a', value: 'b'})
    assert.deepEqual(parseQuery('trashed != true'), {kind: 'flag', field: 'trashed', value: false})
    assert.equal(parseQuery('  '), null)
  })

  for (const bad of ["name", "name = x", "name = 'a", "name < 'a'", "fullText = 'a'", "size > '1'", "'a' in name", "trashed = 'true'", "(name = 'a'", "name = 'a')", "name = 'a' name = 'b'",
    "and", "modifiedTime > 'yesterday'", "modifiedTime contains '2026'", "properties has {key='a'}", "visibility = 'secret'", String.raw`name = 'a\n'`, 'name = "a"', "parents = 'root'", "constructor = 'x'", "name = 'a' &"]) {
    it(`refuses ${bad}`, () => assert.throws(() => parseQuery(bad), QueryError))
  }

  it('never fails in another way', () => {
    const word = fc.constantFrom('name', 'contains', 'in', 'not', 'and', 'or', '(', ')', '=', '!=', '<=', "'a'", "'", '\\', 'parents', 'trashed', 'true', 'has', '{', '}', 'key', 'value', 'properties', "'2026-01-01'", 'modifiedTime')
    fc.assert(fc.property(fc.array(word, {maxLength: 20}), (words) => { tried(words.join(' ')) }), {numRuns: 3000})
    fc.assert(fc.property(fc.string({unit: 'binary', maxLength: 60}), (text) => { tried(text) }), {numRuns: 2000})
    for (const text of ['('.repeat(15_000), 'not '.repeat(4_000), `${'trashed or '.repeat(1_800)}trashed`, 'x'.repeat(30_000)]) tried(text)
  })

  it('reads back every text that was escaped', () => {
    fc.assert(fc.property(fc.string({unit: 'binary'}), (text) => {
      const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
      assert.deepEqual(lex(`'${escaped}'`)[0], {kind: 'text', value: text})
    }))
  })
})

describe('orderBy', () => {
  it('takes several keys and directions', () => {
    assert.deepEqual(parseOrder('folder, modifiedTime desc,name_natural asc'), [{name: 'folder', down: false}, {name: 'modifiedTime', down: true}, {name: 'name_natural', down: false}])
  })
  for (const bad of ['size', 'name up', 'name,,folder', 'toString']) it(`refuses ${bad}`, () => assert.throws(() => parseOrder(bad), QueryError))
})
