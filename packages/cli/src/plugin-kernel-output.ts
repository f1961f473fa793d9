import type {CellRecorder} from '@cgpu/core/agent/cell'
import type {LogRecord} from '@cgpu/core/agent/log'
import {describeGap} from '@cgpu/core/execution/gap'
import {isRateNotice, OutputMerger} from '@cgpu/core/execution/output'
import type {ExecuteResult, Message} from '@cgpu/jupyter'
import type {KernelExecuteOptions, KernelMessage} from '@cgpu/plugin-sdk'

type Listeners = Pick<KernelExecuteOptions, 'onMessage' | 'onGap' | 'onReplay'>

/**
 * What code on a plugin's kernel sends. Messages are handed on as they come; when the code is over and some are missing (a server limits
 * what it sends, a link was lost), all of its output is handed on again from the machine's log. `recorder` is null where the kernel keeps none.
 */
export class KernelOutput {
  readonly #recorder: CellRecorder | null
  readonly #listeners: Listeners
  readonly #merger = new OutputMerger()
  #why: string | undefined
  #parent = ''

  constructor(recorder: CellRecorder | null, listeners: Listeners) {
    this.#recorder = recorder
    this.#listeners = listeners
  }

  fromSocket(message: Message): void | Promise<void> {
    if (isRateNotice(message)) return this.distrust('the server limits its output')
    this.#parent = message.parent_header.msg_id ?? this.#parent
    if (message.channel === 'iopub') this.#merger.fromSocket(message) // counts
    return this.#listeners.onMessage?.(plain(message))
  }

  distrust(why: string): void {
    this.#why ??= why
  }

  /** The code is over. */
  async settle(result: ExecuteResult): Promise<void> {
    if (this.#recorder === null) return this.#missing()
    const totals = await this.#recorder.end(result)
    if (totals === null) return this.#missing()
    if (this.#why === undefined && this.#merger.isComplete(totals)) return
    if (!this.#listeners.onReplay) return this.#missing()
    this.#listeners.onReplay()
    const decoders = {stdout: new TextDecoder(), stderr: new TextDecoder()}
    for await (const record of this.#recorder.records()) await this.#again(record, decoders)
    const {error} = result
    if (error) await this.#tell('error', {ename: error.name, evalue: error.value, traceback: error.traceback})
  }

  #again(record: LogRecord, decoders: Record<'stdout' | 'stderr', InstanceType<typeof TextDecoder>>): void | Promise<void> {
    const {stream} = record
    if (stream === 'stdout' || stream === 'stderr') {
      const text = decoders[stream].decode(record.payload, {stream: true})
      if (text !== '') return this.#tell('stream', {name: stream, text})
    } else if (stream === 'display') {
      const {type, content} = record.display()
      return this.#tell(type, content)
    } else if (stream === 'notice') this.#listeners.onGap?.(describeGap(record))
  }

  #tell(type: string, content: Record<string, unknown>): void | Promise<void> {
    return this.#listeners.onMessage?.({channel: 'iopub', type, parent: this.#parent, content, metadata: {}, buffers: []})
  }

  #missing(): void {
    if (this.#why !== undefined) this.#listeners.onGap?.(this.#why)
  }
}

function plain({channel, header, parent_header: parent, metadata, content, buffers}: Message): KernelMessage {
  return {channel, type: header.msg_type, parent: parent.msg_id ?? '', ...(header.date === undefined ? {} : {date: header.date}), content, metadata, buffers}
}
