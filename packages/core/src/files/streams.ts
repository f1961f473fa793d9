import {createHash} from 'node:crypto'
import {Slots} from '../agent/transfer.ts'
import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {copyLarge} from './large.ts'
import {Pace} from './pace.ts'
import {changed} from './problem.ts'
import type {Root, Sink, Source, Writer} from './side.ts'

export interface StreamOptions {
  signal?: AbortSignal | undefined
  /** `total` where it is known */
  onBytes?: ((done: number, total?: number) => void) | undefined
}

/** Sends bytes until they end to a file, which appears whole or not at all. Nothing is kept of what was cut. */
export async function sendStream(input: AsyncIterable<Uint8Array>, sink: Sink, to: string, options: StreamOptions): Promise<{size: number; sha256: string}> {
  const {signal, onBytes} = options
  const [slots, pace, hash] = [new Slots(4), new Pace(), createHash('sha256')]
  const writer = await sink.begin(to, {size: undefined, mtime: undefined, mode: undefined, key: undefined})
  let size = 0
  let done = 0
  let failure: {error: unknown} | undefined
  const writing = new Set<Promise<void>>()
  try {
    for await (const data of pieces(input, pace)) {
      const release = await slots.take()
      signal?.throwIfAborted()
      if (failure) break
      hash.update(data)
      const started = performance.now()
      const one = writer.write(size, [[0, data.length]], data).then(() => {
        pace.took(data.length, performance.now() - started)
        onBytes?.((done += data.length))
      }, (error: unknown) => void (failure ??= {error})).finally(() => {
        release()
        writing.delete(one)
      })
      writing.add(one)
      size += data.length
    }
    await Promise.all(writing)
    signal?.throwIfAborted()
    if (failure) throw failure.error
    const sha256 = hash.digest('hex')
    await writer.finish(sha256)
    return {size, sha256}
  } catch (error) {
    await writer.drop(false).catch(() => undefined)
    throw error
  }
}

async function* pieces(input: AsyncIterable<Uint8Array>, pace: Pace): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + pace.size - bytes)
      held.push(part)
      bytes += part.length
      at += part.length
      if (bytes < pace.size) continue
      yield Buffer.concat(held)
      held = []
      bytes = 0
    }
  }
  if (bytes > 0) yield Buffer.concat(held)
}

/** Hands a file's bytes on in order. What was handed on cannot be taken back: FILE_CHANGED and FILE_DAMAGED are told behind it. */
export async function fetchStream(source: Source, write: (data: Uint8Array) => Promise<void>, options: StreamOptions): Promise<{size: number; sha256: string}> {
  const {roots: [root, more]} = await source.roots()
  if (!root || more) throw errors.usage('several files match', {code: 'NOT_A_FILE', category: 'file', fix: 'one file at a time goes to a stream'})
  refuseFolder(root, source)
  let begun = false
  const sink: Pick<Sink, 'begin'> = {
    async begin(): Promise<Writer> {
      if (begun) throw changed(source.label(root.path))
      begun = true
      return {
        received: 0,
        async write(_offset, runs, data) {
          let at = 0
          for (const [zeros, size] of runs) {
            for (let left = zeros; left > 0; left -= Math.min(left, 1 << 20)) await write(new Uint8Array(Math.min(left, 1 << 20)))
            if (size > 0) await write(data.subarray(at, (at += size)))
          }
        },
        finish: async () => undefined,
        drop: async () => undefined,
      }
    },
  }
  return copyLarge(source, {base: root.path, path: ''}, sink, '', {slots: new Slots(4), pace: new Pace(), ...options})
}

function refuseFolder({path, entry}: Root, source: Source): void {
  if (entry.kind === 'file') return
  throw errors.usage(`${sanitizeLine(source.label(path))} is not a file`, {code: 'NOT_A_FILE', category: 'file', fix: 'one file at a time goes to a stream'})
}
