import type {Channel, Message} from './contract.ts'
import {isObject, optionalString} from './guard.ts'
import type {Json} from './guard.ts'

/** The two framings of Jupyter messages on a WebSocket, as pure functions. Specification: jupyter_server docs, "WebSocket protocols". */

export const v1Protocol = 'v1.kernel.websocket.jupyter.org'
const channels = new Set<string>(['shell', 'iopub', 'stdin', 'control'])

/** A message to be sent; the same as `Message`, without what only a kernel's message has. */
export interface Outgoing {
  channel: Channel
  header: Json
  parent_header: Json
  metadata: Json
  content: Json
  buffers: readonly Uint8Array[]
}

/** v1: u64le count of offsets, the offsets (the last is the end), then channel, header, parent, metadata, content, buffers. */
export function encodeV1(message: Outgoing): Uint8Array {
  const json = [message.header, message.parent_header, message.metadata, message.content].map(part => Buffer.from(JSON.stringify(part)))
  const parts = [Buffer.from(message.channel), ...json, ...message.buffers]
  const head = Buffer.alloc(8 * (parts.length + 2))
  head.writeBigUInt64LE(BigInt(parts.length + 1), 0)
  let offset = head.length
  parts.forEach((part, index) => {
    head.writeBigUInt64LE(BigInt(offset), 8 * (index + 1))
    offset += part.length
  })
  head.writeBigUInt64LE(BigInt(offset), 8 * (parts.length + 1))
  return Buffer.concat([head, ...parts], offset)
}

/** Default framing: JSON text, or, with buffers, u32be count of parts, their offsets, the JSON, the buffers. */
export function encodeDefault(message: Outgoing): string | Uint8Array {
  const {buffers, ...rest} = message
  if (buffers.length === 0) return JSON.stringify({...rest, buffers: []})
  const parts = [Buffer.from(JSON.stringify(rest)), ...buffers]
  const head = Buffer.alloc(4 * (parts.length + 1))
  head.writeUInt32BE(parts.length, 0)
  let offset = head.length
  parts.forEach((part, index) => {
    head.writeUInt32BE(offset, 4 * (index + 1))
    offset += part.length
  })
  return Buffer.concat([head, ...parts], offset)
}

/** Null for anything that is not a Jupyter message: a hostile or broken frame is dropped, never thrown. */
export function decode(frame: Uint8Array, binary: boolean, v1: boolean): Message | null {
  const data = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  try {
    if (v1) return decodeV1(data)
    return binary ? decodeBinary(data) : fromJson(JSON.parse(data.toString('utf8')), [])
  } catch {
    return null
  }
}

function decodeV1(data: Buffer): Message | null {
  const parts = split(data, Number(data.readBigUInt64LE(0)), index => Number(data.readBigUInt64LE(8 * (index + 1))), 8)
  const [channel, header, parent, metadata, content, ...buffers] = parts ?? []
  if (!channel || !header || !parent || !metadata || !content) return null
  const read = (part: Buffer): unknown => JSON.parse(part.toString('utf8'))
  const message = {
    channel: channel.toString('latin1'), header: read(header), parent_header: read(parent), metadata: read(metadata), content: read(content),
  }
  return fromJson(message, buffers)
}

function decodeBinary(data: Buffer): Message | null {
  const count = data.readUInt32BE(0)
  // here the end is not among the offsets
  const parts = split(data, count + 1, index => (index === count ? data.length : data.readUInt32BE(4 * (index + 1))), 4, 4 * (count + 1))
  const [json, ...buffers] = parts ?? []
  return json ? fromJson(JSON.parse(json.toString('utf8')), buffers) : null
}

/** Cuts at `count` offsets; null unless they are ascending and inside the frame. */
function split(data: Buffer, count: number, offset: (index: number) => number, width: number, head = width * (count + 1)): Buffer[] | null {
  if (!(count >= 2) || head > data.length) return null
  const parts: Buffer[] = []
  let start = offset(0)
  if (start < head) return null
  for (let index = 1; index < count; index++) {
    const end = offset(index)
    if (!(end >= start && end <= data.length)) return null
    parts.push(data.subarray(start, end))
    start = end
  }
  return parts
}

/** Only known fields are copied; servers differ in what they add, and in whether `channel` is there. */
function fromJson(value: unknown, buffers: Uint8Array[]): Message | null {
  if (!isObject(value) || !isObject(value['header'])) return null
  const header = readHeader(value['header'])
  if (!header) return null
  const parent = isObject(value['parent_header']) ? value['parent_header'] : {}
  return {
    channel: readChannel(value['channel'], header.msg_type),
    header,
    parent_header: pick(parent, ['msg_id', 'msg_type', 'session']),
    metadata: isObject(value['metadata']) ? value['metadata'] : {},
    content: isObject(value['content']) ? value['content'] : {},
    buffers,
  }
}

function readHeader(header: Json): Message['header'] | null {
  const msg_id = optionalString(header, 'msg_id')
  const msg_type = optionalString(header, 'msg_type')
  if (msg_id === undefined || msg_type === undefined) return null
  return {msg_id, msg_type, ...pick(header, ['session', 'date', 'version', 'username'])}
}

function pick<K extends string>(from: Json, keys: readonly K[]): Partial<Record<K, string>> {
  const picked: Partial<Record<K, string>> = {}
  for (const key of keys) {
    const value = optionalString(from, key)
    if (value !== undefined) picked[key] = value
  }
  return picked
}

function readChannel(channel: unknown, type: string): Channel {
  // the set holds exactly the members of Channel
  if (typeof channel === 'string' && channels.has(channel)) return channel as Channel
  if (type === 'input_request') return 'stdin'
  return type.endsWith('_reply') ? 'shell' : 'iopub'
}
