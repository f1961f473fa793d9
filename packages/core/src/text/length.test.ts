import assert from 'node:assert/strict'
import {parseLength} from './length.ts'

describe('a length of time', () => {
  const lengths: [string, number | undefined][] = [
    ['90s', 90_000], ['1.5h', 5_400_000], ['1h30m', 5_400_000], [' 2w ', 1_209_600_000], ['1d12h', 129_600_000], ['250ms', 250],
    ['', undefined], ['5', undefined], ['h', undefined], ['-1h', undefined], ['6 h', undefined], ['1h30', undefined], ['1.s', undefined],
  ]
  for (const [text, ms] of lengths) it(`"${text}" is ${ms === undefined ? 'none' : `${ms} ms`}`, () => assert.equal(parseLength(text), ms))
})
