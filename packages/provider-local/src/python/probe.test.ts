import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {pinsFor} from './pins.ts'
import {asProbed, canServe, parseProbe} from './probe.ts'

const good = {
  version: [3, 11, 7], executable: '/p/bin/python', prefix: '/p', basePrefix: '/usr', sitePaths: ['/p/site-packages'],
  packages: {jupyter_server: {version: '2.21.1', path: '/p/a.py'}}, missing: [], problem: '',
}

describe('the answer of a Python', () => {
  it('is found behind what start-up files print', () => {
    assert.deepEqual(parseProbe(`hello\n{not json\n${JSON.stringify(good)}\n`), good)
  })

  it('is never more than what was checked', () => {
    fc.assert(fc.property(fc.anything(), (value) => {
      const probed = asProbed(value)
      assert.ok(probed === undefined || typeof probed.executable === 'string')
    }))
    for (const key of Object.keys(good)) {
      for (const wrong of [null, 7, {}, [{}], 'x', undefined]) {
        const probed = asProbed({...good, [key]: wrong})
        if (probed) assert.deepEqual(Object.keys(probed).sort(), Object.keys(good).sort())
      }
    }
  })

  it('serves only with both packages, on 3.8 or newer', () => {
    assert.ok(canServe(good))
    assert.ok(!canServe({...good, missing: ['ipykernel']}))
    assert.ok(!canServe({...good, version: [3, 7, 16]}))
    assert.ok(!canServe({failed: 'no'}))
  })

  it('decides what is installed', () => {
    assert.deepEqual(pinsFor([3, 14, 0])?.packages, ['jupyter_server==2.21.1', 'ipykernel==7.4.0'])
    assert.deepEqual(pinsFor([3, 9, 6])?.packages, ['jupyter_server==2.14.2', 'ipykernel==6.29.5'])
    assert.equal(pinsFor([3, 7, 0]), undefined)
    assert.equal(pinsFor([2, 7, 18]), undefined)
  })
})
