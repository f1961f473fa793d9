import {setTimeout as delay} from 'node:timers/promises'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {Attachment, type TerminalEnd} from '@cgpu/core/terminals/attachment'
import {ScreenFilter} from '@cgpu/core/terminals/filter'
import type {Terminal} from '@cgpu/core/terminals/terminals'
import {writeTo} from '../stream/sink.ts'
import {DetachKeys, type parseKeys} from './detach-keys.ts'
import {LinkNotice} from './link-notice.ts'
import {LocalTerminal} from './local-terminal.ts'

export interface VisitOptions {
  keys: ReturnType<typeof parseKeys>
  /** lets titles, the clipboard and the like through */
  raw: boolean
  quiet: boolean
}

/** More of what was typed is not taken before the machine has taken some. */
const typedBytes = 1 << 20
/** A link that is down need not come back for us to leave. */
const leaveMs = 1_000
const endOfInput = Buffer.from([4])

/** The local terminal shows a remote one, until that one ends or is left. */
export class Visit {
  readonly #attachment: Attachment
  readonly #filter: ScreenFilter
  readonly #local: LocalTerminal
  readonly #keys: DetachKeys | undefined
  readonly #notice = new LinkNotice((text) => void process.stdout.write(text))
  readonly #runtime: string
  readonly #quiet: boolean
  readonly #left = Promise.withResolvers<undefined>()
  #redo = ''

  constructor(session: RuntimeSession, terminal: Terminal, {keys, raw, quiet}: VisitOptions) {
    this.#runtime = session.record.name
    this.#quiet = quiet || !process.stdout.isTTY
    this.#filter = new ScreenFilter({raw})
    this.#local = new LocalTerminal({
      undo: () => {
        this.#redo = this.#filter.changes.redo()
        return this.#filter.changes.undo()
      },
      onInput: (data) => (this.#keys ? this.#keys.type(data) : this.#type(data)),
      // a window that was closed is no end of input; of a pipe the program is told as terminals do
      onInputEnd: () => (process.stdin.isTTY ? void this.leave() : this.#type(endOfInput)),
      onResize: (size) => this.#attachment.resize(size),
      onResume: () => {
        void this.#show(Buffer.from(this.#redo), false)
        this.#attachment.resize(this.#local.size, {redraw: true})
      },
    })
    this.#keys = keys ? new DetachKeys(keys, {pass: (data) => this.#type(data), detach: () => void this.leave()}) : undefined
    this.#attachment = new Attachment(session, terminal, {
      size: this.#local.size,
      onBegin: ({modes, missed}) => {
        if (missed > 0 && !this.#quiet) process.stdout.write(`\r\n\x1b[0;7m${missed} bytes of output are not kept any more\x1b[0m\r\n`)
        const on = this.#filter.changes.assume(modes)
        if (process.stdout.isTTY) process.stdout.write(on)
      },
      onOutput: (data, replayed) => this.#show(data, replayed),
    })
  }

  /** Until the terminal ends; undefined when it was left. Whatever happens, the local terminal is as it was before. */
  async run(): Promise<TerminalEnd | undefined> {
    this.#local.enter()
    try {
      return await Promise.race([this.#attachment.follow(), this.#left.promise])
    } finally {
      this.#keys?.close()
      this.#local.leave()
    }
  }

  /** Leaves it running; at once where the link is down. */
  async leave(): Promise<void> {
    this.#local.leave()
    await Promise.race([this.#attachment.detach().catch(() => undefined), delay(leaveMs)])
    this.#left.resolve(undefined)
  }

  /** To be told when the link is lost, and when it is back. */
  onLink(state: 'reconnecting' | 'connected'): void {
    if (this.#quiet) return
    const {cols} = this.#local.size
    if (state === 'reconnecting') {
      const leave = this.#keys ? `; ${this.#keys.shown} leaves` : ''
      this.#notice.show(`cgpu: the link to ${this.#runtime} is lost, connecting again${leave}`, {cols, fullScreen: this.#filter.changes.onOtherScreen})
    } else if (this.#notice.hide()) this.#attachment.resize(this.#local.size, {redraw: true})
  }

  #show(data: Uint8Array, replayed: boolean): void | Promise<void> {
    // bytes pass untouched where nobody looks
    return writeTo(process.stdout, process.stdout.isTTY ? this.#filter.write(data, replayed) : data)
  }

  #type(data: Uint8Array): void {
    this.#attachment.type(data)
    if (this.#attachment.waiting < typedBytes) return
    this.#local.pause()
    const look = setInterval(() => {
      if (this.#attachment.waiting >= typedBytes / 2) return
      clearInterval(look)
      this.#local.resume()
    }, 50)
    look.unref()
  }
}
