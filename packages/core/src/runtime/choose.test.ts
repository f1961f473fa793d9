import assert from 'node:assert/strict'
import {chooseRuntime, refuseToGuess} from './choose.ts'
import type {RuntimeRecord} from './record.ts'

const record = (name: string, more: Partial<RuntimeRecord> = {}): RuntimeRecord => ({
  version: 1, id: `local-${name}-1`, name, provider: 'local', providerId: `${name}-1`, origin: 'created', ephemeral: false, requested: {kind: 'cpu'},
  accelerator: {id: 'cpu', kind: 'cpu', name: 'cpu', available: true}, endpointUrl: 'http://127.0.0.1:1/', createdAt: '2026-11-22T10:00:00Z', kernels: {}, ...more,
})
const [a, b, mine] = [record('train-a'), record('train-b'), record('theirs', {ephemeral: true})]

describe('the runtime that is meant', () => {
  it('is the one named, by name, id or beginning', () => {
    for (const query of ['train-a', 'local-train-a-1', 'local-train-a']) assert.equal(chooseRuntime([a, b], query, 'train-b'), a)
    assert.throws(() => chooseRuntime([a, b], 'train', undefined), {code: 'AMBIGUOUS', exit: 64})
    assert.throws(() => chooseRuntime([a, b], '', 'train-a'), {code: 'NOT_FOUND', exit: 66})
  })

  it('is the default, else the only one', () => {
    assert.equal(chooseRuntime([a, b], undefined, b.id), b)
    assert.equal(chooseRuntime([a], undefined, undefined), a)
    assert.equal(chooseRuntime([a, b], undefined, undefined), undefined)
  })

  it('is never another one than the default, and the error says where that comes from', () => {
    assert.throws(() => chooseRuntime([a], undefined, 'gone'), {code: 'NOT_FOUND', exit: 66, message: 'the default runtime "gone" is not there any more', fix: /runtime use --none/})
  })

  it('is not what another command made for its own run, unless that is named', () => {
    assert.equal(chooseRuntime([mine], undefined, undefined), undefined)
    assert.equal(chooseRuntime([a, mine], undefined, undefined), a)
    assert.equal(chooseRuntime([a, mine], 'theirs', undefined), mine)
  })

  it('is asked for when it is not clear', () => {
    assert.throws(() => refuseToGuess([]), {code: 'NO_RUNTIME', exit: 66})
    assert.throws(() => refuseToGuess([mine]), {code: 'NO_RUNTIME', exit: 66})
    assert.throws(() => refuseToGuess([a, b]), {code: 'RUNTIME_REQUIRED', exit: 64, fix: /cgpu runtime use train-a/})
  })
})
