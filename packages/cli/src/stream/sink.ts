import type {ExecutionEvent} from '@cgpu/core/execution/events'

/** Where an execution's events go: people, a JSON result, or a line an event. */
export interface EventSink {
  onEvent: (event: ExecutionEvent) => void | Promise<void>
  /** the execution is over; `finish` belongs to ndjson's last line */
  end: (finish?: {id: string; exitStatus: number; durationSeconds: number; status?: string; error?: {name?: string; code?: string; message: string; traceback?: string[]}}) => Promise<void>
}

/** Writes and waits while the reader is slow, so that nothing piles up in memory. */
export function writeTo(stream: NodeJS.WriteStream, data: Uint8Array | string): void | Promise<void> {
  if (data.length === 0 || stream.destroyed || stream.write(data)) return
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off('drain', go)
      stream.off('close', go)
      stream.off('error', go)
      resolve()
    }
    stream.once('drain', go)
    stream.once('close', go)
    stream.once('error', go)
  })
}
