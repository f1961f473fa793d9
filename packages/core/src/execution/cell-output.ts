import type {ExecuteResult, Message} from '@cgpu/jupyter'
import type {CellRecorder} from '../agent/cell.ts'
import type {JobStatus} from '../agent/client.ts'
import type {LogRecord} from '../agent/log.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import type {EventListener} from './events.ts'
import {followLog} from './follow-log.ts'
import {describeGap} from './gap.ts'
import {type Delivered, isRateNotice, OutputMerger} from './output.ts'

export interface CellError {
  name: string
  value: string
  /** lines as the kernel formats them, with ANSI colours */
  traceback: string[]
}

/**
 * What a cell prints, from the socket and from the log on the machine, each piece once and in order. `recorder` is null
 * where the kernel keeps no log: then a hole can only be told of.
 */
export class CellOutput {
  readonly #session: RuntimeSession
  readonly #recorder: CellRecorder | null
  readonly #onEvent: EventListener
  readonly #id: string
  readonly #merger: OutputMerger
  #following: Promise<void> | undefined
  #offset = 0
  /** number of the next message of output */
  #next = 0
  #ended: JobStatus | undefined
  #error: CellError | undefined
  #warned = false

  constructor(session: RuntimeSession, id: string, recorder: CellRecorder | null, onEvent: EventListener, delivered?: Delivered) {
    this.#merger = new OutputMerger(delivered)
    this.#session = session
    this.#id = id
    this.#recorder = recorder
    this.#onEvent = onEvent
  }

  get delivered(): Delivered {
    return this.#merger.delivered
  }

  /** The error that ended the cell, as far as the output told of one. */
  get error(): CellError | undefined {
    return this.#error
  }

  /** By the machine's own account: 0 it succeeded, 1 it failed. Undefined when it had not to be asked, or does not know. */
  get exitCode(): number | undefined {
    return this.#ended?.exitCode ?? undefined
  }

  fromSocket(message: Message): void | Promise<void> {
    if (isRateNotice(message)) return this.distrust('the server limits its output')
    if (message.header.msg_type === 'error') this.#error = cellError(message.content)
    // the cell was not known to the machine when the log was asked for: now it runs
    if (this.#merger.source === 'log') return this.#follow()
    // a server that cannot keep up loses messages without a word: what was shown is still a beginning of the log
    if (this.#isAfterHole(message)) return this.distrust('messages of the kernel were lost on the way')
    const piece = this.#merger.fromSocket(message)
    if (piece) return this.#onEvent(piece)
  }

  /** The agent counts what a cell sends. */
  #isAfterHole({metadata}: Message): boolean {
    const number = metadata['cgpu_n']
    if (typeof number !== 'number') return false
    const hole = number !== this.#next
    this.#next = number + 1
    return hole
  }

  /** From here on the socket may have holes: the log is read, from where the socket left off. */
  distrust(why: string): void {
    if (this.#recorder === null) return this.#warn(`${why}; output of this kernel may be missing`)
    this.#merger.switchToLog()
    this.#follow()
  }

  /**
   * The cell is over: what was shown is compared with what the machine has, and what is missing is shown.
   * False: the machine never heard of the cell, so that it can be sent again.
   */
  async settle(result: ExecuteResult): Promise<boolean> {
    if (this.#recorder === null) return true
    if (this.#merger.source === 'log') return this.#settleByLog(result)
    const totals = await this.#recorder.end(result)
    // swallowed by a kernel in its last moments: neither the kernel nor the machine has seen it
    if (totals === null && result.replyLost && !result.started) return false
    // null: the kernel was new to the agent after all (restarted just before); the socket is all there is
    if (totals === null || this.#merger.isComplete(totals)) return true
    this.#merger.switchToLog()
    for await (const record of this.#recorder.records()) await this.#fromLog(record)
    return true
  }

  /** Without a socket: what was not seen before is read from the log until the cell is over. False: the machine knows of no such cell. */
  async fromLogOnly(): Promise<boolean> {
    this.#merger.switchToLog()
    this.#follow()
    await this.#following
    return this.#ended !== undefined
  }

  /** The kernel is gone: what it printed before is in its log. */
  async salvage(): Promise<void> {
    if (this.#recorder === null) return
    this.#merger.switchToLog()
    this.#follow()
    // the machine may be gone with its log; the caller reports why
    await this.#following?.catch(() => undefined)
  }

  async #settleByLog(result: ExecuteResult): Promise<boolean> {
    await this.#following
    if (this.#ended) return true
    this.#follow()
    await this.#following
    if (this.#ended) return true
    if (!result.started) return false
    this.#warn('the machine kept no log of this cell; output may be missing')
    return true
  }

  #follow(): void {
    if (this.#following || this.#ended) return
    this.#following = this.#read()
    this.#following.catch(() => undefined) // awaited when the cell is over
  }

  async #read(): Promise<void> {
    const status = await followLog(this.#session, this.#id, {
      offset: this.#offset,
      onRecord: (record) => {
        this.#offset = record.endOffset
        return this.#fromLog(record)
      },
    })
    if (status) this.#ended = status
    else this.#following = undefined
  }

  #fromLog(record: LogRecord): void | Promise<void> {
    if (record.stream === 'notice') return this.#onEvent({type: 'notice', code: 'LOG_GAP', message: describeGap(record)})
    if (record.stream === 'stdout' || record.stream === 'stderr') {
      const piece = this.#merger.bytesFromLog(record.stream, record.payload)
      return piece ? this.#onEvent(piece) : undefined
    }
    if (record.stream !== 'display') return
    const {type, content} = record.display()
    if (type === 'error') this.#error = cellError(content)
    const piece = this.#merger.displayFromLog(type, content)
    if (piece) return this.#onEvent(piece)
  }

  #warn(message: string): void {
    if (this.#warned) return
    this.#warned = true
    const told = async (): Promise<void> => this.#onEvent({type: 'notice', code: 'OUTPUT_INCOMPLETE', message})
    told().catch(() => undefined) // a reader that fails shows at the next piece of output
  }
}

function cellError(content: Record<string, unknown>): CellError {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const lines = content['traceback']
  return {
    name: text(content['ename']),
    value: text(content['evalue']),
    traceback: Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [],
  }
}
