import type {ExecutionEvent} from '@cgpu/core/execution/events'
import {NdjsonEncoder} from '@cgpu/core/schema/ndjson'
import {type EventSink, writeTo} from './sink.ts'

/** One JSON object a line, in the shapes of `cgpu schema events`. */
export class NdjsonSink implements EventSink {
  #encoder: NdjsonEncoder | undefined
  /** what happens before an id is known: a runtime being made */
  readonly #early: ExecutionEvent[] = []

  onEvent = (event: ExecutionEvent): void | Promise<void> => {
    if (event.type === 'started') this.#encoder ??= new NdjsonEncoder({id: event.id})
    if (!this.#encoder) {
      this.#early.push(event)
      return
    }
    const early = this.#early.splice(0).map((one) => this.#encoder?.encode(one) ?? '')
    return writeTo(process.stdout, [...early, this.#encoder.encode(event)].join(''))
  }

  async end(finish?: Parameters<EventSink['end']>[0]): Promise<void> {
    const encoder = (this.#encoder ??= new NdjsonEncoder({id: finish?.id ?? ''}))
    await writeTo(process.stdout, encoder.flush())
    if (!finish) return
    const {id: _, ...body} = finish
    await writeTo(process.stdout, encoder.line({type: 'finished', ...body}))
  }
}
