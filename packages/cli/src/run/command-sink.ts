import {CaptureSink, type Captured} from '../stream/capture-sink.ts'
import type {EventSink} from '../stream/sink.ts'

export type CommandSink = EventSink & {kind: 'text' | 'json' | 'ndjson'; captured?: () => Captured}

export interface CommandSinkOptions {
  quiet: boolean
  /** where images are saved */
  imageDir: string
  onWarning: (message: string) => void
}

/** Where a command's events go: `json` collects, `ndjson` prints a line an event, else people read along. */
export async function commandSink(kind: CommandSink['kind'], options: CommandSinkOptions): Promise<CommandSink> {
  return onceEnded(await make(kind, options))
}

async function make(kind: CommandSink['kind'], {quiet, imageDir, onWarning}: CommandSinkOptions): Promise<CommandSink> {
  if (kind === 'json') {
    const capture = new CaptureSink(onWarning)
    return {kind, onEvent: capture.onEvent, end: () => capture.end(), captured: () => capture.result()}
  }
  if (kind === 'ndjson') {
    const {NdjsonSink} = await import('../stream/ndjson-sink.ts')
    const lines = new NdjsonSink()
    return {kind, onEvent: lines.onEvent, end: (finish) => lines.end(finish)}
  }
  const [{TextSink}, {Progress}] = await Promise.all([import('../stream/text-sink.ts'), import('../render/progress.ts')])
  const text = new TextSink({quiet, progress: new Progress({quiet}), imageDir})
  return {kind, onEvent: text.onEvent, end: () => text.end()}
}

/** Ending it again does nothing: a command ends it with its result, or the report of an error does. Nothing comes after the end. */
function onceEnded(sink: CommandSink): CommandSink {
  let ended = false
  return {
    ...sink,
    onEvent: (event) => (ended ? undefined : sink.onEvent(event)),
    end: async (finish) => {
      if (ended) return
      ended = true
      await sink.end(finish)
    },
  }
}
