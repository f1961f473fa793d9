import assert from 'node:assert/strict'
import {wordsOf} from './words.ts'

describe('flags that run a notebook again', () => {
  it('are those that were given, without where it ran and what was printed', () => {
    const flags = {
      runtime: 'lab', account: 'me@example.com', output: 'ndjson', json: true, out: 'done.ipynb', 'skip-tag': 'skip-execution', timing: false, 'error-markers': true,
      stdin: false, 'allow-errors': true, parameters: ['a=1', '-b=-2'], from: '-x',
    }
    const words = wordsOf(flags, {timing: {allowNo: true}, 'error-markers': {allowNo: true}, stdin: {}}, (name) => name === 'skip-tag' || name === 'error-markers')
    assert.deepEqual(words, ['--out', 'done.ipynb', '--no-timing', '--allow-errors', '--parameters', 'a=1', '--parameters=-b=-2', '--from=-x'])
  })
})
