import type {RuntimeSession} from '../runtime/session.ts'
import {formatBytes} from '../text/format.ts'
import type {EventListener} from './events.ts'
import {withAgent} from './follow-log.ts'

export interface FeedOptions {
  /** how many bytes its machine has of whoever fed it before; default 0 */
  offset?: number
  /** told what a program on a former machine took along */
  onEvent?: EventListener
}

/**
 * A local stream as the stdin of a program that may move from machine to machine. Each byte goes to one machine: what one has taken is not
 * given to the next, as the program there may have acted on it; what it had not taken is.
 */
export class StdinFeed {
  readonly #source: AsyncIterator<Uint8Array>
  /** read, or being read, and taken by no machine */
  #next: Promise<IteratorResult<Uint8Array>> | undefined
  /** who fed last: others stop */
  #turn = 0
  #fed: {name: string; bytes: number; ended: boolean} | undefined

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Feeds a program until the stream ends, in order and by offset, so that a lost link loses nothing. Rejects when its machine takes no more. */
  async to(session: RuntimeSession, id: string, {offset = 0, onEvent}: FeedOptions = {}): Promise<void> {
    const turn = ++this.#turn
    const {name} = session.record
    const before = this.#fed
    const fed = {name, bytes: 0, ended: false}
    this.#fed = fed
    if (before && (before.bytes > 0 || before.ended)) await onEvent?.({type: 'notice', code: 'STDIN_NOT_REPEATED', message: taken(before, name)})
    for (;;) {
      const {done, value} = await (this.#next ??= this.#source.next())
      if (turn !== this.#turn) return
      const at = offset + fed.bytes
      await withAgent(session, (agent) => agent.stdin(id, done === true ? {offset: at, eof: true} : {offset: at, data: value}))
      if (turn !== this.#turn) return
      if (done === true) {
        fed.ended = true
        return
      }
      this.#next = undefined
      fed.bytes += value.length
    }
  }

  /** Reads no more. */
  async close(): Promise<void> {
    this.#turn++
    await this.#source.return?.()
  }
}

function taken({name, bytes, ended}: {name: string; bytes: number; ended: boolean}, next: string): string {
  const what = bytes === 0 ? 'the end of stdin' : `${formatBytes(bytes)} of stdin${ended ? ', all that there was,' : ''}`
  return `${what} went to the program on ${name}, and ${ended ? `the one on ${next} reads its end` : `the one on ${next} is given what comes after it`}`
}

/** Feeds a stream to a job's stdin until it ends, `from` where others stopped. */
export async function feedStdin(session: RuntimeSession, id: string, source: AsyncIterable<Uint8Array>, from = 0): Promise<void> {
  const feed = new StdinFeed(source)
  try {
    await feed.to(session, id, {offset: from})
  } finally {
    await feed.close()
  }
}
