import assert from 'node:assert/strict'
import type {Accelerator, RuntimeSpec} from '../provider.ts'
import {refuseUnknown, requestedAccelerators, sameAccelerator} from './spec.ts'

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

describe('requestedAccelerators', () => {
  it('reads what flags ask for', () => {
    assert.deepEqual(requestedAccelerators({}), [])
    assert.deepEqual(requestedAccelerators({gpu: 'T4'}), [{kind: 'gpu', model: 't4'}])
    assert.deepEqual(requestedAccelerators({tpu: 'any'}), [{kind: 'tpu'}])
    assert.deepEqual(requestedAccelerators({cpu: true}), [{kind: 'cpu'}])
    assert.deepEqual(requestedAccelerators({gpu: 'A100, l4,a100,any'}), [{kind: 'gpu', model: 'a100'}, {kind: 'gpu', model: 'l4'}, {kind: 'gpu'}])
  })
  for (const flags of [{gpu: ''}, {gpu: 'a b'}, {gpu: '../x'}, {gpu: 'x'.repeat(100)}, {gpu: 't4\u001b[31m'}, {gpu: 't4', cpu: true}, {gpu: 't4,,l4'}, {gpu: 't4,'}, {gpu: Array.from({length: 17}, (_, i) => `g${i}`).join(',')}]) {
    it(`refuses ${JSON.stringify(flags).slice(0, 40)}`, () => assert.throws(() => requestedAccelerators(flags), {name: 'CgpuError', exit: 64}))
  }
})

describe('refuseUnknown', () => {
  const known = [gpu('T4', 'Tesla T4'), gpu('A100', 'NVIDIA A100'), {...gpu('V5E1', 'TPU v5e'), kind: 'tpu' as const}]
  it('lets known ones pass, also those that this account may not use', () => {
    refuseUnknown([{kind: 'gpu', model: 't4'}, {kind: 'gpu'}, {kind: 'cpu'}, {kind: 'tpu', model: 'v5e1'}], known)
  })
  it('refuses a misspelt one with a suggestion', () => {
    assert.throws(() => refuseUnknown([{kind: 'gpu', model: 't4'}, {kind: 'gpu', model: 'a10'}], known), {code: 'ACCELERATOR_UNAVAILABLE', exit: 68, fix: /a100/})
    assert.throws(() => refuseUnknown([{kind: 'gpu', model: 'v5e1'}], known), {code: 'ACCELERATOR_UNAVAILABLE', fix: 'one of: t4, a100'})
  })
})
