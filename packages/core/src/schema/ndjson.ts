import {isUtf8} from 'node:buffer'
import type {ExecutionEvent} from '../execution/events.ts'
import {unfinished} from '../text/utf8.ts'
import type {StreamEvent, StreamEventBody, TextPayload} from './types.ts'

export interface NdjsonOptions {
  /** of the work; '' until it has one */
  id: string
  now?: () => Date
}

/**
 * Turns what happens into the lines of `--output ndjson`, each with its newline. Output that is cut inside of a
 * UTF-8 character is put together again in the next line of the same stream, so that only output which really
 * is not UTF-8 comes as base64. Where there is no id yet, `started` brings it. `flush` before `finished`, for what was held back.
 */
export class NdjsonEncoder {
  #id: string
  readonly #now: () => Date
  readonly #held = {stdout: new Uint8Array(), stderr: new Uint8Array()}
  #seq = 0

  constructor(options: NdjsonOptions) {
    this.#id = options.id
    this.#now = options.now ?? (() => new Date())
  }

  /** The id of all lines to come. */
  set id(id: string) {
    this.#id = id
  }

  /** The line or lines of an event; '' when all of it was held back. */
  encode(event: ExecutionEvent | StreamEventBody): string {
    if (event.type === 'stdout' || event.type === 'stderr') {
      return typeof event.data === 'string' ? this.line({...event, data: event.data}) : this.#output(event.type, event.data)
    }
    if (event.type === 'display' && 'display' in event) {
      const {data, ...rest} = event.display
      return this.line({type: 'display', mime: data, ...rest})
    }
    if (event.type === 'started' && 'id' in event) {
      const {id, ...rest} = event
      if (this.#id === '') this.#id = id
      return this.line(rest)
    }
    return this.line(event)
  }

  /** One event that is complete in itself. */
  line(body: StreamEventBody): string {
    const {type, ...fields} = body
    const event = {type, ts: this.#now().toISOString(), seq: this.#seq++, id: this.#id, ...fields} as StreamEvent // a body and its stamp are an event
    return `${JSON.stringify(event)}\n`
  }

  flush(): string {
    return (['stdout', 'stderr'] as const).map(type => {
      const held = this.#held[type]
      this.#held[type] = new Uint8Array()
      return held.length === 0 ? '' : this.line({type, ...textPayload(held)})
    }).join('')
  }

  #output(type: 'stdout' | 'stderr', chunk: Uint8Array): string {
    const held = this.#held[type]
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const cut = bytes.length - unfinished(bytes)
    this.#held[type] = Uint8Array.from(bytes.subarray(cut)) // a copy: the chunk is not ours to keep
    return cut === 0 ? '' : this.line({type, ...textPayload(bytes.subarray(0, cut))})
  }
}

/** How bytes are written into JSON. */
export function textPayload(bytes: Uint8Array): TextPayload {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer) ? {data: buffer.toString('utf8')} : {data: buffer.toString('base64'), encoding: 'base64'}
}
