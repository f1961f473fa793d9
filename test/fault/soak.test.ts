import assert from 'node:assert/strict'
import {soak} from '../soak/soak.ts'

describe('a short soak', function () {
  this.timeout(180_000)

  it('keeps the harness of npm run soak alive: everything comes out right, and nothing is left', async () => {
    const {done, right, failures, leaks, faults, tallies} = await soak({count: 15, seed: 1})
    assert.deepEqual(failures, [])
    assert.deepEqual(leaks, [])
    assert.deepEqual([done, right], [15, 15])
    assert.ok(Object.keys(faults).length > 0, 'nothing went wrong')
    assert.deepEqual([...new Set(tallies.map(({place}) => place))].sort(), ['colab', 'jupyter', 'local'])
  })
})
