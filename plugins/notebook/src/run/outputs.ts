import type {KernelMessage} from '@cgpu/plugin-sdk'
import {keptData} from '../format/large-data.ts'
import {appendText} from '../format/long-stream.ts'
import {type CodeCell, type DisplayOutput, isRecord, type Metadata, type MimeBundle, type Output} from '../format/model.ts'
import {type OutputTarget, Widgets} from './widgets.ts'

/** The message as an output of a notebook; undefined for what is none. */
export function outputOf({type, content}: Pick<KernelMessage, 'type' | 'content'>): Output | undefined {
  const data: MimeBundle = isRecord(content['data']) ? content['data'] : {}
  const metadata: Metadata = isRecord(content['metadata']) ? content['metadata'] : {}
  if (type === 'stream') return {output_type: 'stream', name: textOf(content['name']), text: textOf(content['text'])}
  if (type === 'display_data' || type === 'update_display_data') return {output_type: 'display_data', data, metadata}
  if (type === 'execute_result') {
    const count = content['execution_count']
    return {output_type: 'execute_result', data, metadata, execution_count: typeof count === 'number' ? count : null}
  }
  if (type !== 'error') return undefined
  const traceback = Array.isArray(content['traceback']) ? content['traceback'].filter((line) => typeof line === 'string') : []
  return {output_type: 'error', ename: textOf(content['ename']), evalue: textOf(content['evalue']), traceback}
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Adds to the end; a stream goes on in the last output where that is of the same stream. */
export function append(outputs: Output[], output: Output): void {
  if (output.output_type !== 'stream') {
    outputs.push(output)
    return
  }
  const last = outputs.at(-1)
  if (last?.output_type === 'stream' && last.name === output.name) return appendText(last, output.text)
  outputs.push(output)
  appendText(output, '') // one message can be megabytes
}

/**
 * What a notebook's cells print, recorded as nbclient does: updates by display id reach all earlier outputs of that id in any cell,
 * a clear with `wait` happens with the next output, widgets keep their state, and outputs that a widget captures go to it.
 */
export class OutputRecorder {
  readonly widgets: Widgets
  readonly #displays = new Map<string, {cell: CodeCell; output: DisplayOutput}[]>()
  /** ids that a cell shows: of ten thousand cells each is cleared when it begins */
  readonly #shownBy = new WeakMap<CodeCell, Set<string>>()
  #clearNext = false

  /** `send`: to the kernel, by the shell channel */
  constructor(send: (type: string, content: object) => void) {
    this.widgets = new Widgets(send)
  }

  /** The cell is about to run: its former outputs go. */
  begin(cell: CodeCell): void {
    this.#clear(cell)
    this.#clearNext = false
  }

  /** True where the cell's, or another cell's, outputs changed. */
  record(cell: CodeCell, message: KernelMessage): boolean {
    const {type, content, parent} = message
    if (message.channel !== 'iopub' || type === 'status') return false
    const update = this.#updateDisplays(message)
    if (typeof content['execution_count'] === 'number') cell.execution_count = content['execution_count']
    if (type.startsWith('comm_')) {
      this.widgets.handle(message)
      return false
    }
    const target = this.widgets.targetOf(parent)
    if (type === 'clear_output') {
      const wait = content['wait'] === true
      if (target) target.clear(wait)
      else if (wait) this.#clearNext = true
      else this.#clear(cell)
      return true
    }
    if (type === 'update_display_data') return update
    const output = outputOf(message)
    if (!output) return false
    this.#append(cell, message, {output, target})
    return true
  }

  #append(cell: CodeCell, message: KernelMessage, {output, target}: {output: Output; target: OutputTarget | undefined}): void {
    if (target) return target.append(output)
    if (this.#clearNext) this.#clear(cell)
    this.#clearNext = false
    append(cell.outputs, output)
    if (!('data' in output)) return
    output.data = keptData(output.data)
    const id = displayId(message)
    if (id === undefined) return
    const shown = this.#displays.get(id)
    if (shown) shown.push({cell, output})
    else this.#displays.set(id, [{cell, output}])
    const ids = this.#shownBy.get(cell)
    if (ids) ids.add(id)
    else this.#shownBy.set(cell, new Set([id]))
  }

  #updateDisplays(message: KernelMessage): boolean {
    const id = displayId(message)
    const shown = id === undefined ? [] : (this.#displays.get(id) ?? [])
    const fresh = shown.length > 0 ? outputOf(message) : undefined
    if (!fresh || !('data' in fresh)) return false
    const data = keptData(fresh.data)
    for (const {output} of shown) Object.assign(output, {data, metadata: fresh.metadata})
    return true
  }

  #clear(cell: CodeCell): void {
    cell.outputs = []
    for (const id of this.#shownBy.get(cell) ?? []) this.#displays.set(id, (this.#displays.get(id) ?? []).filter((one) => one.cell !== cell))
    this.#shownBy.delete(cell)
  }
}

function displayId({type, content}: KernelMessage): string | undefined {
  if (type !== 'display_data' && type !== 'execute_result' && type !== 'update_display_data') return undefined
  const id = isRecord(content['transient']) ? content['transient']['display_id'] : undefined
  return typeof id === 'string' && id !== '' ? id : undefined
}
