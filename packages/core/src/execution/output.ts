import type {Message} from '@cgpu/jupyter'
import {displayOf, type Display} from './events.ts'

/** How much of an execution's output has reached the user. */
export interface Delivered {
  stdoutBytes: number
  stderrBytes: number
  displays: number
}

/** One piece of output, ready to be shown. */
export type OutputPiece =
  | {type: 'stdout' | 'stderr'; data: Uint8Array}
  | {type: 'display'; display: Display}

const encoder = new TextEncoder()
// Said by the server (not the kernel) on stderr exactly where it begins to drop messages: zmqhandlers' rate limiter.
const dropped = /^\s*IOPub (data|message) rate exceeded\.\n\s*The (Jupyter|notebook) server will temporarily stop sending output/

/** True when the server tells that from here on it throws this execution's output away. */
export function isRateNotice(message: Message): boolean {
  return (
    message.header.msg_type === 'stream' &&
    message.content['name'] === 'stderr' &&
    typeof message.content['text'] === 'string' &&
    dropped.test(message.content['text'])
  )
}

/**
 * Joins the two sources of an execution's output: the socket (fast, may have holes) and the log on the machine
 * (complete). Everything before the first hole comes from the socket; from there on only the log is believed,
 * from where the socket left off. So nothing is lost, nothing is shown twice, and the order is the program's.
 */
export class OutputMerger {
  readonly delivered: Delivered
  #source: 'socket' | 'log' = 'socket'
  #skip: Delivered = {stdoutBytes: 0, stderrBytes: 0, displays: 0}

  /** `delivered`: what the user has seen before. */
  constructor(delivered: Delivered = {stdoutBytes: 0, stderrBytes: 0, displays: 0}) {
    this.delivered = {...delivered}
  }

  get source(): 'socket' | 'log' {
    return this.#source
  }

  /** The socket can no longer be trusted to be complete. The log is to be read from its start. */
  switchToLog(): void {
    if (this.#source === 'log') return
    this.#source = 'log'
    this.#skip = {...this.delivered}
  }

  /** A message from the socket: what to show of it. */
  fromSocket(message: Message): OutputPiece | null {
    if (this.#source === 'log') return null
    const {msg_type: type} = message.header
    if (type === 'stream') {
      const {name, text} = message.content
      if (typeof text !== 'string') return null
      return this.#count(name === 'stderr' ? 'stderr' : 'stdout', encoder.encode(text))
    }
    const display = displayOf(type, message.content)
    return display ? this.#countDisplay(display) : null
  }

  /** A stdout or stderr record of the log: what of it was not shown yet. */
  bytesFromLog(stream: 'stdout' | 'stderr', data: Uint8Array): OutputPiece | null {
    const key = stream === 'stdout' ? 'stdoutBytes' : 'stderrBytes'
    const skipped = Math.min(this.#skip[key], data.length)
    this.#skip[key] -= skipped
    return skipped === data.length ? null : this.#count(stream, skipped ? data.subarray(skipped) : data)
  }

  /** A display record of the log: null when it was shown before. */
  displayFromLog(kind: string, content: Record<string, unknown>): OutputPiece | null {
    const display = displayOf(kind, content)
    if (!display) return null
    if (this.#skip.displays > 0) {
      this.#skip.displays--
      return null
    }
    return this.#countDisplay(display)
  }

  /** True when the machine's log holds no more than what was shown. */
  isComplete(totals: Delivered): boolean {
    return (
      totals.stdoutBytes <= this.delivered.stdoutBytes &&
      totals.stderrBytes <= this.delivered.stderrBytes &&
      totals.displays <= this.delivered.displays
    )
  }

  #count(stream: 'stdout' | 'stderr', data: Uint8Array): OutputPiece {
    this.delivered[stream === 'stdout' ? 'stdoutBytes' : 'stderrBytes'] += data.length
    return {type: stream, data}
  }

  #countDisplay(display: Display): OutputPiece {
    this.delivered.displays++
    return {type: 'display', display}
  }
}
