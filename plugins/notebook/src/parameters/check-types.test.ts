import assert from 'node:assert/strict'
import {checkTypes} from './check-types.ts'
import {inspect} from './inspect.ts'
import type {Value} from './value.ts'

const declared = inspect('n: int = 1\nx: float = 0.5\non: bool = True\ns: str = ""\nl: list[int] = []\nd: Dict[str, int] = {}\neither: int | None = 3\nplain = 1\nsaid = 1  # type: int count')

describe('types of parameters', () => {
  it('bind where the notebook says them', () => {
    const bad: [Record<string, Value>, RegExp][] = [
      [{n: 'three'}, /^the parameter n is to be int, and "three" is text$/], [{n: 1.5}, /1\.5 is a number/], [{x: 'fast'}, /x is to be float/], [{on: 1n}, /1 is a whole number/],
      [{s: 7n}, /s is to be str/], [{l: {}}, /what was given is a dict/], [{d: []}, /is a list/], [{said: 'x'}, /said is to be int/],
    ]
    for (const [values, message] of bad) assert.throws(() => checkTypes(values, declared), {code: 'INVALID_PARAMETER', exit: 64, message})
  })

  it('let everything else pass', () => {
    checkTypes({n: 3n, x: 1n, on: false, s: 'a', l: [1n], d: {k: 1n}, either: 'any', plain: 'any', said: null}, declared)
  })
})
