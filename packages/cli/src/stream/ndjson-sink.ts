import {isUtf8} from 'node:buffer'
import {StringDecoder} from 'node:string_decoder'
import type {ExecutionEvent} from '@cgpu/core/execution/events'
import type {StreamEventBody, TextPayload} from '@cgpu/core/schema/types'
import {type EventSink, writeTo} from './sink.ts'

/** One JSON object a line, in the shapes of `cgpu schema`. */
export class NdjsonSink implements EventSink {
  readonly #decoders = {stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8')}
  #seq = 0
  #id = ''

  onEvent = (event: ExecutionEvent): void | Promise<void> => {
    if (event.type === 'stdout' || event.type === 'stderr') {
      const payload = this.#payload(event.type, event.data)
      return payload ? this.#emit({type: event.type, ...payload}) : undefined
    }
    if (event.type === 'started') {
      const {type, id, runtime, kernel, attached} = event
      this.#id = id
      return this.#emit({type, runtime, kernel, attached})
    }
    if (event.type === 'display') {
      const {kind, data, metadata, executionCount, displayId} = event.display
      return this.#emit({type: 'display', kind, mime: data, metadata, executionCount, displayId})
    }
    return this.#emit(event)
  }

  async end(finish?: Parameters<EventSink['end']>[0]): Promise<void> {
    for (const name of ['stdout', 'stderr'] as const) {
      const rest = this.#decoders[name].end()
      if (rest !== '') await this.#emit({type: name, data: rest})
    }
    if (!finish) return
    const {id, ...body} = finish
    if (this.#id === '') this.#id = id
    await this.#emit({type: 'finished', ...body})
  }

  /** UTF-8 as text, a character cut by a chunk's end being held back; anything else as base64. */
  #payload(stream: 'stdout' | 'stderr', data: Uint8Array): TextPayload | null {
    const text = this.#decoders[stream].write(Buffer.from(data.buffer, data.byteOffset, data.length))
    if (text.includes('\ufffd') && !isUtf8(data)) return {data: Buffer.from(data).toString('base64'), encoding: 'base64'}
    return text === '' ? null : {data: text}
  }

  #emit(body: StreamEventBody): void | Promise<void> {
    const {type, ...rest} = body
    return writeTo(process.stdout, `${JSON.stringify({type, ts: new Date().toISOString(), seq: this.#seq++, id: this.#id, ...rest})}\n`)
  }
}
