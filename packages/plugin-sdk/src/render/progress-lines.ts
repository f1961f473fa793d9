import type {ProgressEvent} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import {measure, type ProgressOptions} from './progress.ts'
import {type Env, isLively, type Output, truncate} from './terminal.ts'

const FRAME_MS = 80
/** Where the terminal does not say how high it is, or says 0. */
const USUAL_ROWS = 24

/**
 * Several things that go on at once, a moving line for each, on stderr. Anything but a terminal gets nothing: show there with `Progress` how
 * far all of them are. Call `print` or `clear` before anything else is written to the terminal, `done` at the end.
 */
export class ProgressLines {
  readonly #quiet: boolean
  readonly #stream: Output & {rows?: number}
  readonly #now: () => number
  readonly #events = new Map<string, {event: ProgressEvent; since: number}>()
  #drawn = 0
  #timer: NodeJS.Timeout | undefined
  /** whether lines can move here */
  readonly lively: boolean

  constructor({quiet = false, stream = process.stderr, env = process.env, now = Date.now}: ProgressOptions & {stream?: Output & {rows?: number}; env?: Env} = {}) {
    this.lively = isLively(stream, env)
    this.#quiet = quiet || !this.lively
    this.#stream = stream
    this.#now = now
  }

  /** What the line of `key` says from now on; a new key gets a line below the others. */
  show(key: string, event: ProgressEvent): void {
    if (this.#quiet) return
    this.#events.set(key, {event, since: this.#events.get(key)?.since ?? this.#now()})
    this.#timer ??= setInterval(() => this.#draw(), FRAME_MS).unref()
  }

  /** Takes a line away. */
  end(key: string): void {
    this.#events.delete(key)
    if (this.#events.size === 0) this.done()
  }

  /** Writes a line that stays, above those that move. */
  print(line: string): void {
    this.clear()
    this.#stream.write(`${line}\n`)
  }

  /** Takes the lines away, so that something else can be written; they come back with the next frame. */
  clear(): void {
    if (this.#drawn > 0) this.#stream.write(`${this.#top()}\u001b[J`)
    this.#drawn = 0
  }

  /** The end of all of them. More may follow. */
  done(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#events.clear()
    this.clear()
  }

  /** To the beginning of what was drawn. */
  #top(): string {
    return this.#drawn > 1 ? `\r\u001b[${this.#drawn - 1}A` : '\r'
  }

  #draw(): void {
    const most = Math.max(1, (this.#stream.rows || USUAL_ROWS) - 1)
    const all = [...this.#events.values()].map(({event, since}) => this.#text(event, since))
    // more than the screen holds could not be drawn anew
    const lines = all.length <= most ? all : [...all.slice(0, most - 1), `and ${all.length - most + 1} more`]
    const width = (this.#stream.columns || 80) - 1
    this.#stream.write(`${this.#top()}${lines.map((line) => `${truncate(line, width)}\u001b[K`).join('\n')}\u001b[J`)
    this.#drawn = lines.length
  }

  #text(event: ProgressEvent, since: number): string {
    const detail = event.detail === undefined ? '' : `: ${event.detail}`
    return sanitizeLine(event.message + detail) + measure(event, this.#now() - since)
  }
}
