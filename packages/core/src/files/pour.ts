import {type Answer, type Json, listOf, numberOf, StreamLost} from '../agent/channel.ts'
import {inLine} from '../agent/follow.ts'
import type {AgentPart} from '../agent/parts.ts'

export interface PourOptions<T> {
  make: (data: Json) => T
  /** the next entries wait for its promise */
  onEntries: (entries: T[]) => void | Promise<void>
  signal?: AbortSignal | undefined
}

/** entries that may be under way: this bounds the memory of both sides */
const room = 2000

/** Every entry of a listing once, however often the link is lost. Resolves to the last answer. */
export async function pour<T>(part: AgentPart, op: string, fields: Json, options: PourOptions<T>): Promise<Json> {
  const {make, onEntries, signal} = options
  let seen = 0
  const once = async (): Promise<Json> => {
    const stop = new AbortController()
    const take = async ({data}: Answer): Promise<void> => {
      const entries = listOf(data, 'entries').map(make)
      if (entries.length === 0) return
      if (numberOf(data, 'at') !== seen) throw new StreamLost()
      signal?.throwIfAborted()
      await onEntries(entries)
      seen += entries.length
      stream.credit(entries.length)
    }
    const line = inLine(take)
    line.failed.catch(() => stop.abort(new StreamLost()))
    const stream = await part.stream(op, {...fields, skip: seen, credit: room}, line.push, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal)
    const answer = await Promise.race([stream.answer, line.failed]).catch(async (error: unknown) => {
      await line.idle()
      signal?.throwIfAborted()
      throw error
    })
    await line.idle()
    await take(answer)
    if (answer.data['stopped'] === true) throw new StreamLost()
    return answer.data
  }
  for (;;) {
    try {
      return await once()
    } catch (error) {
      if (!(error instanceof StreamLost)) throw error
    }
  }
}
