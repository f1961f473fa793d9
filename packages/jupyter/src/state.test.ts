import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {backoff, pause} from './backoff.ts'
import type {Message} from './contract.ts'
import {Pulse} from './heartbeat.ts'
import {ProcessIdentity} from './identity.ts'
import {Inbox} from './inbox.ts'

const message = (id: string, session?: string, parentSession?: string): Message => ({
  channel: 'iopub',
  header: {msg_id: id, msg_type: 'stream', ...(session !== undefined && {session})},
  parent_header: {...(parentSession !== undefined && {session: parentSession})},
  metadata: {}, content: {}, buffers: [],
})

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('process identity', () => {
  it('sees a new process once, and nothing in what is late from the old one', () => {
    const identity = new ProcessIdentity()
    const seen = ['a', 'a', 'b', 'a', 'b', 'c'].map(session => identity.observe(message('1', session, 'us')))
    assert.deepEqual(seen, ['same', 'same', 'surprise', 'same', 'same', 'surprise'])
  })

  it('ignores our own sessions, echoes and messages without one', () => {
    const identity = new ProcessIdentity()
    identity.addOurs('us')
    for (const each of [message('1', 'kernel'), message('2', 'us'), message('3', 'other', 'other'), message('4'), message('5', '')]) {
      assert.equal(identity.observe(each), 'same')
    }
    assert.equal(identity.observe(message('6', 'kernel 2')), 'surprise')
  })

  it('takes the first process after a known end as no surprise', () => {
    const identity = new ProcessIdentity()
    identity.observe(message('1', 'a'))
    identity.retire()
    assert.deepEqual(['a', 'b', 'a'].map(session => identity.observe(message('2', session))), ['same', 'expected', 'same'])
    assert.deepEqual(['a', 'b'].map(session => identity.isRetired(message('3', session))), [true, false])
  })
})

describe('inbox', () => {
  it('hands on in order, one at a time, pausing the link as long as a consumer is busy', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.boolean(), {maxLength: 20}), async slow => {
      const log: string[] = []
      let paused = false
      let busy = 0
      const later = async (): Promise<void> => {
        busy++
        await tick()
        busy--
      }
      const inbox = new Inbox(each => {
        assert.equal(busy, 0)
        log.push(each.header.msg_id)
        return slow[Number(each.header.msg_id)] ? later() : undefined
      }, () => ({pause: () => (paused = true), resume: () => (paused = false)}))
      slow.forEach((_, index) => inbox.receive(message(String(index))))
      while (log.length < slow.length) await tick()
      await tick()
      await tick()
      assert.deepEqual(log, slow.map((_, index) => String(index)))
      assert.equal(paused, false)
    }))
  })

  it('drops what was seen before, also after thousands of others', () => {
    const log: string[] = []
    const inbox = new Inbox(each => void log.push(each.header.msg_id), () => undefined)
    for (let index = 0; index < 20_000; index++) inbox.receive(message(String(index)))
    for (let index = 15_000; index < 20_000; index++) inbox.receive(message(String(index)))
    assert.equal(log.length, 20_000)
  })
})

describe('backoff', () => {
  it('grows to its cap and never beyond', () => {
    const top = (attempt: number): number => backoff(attempt, {baseMs: 500, capMs: 30_000, random: () => 1})
    assert.deepEqual([1, 2, 3, 7, 8, 1_000_000].map(top), [500, 1_000, 2_000, 30_000, 30_000, 30_000])
    assert.equal(backoff(5, {baseMs: 500, capMs: 30_000, random: () => 0}), 0)
  })

  it('is cut short by its signal, with the signal\'s reason', async () => {
    const abort = new AbortController()
    const waiting = pause(60_000, abort.signal)
    abort.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await assert.rejects(pause(60_000, abort.signal), /enough/)
  })
})

describe('heartbeat', () => {
  const table: [string, {read?: number; flushed?: number; paused?: boolean}[], boolean[]][] = [
    ['gives up at the second silent tick', [{read: 1}, {read: 1}, {read: 1}], [false, false, true]],
    ['is more patient before the first byte', [{}, {}, {}, {}, {}, {}], [false, false, false, false, false, true]],
    ['takes any byte for life', [{read: 1}, {read: 1}, {read: 2}, {read: 2}, {read: 2}], [false, false, false, false, true]],
    ['takes progress in sending for life', [{read: 1}, {read: 1, flushed: 1}, {read: 1, flushed: 2}, {read: 1, flushed: 2}, {read: 1, flushed: 2}], [false, false, false, false, true]],
    ['does not judge while paused', [{read: 1}, {read: 1, paused: true}, {read: 1, paused: true}, {read: 1}, {read: 1}], [false, false, false, false, true]],
  ]
  for (const [what, ticks, dead] of table) {
    it(what, () => {
      const signs = ({read = 0, flushed = 0, paused = false}): {bytesRead: number; sendsFlushed: number; paused: boolean} => ({bytesRead: read, sendsFlushed: flushed, paused})
      const pulse = new Pulse(signs({}))
      assert.deepEqual(ticks.map(each => pulse.tick(signs(each))), dead)
    })
  }
})
