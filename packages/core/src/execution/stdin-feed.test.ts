import assert from 'node:assert/strict'
import type {RuntimeSession} from '../runtime/session.ts'
import type {ExecutionEvent} from './events.ts'
import {StdinFeed} from './stdin-feed.ts'

/** A machine that takes what it is given, so many times. */
function machine(name: string, times = Infinity): {session: RuntimeSession; took: string[]} {
  const took: string[] = []
  const agent = {
    stdin: async (_id: string, {offset, data, eof}: {offset: number; data?: Uint8Array; eof?: boolean}): Promise<void> => {
      if (took.length >= times) throw new Error('gone')
      took.push(`${offset} ${eof === true ? 'end' : String(data)}`)
    },
  }
  return {took, session: {record: {name}, agent: async () => agent} as unknown as RuntimeSession} // only this much is used of it
}

async function* given(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

describe('stdin for a program that moves', () => {
  let told: ExecutionEvent[] = []
  const onEvent = (event: ExecutionEvent): void => void told.push(event)
  const messages = (): unknown[] => told.map((event) => (event.type === 'notice' ? event.message : event.type))
  beforeEach(() => void (told = []))

  it('goes to one machine, byte for byte: the next is given what the first had not taken', async () => {
    const feed = new StdinFeed(given('one', 'two', 'three'))
    const [first, next] = [machine('one', 1), machine('next')]
    await assert.rejects(feed.to(first.session, 'job', {offset: 7, onEvent}), /gone/)
    assert.deepEqual(messages(), [])
    await feed.to(next.session, 'job', {onEvent})
    assert.deepEqual([first.took, next.took], [['7 one'], ['0 two', '3 three', '8 end']])
    assert.deepEqual(messages(), ['3 B of stdin went to the program on one, and the one on next is given what comes after it'])
  })

  it('that ended on a machine ends on the next', async () => {
    const feed = new StdinFeed(given('all'))
    const [first, next] = [machine('one'), machine('next')]
    await feed.to(first.session, 'job', {onEvent})
    await feed.to(next.session, 'job', {onEvent})
    assert.deepEqual(next.took, ['0 end'])
    assert.deepEqual(messages(), ['3 B of stdin, all that there was, went to the program on one, and the one on next reads its end'])
  })

  it('that nobody types yet is the next machine\'s alone', async () => {
    const typed = Promise.withResolvers<void>()
    const feed = new StdinFeed((async function* () {
      await typed.promise
      yield* given('late')
    })())
    const [first, next] = [machine('one'), machine('next')]
    const both = [feed.to(first.session, 'job', {onEvent}), feed.to(next.session, 'job', {onEvent})]
    typed.resolve()
    await Promise.all(both)
    assert.deepEqual([first.took, next.took, messages()], [[], ['0 late', '4 end'], []])
  })
})
