import assert from 'node:assert/strict'
import type {Accelerator, RuntimeSpec} from '../provider.ts'
import {requestedAccelerator, sameAccelerator} from './spec.ts'

const gpu = (id: string, name: string): Accelerator => ({id, kind: 'gpu', name, available: true})

describe('sameAccelerator', () => {
  const cases: [RuntimeSpec['accelerator'], Accelerator, boolean][] = [
    [{kind: 'gpu', model: 'l4'}, gpu('l4', 'NVIDIA L4'), true],
    [{kind: 'gpu', model: 'l4'}, gpu('nvidia-l40s', 'NVIDIA L40S'), false],
    [{kind: 'gpu', model: 'a10'}, gpu('a100', 'NVIDIA A100-SXM4-40GB'), false],
    [{kind: 'gpu', model: 'a100'}, gpu('gpu-0', 'NVIDIA A100-SXM4-40GB'), true],
    [{kind: 'gpu', model: 'a100-sxm4-40gb'}, gpu('gpu-0', 'NVIDIA A100-SXM4-40GB'), true],
    [{kind: 'gpu'}, gpu('t4', 'Tesla T4'), true],
    [{kind: 'cpu'}, gpu('t4', 'Tesla T4'), true],
    [{kind: 'tpu'}, gpu('t4', 'Tesla T4'), false],
  ]
  for (const [wanted, has, same] of cases) {
    it(`${JSON.stringify(wanted)} ${same ? 'is served' : 'is not served'} by ${has.name}`, () => assert.equal(sameAccelerator(wanted, has), same))
  }
})

describe('requestedAccelerator', () => {
  it('reads what flags ask for', () => {
    assert.equal(requestedAccelerator({}), undefined)
    assert.deepEqual(requestedAccelerator({gpu: 'T4'}), {kind: 'gpu', model: 't4'})
    assert.deepEqual(requestedAccelerator({tpu: 'any'}), {kind: 'tpu'})
    assert.deepEqual(requestedAccelerator({cpu: true}), {kind: 'cpu'})
  })
  for (const flags of [{gpu: ''}, {gpu: 'a b'}, {gpu: '../x'}, {gpu: 'x'.repeat(100)}, {gpu: 't4\u001b[31m'}, {gpu: 't4', cpu: true}]) {
    it(`refuses ${JSON.stringify(flags).slice(0, 40)}`, () => assert.throws(() => requestedAccelerator(flags), {name: 'CgpuError', exit: 64}))
  }
})
