import {randomUUID} from 'node:crypto'
import {closeSync, openSync, readSync, unlinkSync, writeSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

/** Bytes of a place in the file. */
const placeSize = 64 * 1024

/** What was put aside. Its places are used again when nobody has it any more. */
export interface Spooled {
  bytes(): Buffer
}

/** Bytes put aside on the disk, in a file without a name that goes with this process. Where there is no disk for them, they stay in memory. */
export class Spool {
  #file: number | undefined
  #places = 0
  readonly #free: number[] = []
  readonly #dropped = new FinalizationRegistry((places: readonly number[]) => void this.#free.push(...places))

  put(bytes: Buffer): Spooled {
    const places: number[] = []
    try {
      this.#file ??= openUnnamed()
      for (let at = 0; at < bytes.length; at += placeSize) {
        const place = this.#free.pop() ?? this.#places++
        places.push(place)
        writeAll(this.#file, bytes.subarray(at, at + placeSize), place * placeSize)
      }
    } catch {
      this.#free.push(...places)
      return {bytes: () => bytes}
    }
    const spooled = new InFile(this.#file, places, bytes.length)
    this.#dropped.register(spooled, places)
    return spooled
  }
}

function openUnnamed(): number {
  const path = join(tmpdir(), `.cgpu-notebook-${process.pid}-${randomUUID()}`)
  const file = openSync(path, 'wx+', 0o600)
  try {
    unlinkSync(path)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

function writeAll(file: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, position + done)
}

/** A class, as a closure would keep the bytes, too. */
class InFile implements Spooled {
  readonly #file: number
  readonly #places: readonly number[]
  readonly #length: number

  constructor(file: number, places: readonly number[], length: number) {
    this.#file = file
    this.#places = places
    this.#length = length
  }

  bytes(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#length)
    for (const [at, place] of this.#places.entries()) {
      const begin = at * placeSize
      const end = Math.min(begin + placeSize, bytes.length)
      for (let done = begin; done < end;) {
        const got = readSync(this.#file, bytes, done, end - done, place * placeSize + done - begin)
        if (got === 0) throw new Error('what was put aside on the disk is gone')
        done += got
      }
    }
    return bytes
  }
}
