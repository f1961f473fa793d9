import type {ExecutionEvent} from '@cgpu/core/execution/events'
import {NdjsonEncoder} from '@cgpu/core/schema/ndjson'
import {type EventSink, writeTo} from './sink.ts'

/** One JSON object a line, in the shapes of `cgpu schema events`. What happens before the work has an id, such as waiting for a runtime, has an empty one. */
export class NdjsonSink implements EventSink {
  readonly #encoder = new NdjsonEncoder({id: ''})

  onEvent = (event: ExecutionEvent): void | Promise<void> => writeTo(process.stdout, this.#encoder.encode(event))

  async end(finish?: Parameters<EventSink['end']>[0]): Promise<void> {
    await writeTo(process.stdout, this.#encoder.flush())
    if (!finish) return
    const {id, ...body} = finish
    if (id !== '') this.#encoder.id = id
    await writeTo(process.stdout, this.#encoder.line({type: 'finished', ...body}))
  }
}
