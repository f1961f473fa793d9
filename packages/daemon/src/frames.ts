/**
 * What travels between a command and the daemon: frames of one byte for the kind, four for the length (big endian), and the
 * body. JSON for what is said, where it is too long for one frame in parts before it; what a program prints goes as it is, because 50 MB
 * of it as base64 would cost twice.
 */
export const FrameKind = {json: 1, stdout: 2, stderr: 3, part: 4} as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

export interface Frame {
  kind: FrameKind
  body: Uint8Array
}

const headerBytes = 5
/** no frame is longer */
export const maxFrameBytes = 16 * 1024 * 1024
/** of what is said in parts */
export const maxSaidBytes = 256 * 1024 * 1024
/** before the other side has shown who it is it need not say more */
export const maxGreetingBytes = 4 * 1024

export function encodeFrame(kind: FrameKind, body: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(headerBytes + body.length)
  frame[0] = kind
  frame.writeUInt32BE(body.length, 1)
  frame.set(body, headerBytes)
  return frame
}

/** What is said, as one frame; a long one, such as a picture, as many. */
export function encodeJson(value: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(value))
  if (body.length <= maxFrameBytes) return encodeFrame(FrameKind.json, body)
  const frames: Uint8Array[] = []
  for (let at = 0; at < body.length; at += maxFrameBytes) {
    const last = at + maxFrameBytes >= body.length
    frames.push(encodeFrame(last ? FrameKind.json : FrameKind.part, body.subarray(at, at + maxFrameBytes)))
  }
  return Buffer.concat(frames)
}

const isKind = (kind: number | undefined): kind is FrameKind => kind !== undefined && kind >= FrameKind.json && kind <= FrameKind.part

/** Puts frames together from chunks that are cut anywhere. After an error it is of no use any more. */
export class FrameDecoder {
  /** of the frames to come; raised when the other side is known */
  limit: number
  #chunks: Uint8Array[] = []
  #size = 0

  constructor(limit = maxFrameBytes) {
    this.limit = limit
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next whole frame; undefined when there is none yet. Throws a RangeError for what is no frame, or too long a one. */
  next(): Frame | undefined {
    if (this.#size < headerBytes) return undefined
    const [first] = this.#chunks
    const head = first && first.length >= headerBytes ? Buffer.from(first.buffer, first.byteOffset, first.length) : this.#join()
    const kind = head[0]
    if (!isKind(kind)) throw new RangeError(`a frame of kind ${kind}`)
    const length = head.readUInt32BE(1)
    if (length > this.limit) throw new RangeError(`a frame of ${length} bytes`)
    const end = headerBytes + length
    if (this.#size < end) return undefined
    // only now: joining at every chunk would copy a long frame again and again
    const all = head.length >= end ? head : this.#join()
    this.#size -= end
    this.#chunks[0] = all.subarray(end)
    if (this.#chunks[0].length === 0) this.#chunks.shift()
    return {kind, body: all.subarray(headerBytes, end)}
  }

  #join(): Buffer {
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }
}
