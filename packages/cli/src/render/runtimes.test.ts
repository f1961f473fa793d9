import assert from 'node:assert/strict'
import type {Runtime} from '@cgpu/core/runtime/record'
import {runtimeDetails, runtimesTable} from './runtimes.ts'

const now = Date.parse('2026-11-22T15:00:00Z')
const runtime = (more: Partial<Runtime> = {}): Runtime => ({
  id: 'colab-x', name: 'trainer', provider: 'colab', state: 'ready', accelerator: {id: 't4', kind: 'gpu', name: 'Tesla T4', available: true},
  createdAt: '2026-11-22T14:00:00.000Z', url: 'http://127.0.0.1:1', origin: 'created', ephemeral: false, isDefault: false, checkedAt: '2026-11-22T15:00:00.000Z',
  account: 'google:first.person@example.com', hourlyRate: 1.2, lease: {seconds: 7200, until: '2026-11-22T17:00:00.000Z'}, ...more,
})

describe('runtimes, for people', () => {
  const two = [runtime(), runtime({name: 'other', account: 'google:second.person@example.com'})]

  it('leave out the provider of all of them before anything is cut', () => {
    const narrow = runtimesTable(two, now, {width: 92})
    assert.doesNotMatch(narrow, /provider|…/)
    assert.match(narrow, /first\.person@example\.com/)
    assert.match(runtimesTable(two, now, {width: 120}), /provider/)
    assert.match(runtimesTable(two, now, {width: undefined}), /provider/)
  })

  it('keep the providers where they differ', () => {
    assert.match(runtimesTable([runtime(), runtime({provider: 'local'})], now, {width: 80}), /provider/)
  })

  it('tell times as the clock on the wall does', () => {
    const {TZ} = process.env
    try {
      process.env['TZ'] = 'Asia/Tokyo'
      assert.match(runtimeDetails(runtime(), now), /created +2026-11-22 23:00:00 \(1 h ago\)/)
    } finally {
      if (TZ === undefined) delete process.env['TZ']
      else process.env['TZ'] = TZ
    }
  })
})
