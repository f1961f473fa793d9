import assert from 'node:assert/strict'
import {isDue} from './rollout.ts'

describe('isDue', () => {
  const installations = Array.from({length: 2000}, (_, i) => `installation ${i}`)

  it('reaches the part that it is told to, and more of them as that grows', () => {
    for (const percent of [0, 10, 50, 100]) {
      const reached = installations.filter((one) => isDue(one, '1.0.0', percent)).length
      assert.ok(Math.abs(reached / 20 - percent) < 3, `${percent} %: ${reached} of 2000`)
    }
    assert.ok(installations.filter((one) => isDue(one, '1.0.0', 10)).every((one) => isDue(one, '1.0.0', 50)))
  })

  it('does not begin with the same ones each time', () => {
    const both = installations.filter((one) => isDue(one, '1.0.0', 10) && isDue(one, '1.1.0', 10))
    assert.ok(both.length < 60, `${both.length}`)
  })
})
