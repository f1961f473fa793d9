import assert from 'node:assert/strict'
import {isUse, Use} from './use.ts'

describe('use of a Jupyter proxy', () => {
  it('is told once to each who watches', () => {
    const use = new Use()
    const [one, other] = [use.watch(), use.watch()]
    assert.deepEqual([one(), use.ever], [false, false])
    use.note()
    assert.deepEqual([one(), one(), other(), other(), use.ever], [true, false, true, false, true])
  })

  it('is what changes something', () => {
    assert.deepEqual(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(isUse), ['POST', 'PUT', 'PATCH', 'DELETE'])
  })
})
