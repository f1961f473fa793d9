import type {Display, ExecutionEvent} from '@cgpu/core/execution/events'
import type {EventSink} from './sink.ts'

/** Of each stream this much is put into the JSON result; the rest is counted, and is in the log on the machine. */
export const captureLimit = 1024 * 1024

export interface Captured {
  stdout: string
  stderr: string
  /** true when a stream was longer than the limit; the beginning is kept */
  truncated: boolean
  displays: Display[]
}

/** Collects an execution's output for `--json`. */
export class CaptureSink implements EventSink {
  readonly #chunks: Record<'stdout' | 'stderr', Uint8Array[]> = {stdout: [], stderr: []}
  readonly #sizes = {stdout: 0, stderr: 0}
  readonly #displays: Display[] = []
  readonly #onWarning: (message: string) => void
  #truncated = false

  constructor(onWarning: (message: string) => void) {
    this.#onWarning = onWarning
  }

  onEvent = (event: ExecutionEvent): void => {
    if (event.type === 'notice') this.#onWarning(event.message)
    if (event.type === 'display' && this.#displays.length < 1000) this.#displays.push(event.display)
    if (event.type !== 'stdout' && event.type !== 'stderr') return
    const room = captureLimit - this.#sizes[event.type]
    if (event.data.length > room) this.#truncated = true
    if (room <= 0) return
    const kept = Uint8Array.from(event.data.subarray(0, room)) // a copy: the data is a view of a received frame
    this.#chunks[event.type].push(kept)
    this.#sizes[event.type] += kept.length
  }

  async end(): Promise<void> {
    // the result is printed by the command's envelope
  }

  result(): Captured {
    const text = (name: 'stdout' | 'stderr'): string => Buffer.concat(this.#chunks[name]).toString('utf8')
    return {stdout: text('stdout'), stderr: text('stderr'), truncated: this.#truncated, displays: this.#displays}
  }
}
