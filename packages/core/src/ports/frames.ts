/** What connections over one tunnel say; see docs/agent-protocol.md, "Ports". */
export const FrameKind = {open: 1, data: 2, eof: 3, reset: 4, credit: 5} as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

export interface Frame {
  kind: FrameKind
  /** which connection it is of */
  connection: number
  payload: Uint8Array
}

/** u8 kind | u32le connection | u32le payload length */
export const frameHeaderBytes = 9
const kinds = new Set<number>(Object.values(FrameKind))

export function frameHeader(kind: FrameKind, connection: number, length: number): Uint8Array {
  const header = Buffer.allocUnsafe(frameHeaderBytes)
  header.writeUInt8(kind, 0)
  header.writeUInt32LE(connection, 1)
  header.writeUInt32LE(length, 5)
  return header
}

/** Whole frames of a batch, their payloads views of it. Throws RangeError for anything else. */
export function framesOf(batch: Uint8Array): Frame[] {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength)
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < frameHeaderBytes) throw new RangeError('a frame is cut off')
    const kind = bytes.readUInt8(at)
    const connection = bytes.readUInt32LE(at + 1)
    const length = bytes.readUInt32LE(at + 5)
    at += frameHeaderBytes
    if (!isKind(kind) || bytes.length - at < length) throw new RangeError('not a frame')
    frames.push({kind, connection, payload: bytes.subarray(at, at + length)})
    at += length
  }
  return frames
}

export function creditPayload(bytes: number): Uint8Array {
  const payload = Buffer.allocUnsafe(4)
  payload.writeUInt32LE(bytes)
  return payload
}

/** 0 where it is none. */
export function creditOf(payload: Uint8Array): number {
  return payload.length === 4 ? new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true) : 0
}

function isKind(value: number): value is FrameKind {
  return kinds.has(value)
}
