import type {ProgressEvent} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import {isLively, truncate, type Env, type Output} from './terminal.ts'

export interface ProgressOptions {
  quiet?: boolean
  stream?: Output
  env?: Env
  /** milliseconds */
  now?: () => number
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 80
const LINE_EVERY_MS = 10_000
/** What is over sooner needs no line. */
const QUIET_FIRST_MS = 300
/** A countable thing that takes this long gets lines where no line can be drawn anew. */
const LONG_MS = 1000

/** `3.0 MiB of 12.0 MiB, 1.2 MiB/s, 8 s left`: of what can be counted, how far and how long. */
export function measure({done, total}: ProgressEvent, elapsedMs: number): string {
  if (done === undefined || total === undefined || total <= 0) return ''
  const percent = Math.min(100, Math.floor((done / total) * 100))
  const left = done > 0 && done < total && elapsedMs > 1000 ? `, ${Math.ceil((elapsedMs * (total - done)) / done / 1000)} s left` : ''
  return ` ${percent}%${left}`
}

/**
 * What is going on, on stderr. A terminal gets one line that moves; anything else gets a line for each new message and then
 * one every 10 % or 10 s. Call `clear` before anything else is written to the terminal, `done` at the end.
 */
export class Progress {
  readonly #quiet: boolean
  readonly #stream: Output
  readonly #lively: boolean
  readonly #now: () => number
  #event: ProgressEvent | undefined
  #since = 0
  #lastLine = 0
  #lastTenth = 0
  #frame = 0
  #drawn = false
  #timer: NodeJS.Timeout | undefined

  constructor({quiet = false, stream = process.stderr, env = process.env, now = Date.now}: ProgressOptions = {}) {
    this.#quiet = quiet
    this.#stream = stream
    this.#lively = isLively(stream, env)
    this.#now = now
  }

  show(event: ProgressEvent): void {
    if (this.#quiet) return
    const now = this.#now()
    const fresh = event.message !== this.#event?.message
    this.#event = event
    if (fresh) {
      this.#since = now
      this.#lastTenth = 0
    }
    if (this.#lively) this.#move(event)
    // what can be counted gets its first line when it turns out to take long
    else if ((fresh && event.total === undefined) || this.#isDue(event, now)) this.#line(event, now)
  }

  /** Takes the moving line away, so that something else can be written; it comes back with its next frame. */
  clear(): void {
    if (this.#drawn) this.#stream.write('\r\u001b[K')
    this.#drawn = false
  }

  /** The end of it. More events may follow. */
  done(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.clear()
    this.#event = undefined
  }

  #isDue({done, total}: ProgressEvent, now: number): boolean {
    if (total !== undefined && now - this.#since < LONG_MS) return false
    const tenth = done !== undefined && total ? Math.floor((done / total) * 10) : 0
    if (tenth <= this.#lastTenth && now - this.#lastLine < LINE_EVERY_MS) return false
    this.#lastTenth = Math.max(tenth, this.#lastTenth)
    return true
  }

  #line(event: ProgressEvent, now: number): void {
    this.#lastLine = now
    this.#stream.write(`${this.#text(event)}\n`)
  }

  #text(event: ProgressEvent): string {
    const detail = this.#lively && event.detail !== undefined ? `: ${event.detail}` : ''
    return sanitizeLine(event.message + detail) + measure(event, this.#now() - this.#since)
  }

  /** What has come to its end has no line any more: what follows may say nothing for hours. */
  #move({done, total}: ProgressEvent): void {
    if (done !== undefined && total !== undefined && done >= total) this.done()
    else this.#animate()
  }

  #animate(): void {
    if (this.#timer) return
    const started = this.#now()
    this.#timer = setInterval(() => {
      if (this.#event && this.#now() - started >= QUIET_FIRST_MS) this.#draw(this.#event)
    }, FRAME_MS)
    this.#timer.unref()
  }

  #draw(event: ProgressEvent): void {
    const frame = frames[this.#frame++ % frames.length] ?? ''
    this.#stream.write(`\r${truncate(`${frame} ${this.#text(event)}`, (this.#stream.columns ?? 80) - 1)}\u001b[K`)
    this.#drawn = true
  }
}
