import {Spool, type Spooled} from './spool.ts'

/** Characters that are put aside at once. */
const pieceLength = 64 * 1024

const spool = new Spool()

/** Text of the file as it will be written, which is not in memory. It only grows. */
export class KeptText {
  readonly #pieces: Spooled[] = []
  #tail = ''

  add(text: string): void {
    this.#tail += text
    if (this.#tail.length < pieceLength) return
    this.#pieces.push(spool.put(Buffer.from(this.#tail)))
    this.#tail = ''
  }

  /** What there is now, in pieces, whatever is added while they are read. */
  *chunks(): Generator<string> {
    const tail = this.#tail
    for (let at = 0, end = this.#pieces.length; at < end; at++) yield this.#pieces[at]?.bytes().toString() ?? ''
    yield tail
  }
}

/** By the object, and its property. */
const kept = new WeakMap<object, Map<string, {chunks(): Iterable<string>}>>()

/**
 * Makes a property one that is kept as the file will have it (`written`), which whoever writes the file asks for by `keptOf`. To everybody else it is a property as any:
 * its value is made from that (`read`) each time when it is read, and what is assigned to it takes its place.
 */
export function keep(of: object, key: string, {written, read}: {written: {chunks(): Iterable<string>}; read: () => unknown}): void {
  const known = kept.get(of)
  if (known) known.set(key, written)
  else kept.set(of, new Map([[key, written]]))
  Object.defineProperty(of, key, {
    configurable: true, enumerable: true, get: read,
    set: (value: unknown) => {
      kept.get(of)?.delete(key)
      Object.defineProperty(of, key, {configurable: true, enumerable: true, writable: true, value})
    },
  })
}

export const keptOf = (of: object, key: string): {chunks(): Iterable<string>} | undefined => kept.get(of)?.get(key)
