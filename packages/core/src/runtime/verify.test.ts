import assert from 'node:assert/strict'
import type {Accelerator} from '../provider.ts'
import {type Device, verify} from './verify.ts'

const claim = (id: string, more: Partial<Accelerator> = {}): Accelerator => ({id, kind: 'gpu', name: id, available: true, ...more})
const device = (name: string, kind = 'gpu'): Device => ({kind, name, memoryBytes: 1})

describe('verify', () => {
  it('believes the machine, not the claim', () => {
    assert.deepEqual(verify({kind: 'gpu', model: 't4'}, claim('T4'), [device('Tesla T4')]), {
      asAsked: true, accelerator: {id: 'T4', kind: 'gpu', name: 'Tesla T4', memoryBytes: 1, available: true},
    })
    assert.deepEqual(verify({kind: 'gpu', model: 'a100'}, claim('A100'), [device('Tesla T4')]), {
      asAsked: false, accelerator: {id: 't4', kind: 'gpu', name: 'Tesla T4', memoryBytes: 1, available: true},
    })
    assert.deepEqual(verify({kind: 'gpu', model: 'a100'}, claim('A100'), []), {
      asAsked: false, accelerator: {id: 'cpu', kind: 'cpu', name: 'CPU', available: true},
    })
  })

  const cases: [string, Parameters<typeof verify>, boolean][] = [
    ['any GPU', [{kind: 'gpu'}, claim('L4'), [device('NVIDIA L4')]], true],
    ['a TPU where a GPU was asked for', [{kind: 'gpu'}, claim('L4'), [device('v5litepod-1', 'tpu')]], false],
    ['another name of the machine for it', [{kind: 'tpu', model: 'v5e1'}, claim('V5E1', {kind: 'tpu', aliases: ['v5litepod-1']}), [device('v5litepod-1', 'tpu')]], true],
    ['another name, but of another model', [{kind: 'tpu', model: 'v6e1'}, claim('V6E1', {kind: 'tpu', aliases: ['v6e-1']}), [device('v5litepod-1', 'tpu')]], false],
    ['a model whose name begins alike', [{kind: 'gpu', model: 'l4'}, claim('L4'), [device('NVIDIA L40S')]], false],
    ['one of several', [{kind: 'gpu', model: 'l4'}, claim('L4'), [device('Tesla T4'), device('NVIDIA L4')]], true],
  ]
  for (const [what, args, same] of cases) it(`${same ? 'takes' : 'refuses'} ${what}`, () => assert.equal(verify(...args).asAsked, same))

  it('asks nothing of a machine without an accelerator', () => {
    const cpu = claim('cpu', {kind: 'cpu'})
    assert.deepEqual(verify({kind: 'cpu'}, cpu, []), {accelerator: cpu, asAsked: true})
  })
})
