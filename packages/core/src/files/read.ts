import {type Answer, numberOf, StreamLost, textOf} from '../agent/channel.ts'
import {inLine} from '../agent/follow.ts'
import type {AgentPart} from '../agent/parts.ts'
import type {RemotePath} from './entry.ts'

export interface ReadOptions {
  /** where to begin: a byte offset, or so many lines or bytes before the end. Default: at the beginning */
  from?: {offset: number} | {lines: number} | {bytes: number}
  /** bytes at most */
  length?: number
  /** goes on as the file grows, until the signal; with a file that takes its place too */
  follow?: boolean
  /** The next piece waits for its promise. `false`: it is enough. */
  onData: (data: Uint8Array) => void | false | Promise<void | false>
  /** what is read next does not follow what was read before */
  onRestart?: (why: 'truncated' | 'replaced' | (string & {})) => void
  /** bytes that may be under way: all that is buffered. Default 4 MiB */
  window?: number
  signal?: AbortSignal | undefined
}

class Enough extends Error {}

/** Reads a file piece by piece, across lost links. Throws FILE_CHANGED (72) when another file took its place after a lost link. */
export async function read(part: AgentPart, place: RemotePath, options: ReadOptions): Promise<void> {
  const {from = {offset: 0}, length, follow = false, onData, onRestart, signal, window = 4 << 20} = options
  let position = 'offset' in from ? from.offset : 0
  let taken = 0
  let identity = ''
  const start = 'lines' in from ? {tailLines: from.lines} : 'bytes' in from ? {tailBytes: from.bytes} : {}
  const once = async (): Promise<void> => {
    const stop = new AbortController()
    const take = async ({data, buffers}: Answer): Promise<void> => {
      const named = textOf(data, 'identity')
      const restarted = textOf(data, 'restarted')
      if (restarted !== '') onRestart?.(restarted)
      // the first word of all says where it begins
      if (named !== '' && (identity === '' || restarted !== '')) position = numberOf(data, 'offset')
      identity = named || identity
      if (numberOf(data, 'offset') !== position) throw new StreamLost()
      const [bytes] = buffers
      if (!bytes) return
      signal?.throwIfAborted()
      position += bytes.length
      taken += bytes.length
      if ((await onData(bytes)) === false) throw new Enough()
      stream.credit(bytes.length)
    }
    const line = inLine(take)
    line.failed.catch((error: unknown) => stop.abort(error))
    const again = identity === '' ? {offset: position, ...start} : {offset: position, expect: identity}
    const left = length === undefined ? {} : {length: length - taken}
    const stream = await part.stream('read', {...place, ...again, ...left, follow, credit: window}, line.push, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal)
    const {data} = await Promise.race([stream.answer, line.failed]).catch(async (error: unknown) => {
      await line.idle()
      signal?.throwIfAborted()
      throw error
    })
    await line.idle()
    if (data['stopped'] === true || numberOf(data, 'offset') !== position) throw new StreamLost()
  }
  for (;;) {
    try {
      return await once()
    } catch (error) {
      if (error instanceof Enough) return
      if (!(error instanceof StreamLost)) throw error
    }
  }
}
