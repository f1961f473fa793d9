import {Slots} from '../agent/transfer.ts'
import {CgpuError} from '../errors.ts'
import {freeBuffers} from '../memory.ts'
import {copyLarge} from './large.ts'
import {Pace} from './pace.ts'
import {batches, type Batch, type Item, smallBytes} from './plan.ts'
import {isOfOneFile} from './problem.ts'
import type {Content, Failure, Sink, Source} from './side.ts'

/** messages with data under way: this bounds our memory */
const underWay = 4
/** bytes between two looks for buffers that can be freed */
const freeEvery = 16 << 20

export interface CarryOptions {
  signal?: AbortSignal | undefined
  /** so many bytes more, of which some were there before; negative when a file is begun anew */
  onBytes(count: number): void
  onCopied(item: Item, file: {size: number; sha256: string}): void
  onFailure(failure: Failure): void
}

/** Carries files over: small ones many in a message, large ones in pieces. Throws what concerns them all. */
export async function carry(sources: Source[], sink: Sink, files: Item[], options: CarryOptions): Promise<void> {
  const {signal} = options
  const [slots, pace] = [new Slots(underWay), new Pace()]
  const work = tasks(files, pace)
  let failure: {error: unknown} | undefined
  let passed = 0
  const ended = (): boolean => failure !== undefined || signal?.aborted === true
  const worker = async (): Promise<void> => {
    for (let next = work.next(); !next.done && !ended(); next = work.next()) {
      try {
        if ('items' in next.value) await small(next.value)
        else await large(next.value)
      } catch (error) {
        failure ??= {error}
      }
    }
  }
  const small = async ({from, base, items}: Batch): Promise<void> => {
    const release = await slots.take()
    const started = performance.now()
    try {
      const source = sources[from]
      if (!source) return
      const contents = await source.readAll(base, items.map(({origin}) => origin.path))
      const good: (Content & {path: string; item: Item})[] = []
      items.forEach((item, i) => {
        const content = contents[i]
        if (content instanceof CgpuError || !content) options.onFailure({path: item.to, error: ofOne(content)})
        else good.push({...content, path: item.to, item})
      })
      signal?.throwIfAborted()
      const failures = good.length === 0 ? [] : await sink.put(good)
      const failed = new Set(failures.map(({path}) => path))
      for (const each of failures) options.onFailure(each)
      let size = 0
      for (const {path, item, data, sha256} of good) {
        size += data.length
        options.onBytes(item.entry.size)
        if (!failed.has(path)) options.onCopied(item, {size: data.length, sha256})
      }
      pace.took(size, performance.now() - started)
      if ((passed += size) >= freeEvery) {
        passed = 0
        freeBuffers()
      }
    } finally {
      release()
    }
  }
  const large = async (item: Item): Promise<void> => {
    const source = sources[item.from]
    if (!source) return
    let before = 0
    const onBytes = (done: number): void => {
      options.onBytes(done - before)
      before = done
    }
    try {
      options.onCopied(item, await copyLarge(source, item.origin, sink, item.to, {slots, pace, signal, onBytes}))
    } catch (error) {
      if (!isOfOneFile(error)) throw error
      options.onFailure({path: item.to, error})
    }
  }
  await Promise.all(Array.from({length: underWay}, worker))
  signal?.throwIfAborted()
  if (failure) throw failure.error
}

function ofOne(error: CgpuError | undefined): CgpuError {
  if (error && isOfOneFile(error)) return error
  throw error ?? new Error('a file without an answer')
}

function* tasks(files: Item[], pace: Pace): Generator<Batch | Item> {
  yield* batches(files.filter(({entry}) => entry.size <= smallBytes), () => pace.size)
  for (const item of files) if (item.entry.size > smallBytes) yield item
}
