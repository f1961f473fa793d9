import type {AgentChannel, Answer} from './channel.ts'
import {numberOf, StreamLost} from './channel.ts'
import {LogDecoder, type LogRecord} from './log.ts'
import {freeBuffers} from '../memory.ts'
import {type JobStatus, statusOf} from './models.ts'

export interface FollowOptions {
  /** a byte offset of the log that ends a record; default 0 */
  offset?: number
  /** Called for each record in order; the next waits for its promise. Slow consumers slow the transfer, not the job. */
  onRecord: (record: LogRecord) => void | Promise<void>
  /** how many bytes may be under way; default 2 MiB: 20 MB/s over a link of 100 ms, and under 100 MB of memory at any speed */
  creditBytes?: number
  signal?: AbortSignal | undefined
}

/** bytes between two looks for buffers that can be freed */
const freeEvery = 2 << 20

/** Every record from an offset until the run is over, each once, across lost links. Resolves to how the run ended. */
export async function follow(channel: AgentChannel, run: string, options: FollowOptions): Promise<JobStatus> {
  const decoder = new LogDecoder(options.offset ?? 0)
  for (;;) {
    decoder.rewind()
    try {
      return await once(channel, run, decoder, options)
    } catch (error) {
      if (!(error instanceof StreamLost)) throw error
    }
  }
}

async function once(channel: AgentChannel, run: string, decoder: LogDecoder, options: FollowOptions): Promise<JobStatus> {
  const {onRecord, signal, creditBytes: window = 2 << 20} = options
  let unreturned = 0
  let passed = 0
  const deliver = async ({data, buffers}: Answer): Promise<void> => {
    if (numberOf(data, 'offset') !== decoder.position) throw new StreamLost()
    const [bytes] = buffers
    if (!bytes) return
    for (const record of decoder.push(bytes)) {
      signal?.throwIfAborted()
      const wait = onRecord(record)
      if (wait) await wait
    }
    unreturned += bytes.length
    passed += bytes.length
    if (passed >= freeEvery) {
      passed = 0
      freeBuffers()
    }
    if (unreturned < window / 4) return
    stream.credit(unreturned)
    unreturned = 0
  }
  const line = inLine(deliver)
  const stream = channel.stream('follow', {run, offset: decoder.offset, credit: window}, line.push, signal)
  line.failed.catch(() => stream.cancel())
  // what came before a lost link is delivered first: the next attempt goes on from there
  const answer = await Promise.race([stream.answer, line.failed]).catch(async (error: unknown) => {
    await line.idle()
    throw error
  })
  await line.idle()
  if (answer.data['stopped'] === true || numberOf(answer.data, 'offset') !== decoder.position) throw new StreamLost()
  return statusOf(answer.data['status'])
}

export interface Line {
  push: (answer: Answer) => void
  /** Waits for what was pushed. Rejects with the failure, if there was one. */
  idle: () => Promise<void>
  failed: Promise<never>
}

/** Pushes handled one after the other; the first failure stops all and rejects `failed`. */
export function inLine(work: (answer: Answer) => Promise<void>): Line {
  let tail = Promise.resolve()
  const {promise: failed, reject} = Promise.withResolvers<never>()
  failed.catch(() => undefined)
  return {
    push: answer => {
      tail = tail.then(() => work(answer))
      tail.catch(reject)
    },
    idle: async () => tail,
    failed,
  }
}
