import {keep, keptOf, KeptText} from './kept.ts'
import {endsLine, splitLines} from './lines.ts'
import type {StreamOutput} from './model.ts'

/** From this length on, in characters, a stream is kept as it will be written. */
const longFrom = 32 * 1024
/** Where the list of its lines ends in the file; the lines are one deeper. */
const margin = '\n     '

/** Adds to a stream: the text of a short one is a string, that of a long one lines of JSON, of which the last may go on. */
export function appendText(output: StreamOutput, text: string): void {
  const long = keptOf(output, 'text')
  if (long instanceof LongText) return long.add(text)
  const all = output.text + text
  if (all.length < longFrom) {
    output.text = all
    return
  }
  const lines = new LongText()
  lines.add(all)
  keep(output, 'text', {written: lines, read: () => lines.read()})
}

/** A list of lines as it will be written. A line of hundreds of megabytes is written as it comes, too. */
class LongText {
  readonly #json = new KeptText()
  #before = '['
  /** the last line goes on */
  #open = false
  /** the last character, where the next one may make another of it, or of the line's end */
  #held = ''

  add(text: string): void {
    for (let at = 0; at < text.length; at += longFrom) this.#add(this.#held + text.slice(at, at + longFrom))
  }

  #add(text: string): void {
    const whole = /[\r\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length
    this.#held = text.slice(whole)
    let json = ''
    for (const line of splitLines(text.slice(0, whole))) {
      json += this.#begun + JSON.stringify(line).slice(1, -1)
      this.#before = ','
      this.#open = !endsLine(line)
      if (!this.#open) json += '"'
    }
    this.#json.add(json)
  }

  get #begun(): string {
    return this.#open ? '' : `${this.#before}${margin} "`
  }

  /** The whole list, as it is now. */
  *chunks(): Generator<string> {
    const end = this.#held !== '' ? `${this.#begun}${JSON.stringify(this.#held).slice(1, -1)}"` : this.#open ? '"' : ''
    yield* this.#json.chunks()
    yield `${end}${margin}]`
  }

  read(): string {
    return (JSON.parse([...this.chunks()].join('')) as string[]).join('') // what was written
  }
}
