import assert from 'node:assert/strict'
import {JupyterError} from '@cgpu/jupyter'
import {CgpuError} from '../errors.ts'
import {until} from '../../../../test/helpers/workbench.ts'
import {Presence, type PresenceOptions} from './presence.ts'
import type {RuntimeRecord} from './record.ts'

const record = {name: 'trainer'} as RuntimeRecord // no more of it is used

function watch(options: Partial<PresenceOptions>): {presence: Presence; told: CgpuError[]} {
  const told: CgpuError[] = []
  return {presence: new Presence({record, onGone: (error) => told.push(error), ...options}), told}
}

describe('the presence of a machine', () => {
  it('is asked for when work fails as it would if the machine were gone', async () => {
    for (const code of ['NETWORK', 'KERNEL_DEAD', 'NOT_FOUND', 'AUTH', 'GONE'] as const) {
      const {presence, told} = watch({isGone: async () => true})
      presence.worked()
      const error = await presence.explain(new JupyterError(code, 'x'))
      assert.ok(error instanceof CgpuError)
      assert.deepEqual([error.code, error.exit, error.message], ['RUNTIME_RECLAIMED', 71, 'trainer was taken away while work ran on it'])
      assert.deepEqual(told, [error])
      // from now on everything failed for that reason
      assert.equal(await presence.explain(new JupyterError('CLOSED', 'x')), error)
    }
  })

  it('lost before any work is a runtime that is not there', async () => {
    const {presence} = watch({isGone: async () => true})
    const error = await presence.explain(new JupyterError('NOT_FOUND', 'x'))
    assert.deepEqual(error instanceof CgpuError && [error.code, error.exit], ['RUNTIME_GONE', 66])
  })

  it('is in no doubt when the provider has the machine, cannot tell, or the error says something else', async () => {
    for (const isGone of [async () => false, async () => Promise.reject(new Error('down'))]) {
      const {presence, told} = watch({isGone})
      const error = await presence.explain(new JupyterError('KERNEL_DEAD', 'x'))
      assert.equal(error instanceof CgpuError && error.code, 'KERNEL_DIED')
      assert.deepEqual(told, [])
    }
    const {presence} = watch({isGone: async () => assert.fail('asked')})
    for (const other of [new JupyterError('TOO_BIG', 'x'), new CgpuError('x', {code: 'X', category: 'usage', exit: 64}), new TypeError('x')]) await presence.explain(other)
  })

  it('is asked for once by all who want to know at the same time', async () => {
    let asked = 0
    const {presence} = watch({isGone: async () => (asked++, false)})
    await Promise.all(Array.from({length: 10}, () => presence.explain(new JupyterError('NETWORK', 'x'))))
    await presence.check()
    assert.equal(asked, 1)
  })

  it('is kept by beats from the first interval on, until one says that it is over', async () => {
    let beats = 0
    const began = performance.now()
    const {presence, told} = watch({
      keepAlive: {everyMs: 30, beat: async () => (++beats === 2 ? Promise.reject(new Error('lost')) : beats === 4 ? 'gone' : 'alive')},
    })
    presence.worked()
    assert.equal(beats, 0)
    await until(() => told.length > 0, () => 'the machine\'s end')
    assert.ok(performance.now() - began >= 100)
    assert.equal(told[0]?.code, 'RUNTIME_RECLAIMED')
    assert.equal(beats, 4)
    assert.equal(await presence.check(), true)
  })

  it('is nobody\'s business once the session is closed', async () => {
    let release: ((gone: boolean) => void) | undefined
    const {presence, told} = watch({isGone: () => new Promise((resolve) => (release = resolve))})
    const explained = presence.explain(new JupyterError('NETWORK', 'x'))
    presence.close()
    release?.(true)
    const error = await explained
    assert.equal(error instanceof CgpuError && error.code, 'RUNTIME_UNREACHABLE')
    assert.deepEqual(told, [])
  })
})
