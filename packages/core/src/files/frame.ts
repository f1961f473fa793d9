import {errors} from '../errors.ts'
import {isObject} from '../state/json.ts'

/** One buffer of a message of the agent's part `copy`: u32le length, that much JSON in ASCII, data. */
export function frame(header: Record<string, unknown>, pieces: readonly Uint8Array[] = []): Uint8Array {
  const head = Buffer.from(JSON.stringify(header).replaceAll(/[\u007f-\uffff]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`), 'latin1')
  const size = Buffer.alloc(4)
  size.writeUInt32LE(head.length)
  return Buffer.concat([size, head, ...pieces])
}

/** Its JSON, and its data as a view. Throws FILE_DAMAGED (69) when it is none. */
export function unframe(buffer: Uint8Array | undefined): {header: Record<string, unknown>; data: Uint8Array} {
  try {
    const bytes = Buffer.from(buffer?.buffer ?? new ArrayBuffer(0), buffer?.byteOffset, buffer?.length)
    const end = 4 + bytes.readUInt32LE(0)
    const header: unknown = JSON.parse(bytes.toString('latin1', 4, end))
    if (isObject(header) && end <= bytes.length) return {header, data: bytes.subarray(end)}
  } catch {
    // told below
  }
  throw damaged('an answer')
}

export function damaged(what: string): Error {
  return errors.network(`${what} of the machine arrived damaged`, {code: 'FILE_DAMAGED', category: 'file', fix: 'try again', retryable: true})
}

/** The lists in a list of an answer's JSON. */
export function rowsOf(header: Record<string, unknown>, name: string): unknown[][] {
  const value = header[name]
  return Array.isArray(value) ? value.filter(row => Array.isArray(row)) : []
}
