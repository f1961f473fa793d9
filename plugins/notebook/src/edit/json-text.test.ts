import assert from 'node:assert/strict'
import fc from 'fast-check'
import {edited, indentOf, items, lineAt, members, removals, root, valueOf} from './json-text.ts'

const withIndent = fc.tuple(fc.jsonValue({maxDepth: 3}), fc.constantFrom(undefined, 1, '\t'))

describe('places in a JSON text', () => {
  it('are those of the values that JSON.parse gives', () => {
    fc.assert(fc.property(withIndent, ([value, indent]) => {
      const text = ` ${JSON.stringify(value, null, indent)}\n`
      const check = (expected: unknown, span: {start: number; end: number}): void => {
        assert.deepEqual(JSON.parse(text.slice(span.start, span.end)), expected)
        if (Array.isArray(expected)) items(text, span).forEach((one, at) => check(expected[at], one))
        else if (typeof expected === 'object' && expected !== null) {
          const record = expected as Record<string, unknown> // an object of JSON
          const all = members(text, span)
          assert.deepEqual(all.map(({key}) => key), Object.keys(record))
          for (const {key, value: inner} of all) check(record[key], inner)
        }
      }
      check(JSON.parse(text), root(text))
    }), {numRuns: 60})
  })

  it('can be taken away, whichever they are, and the rest stays', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.string(), {maxLength: 6}), fc.array(fc.boolean(), {minLength: 6, maxLength: 6}), fc.constantFrom(undefined, 2), (keys, gone, indent) => {
      const text = JSON.stringify(Object.fromEntries(keys.map((key, at) => [`k${key}`, [at, '"}']])), null, indent)
      const object = root(text)
      const left = edited(text, removals(object, members(text, object), (_, at) => gone[at] === true))
      assert.deepEqual(Object.keys(JSON.parse(left) as object), keys.filter((_, at) => !gone[at]).map((key) => `k${key}`))
    }), {numRuns: 60})
  })

  it('keeps how numbers and escapes were written', () => {
    const text = '{"a": 1.0, "b": "\\u00e9\\\\", "c": 1e-05,\n "d": 2}'
    const object = root(text)
    assert.equal(edited(text, removals(object, members(text, object), ({key}) => key === 'b')), '{"a": 1.0, "c": 1e-05,\n "d": 2}')
    assert.equal(edited(text, removals(object, members(text, object), ({key}) => key === 'a')), '{"b": "\\u00e9\\\\", "c": 1e-05,\n "d": 2}')
    assert.equal(lineAt(text, valueOf(text, object, 'd')?.start ?? 0), 2)
    assert.deepEqual([indentOf(text), indentOf('{\n\t"a": 1}'), indentOf('\uFEFF{\r\n  "a": 1}')], [undefined, '\t', '  '])
  })
})
