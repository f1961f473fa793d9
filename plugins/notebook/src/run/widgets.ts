import type {KernelMessage} from '@cgpu/plugin-sdk'
import {isRecord, type Metadata, type Output} from '../format/model.ts'

export const widgetMime = 'application/vnd.jupyter.widget-state+json'

interface BufferRecord {
  data: string
  encoding: 'base64'
  path: unknown
}

interface Model {
  state: Record<string, unknown>
  /** by their path in the state */
  buffers: Map<string, BufferRecord>
}

/** Where a widget has outputs go instead of the cell. */
export interface OutputTarget {
  append(output: Output): void
  clear(wait: boolean): void
}

/** An Output widget: captures what an execution prints while its `msg_id` names it, and tells the kernel what it shows. */
class OutputWidget implements OutputTarget {
  msgId = ''
  readonly #state: Record<string, unknown>
  readonly #sync: (state: object) => void
  #outputs: Output[] = []
  #clearNext = false

  constructor(state: Record<string, unknown>, sync: (state: object) => void) {
    this.#state = state
    this.#sync = sync
  }

  append(output: Output): void {
    if (this.#clearNext) this.#outputs = []
    this.#clearNext = false
    const last = this.#outputs.at(-1)
    // all of it goes to the kernel each time: it is better at hand
    if (last?.output_type === 'stream' && output.output_type === 'stream' && last.name === output.name) last.text += output.text
    else this.#outputs.push(output)
    this.#changed()
  }

  clear(wait: boolean): void {
    if (wait) {
      this.#clearNext = true
      return
    }
    this.#outputs = []
    this.#changed()
  }

  #changed(): void {
    this.#state['outputs'] = this.#outputs
    this.#sync({outputs: this.#outputs})
  }
}

/** The widgets that the kernel's code made: their state for the file, and those that capture outputs. */
export class Widgets {
  readonly #models = new Map<string, Model>()
  readonly #captures = new Map<string, OutputWidget>()
  /** by the execution that they capture; the last one wins */
  readonly #hooks = new Map<string, OutputWidget[]>()
  readonly #send: (type: string, content: object) => void

  constructor(send: (type: string, content: object) => void) {
    this.#send = send
  }

  handle({type, content, buffers}: KernelMessage): void {
    const {comm_id: id, data, target_name: target} = content
    if (typeof id !== 'string' || !isRecord(data)) return
    const state = isRecord(data['state']) ? data['state'] : undefined
    if (state) this.#keep(id, state, {paths: data['buffer_paths'], buffers})
    if (type === 'comm_open' && target === 'jupyter.widget' && state) this.#open(id, state)
    const widget = this.#captures.get(id)
    if (type === 'comm_msg' && widget && state && 'msg_id' in state) this.#capture(widget, state['msg_id'])
  }

  targetOf(execution: string): OutputTarget | undefined {
    return this.#hooks.get(execution)?.at(-1)
  }

  /** For `metadata.widgets`; undefined where no widget was made. */
  metadata(): Metadata | undefined {
    if (this.#models.size === 0) return undefined
    const state = [...this.#models].filter(([, model]) => '_model_name' in model.state).map(([id, model]) => [id, saved(model)])
    return {[widgetMime]: {state: Object.fromEntries(state), version_major: 2, version_minor: 0}}
  }

  #keep(id: string, state: Record<string, unknown>, {paths, buffers}: {paths: unknown; buffers: Uint8Array[]}): void {
    const model = this.#models.get(id) ?? {state: {}, buffers: new Map()}
    this.#models.set(id, model)
    Object.assign(model.state, state)
    for (const [index, path] of (Array.isArray(paths) ? paths : []).entries()) {
      const buffer = buffers[index]
      if (buffer) model.buffers.set(JSON.stringify(path), {data: Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength).toString('base64'), encoding: 'base64', path})
    }
  }

  #open(id: string, state: Record<string, unknown>): void {
    if (state['_model_module'] !== '@jupyter-widgets/output' || state['_model_name'] !== 'OutputModel') return
    const kept = this.#models.get(id)?.state ?? {}
    this.#captures.set(id, new OutputWidget(kept, (changed) => this.#send('comm_msg', {comm_id: id, data: {method: 'update', state: changed, buffer_paths: []}})))
  }

  #capture(widget: OutputWidget, msgId: unknown): void {
    if (typeof msgId === 'string' && msgId !== '') {
      this.#hooks.set(msgId, [...(this.#hooks.get(msgId) ?? []), widget])
      widget.msgId = msgId
      return
    }
    const hooks = this.#hooks.get(widget.msgId) ?? []
    this.#hooks.set(widget.msgId, hooks.filter((_, index) => index !== hooks.lastIndexOf(widget)))
    widget.msgId = ''
  }
}

function saved({state, buffers}: Model): Metadata {
  return {
    model_name: state['_model_name'], model_module: state['_model_module'], model_module_version: state['_model_module_version'], state,
    ...(buffers.size > 0 ? {buffers: [...buffers.values()]} : {}),
  }
}
