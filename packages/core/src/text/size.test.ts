import assert from 'node:assert/strict'
import {parseSize} from './size.ts'

describe('sizes that people type', () => {
  const cases: [text: string, bytes: number][] = [['0', 0], ['512', 512], ['10k', 10_240], ['1.5M', 1_572_864], ['2GiB', 2 * 1024 ** 3], ['1 ', 1], ['3TB', 3 * 1024 ** 4]]
  for (const [text, bytes] of cases) it(`${text} is ${bytes}`, () => assert.equal(parseSize(text), bytes))
  for (const text of ['', '-1', '+1', '1x', 'k', '1e3', '1,5M', '\u001b[2J']) it(`${JSON.stringify(text)} is none`, () => assert.throws(() => parseSize(text), {code: 'INVALID_SIZE', exit: 64}))
})
