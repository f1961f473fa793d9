import {displayOf} from '@cgpu/core/execution/events'
import {sanitizeText} from '@cgpu/core/text/terminal'
import type {OtherMessage} from '@cgpu/jupyter'
import {renderDisplay} from '../render/display.ts'
import {style} from '../render/terminal.ts'
import {formatTraceback} from '../render/traceback.ts'

export interface OtherCellsOptions {
  /** whole lines, clean, for the terminal */
  show: (text: string) => void
  colour: boolean
  imageDir: string
}

/** What the kernel prints for other clients, marked line by line; and for threads of cells of ours that are over, unmarked. */
export class OtherCells {
  readonly #options: OtherCellsOptions
  /** begun lines, by the cell that prints them */
  readonly #partial = new Map<string, string>()
  #images = 0

  constructor(options: OtherCellsOptions) {
    this.#options = options
  }

  async take({message, foreign}: OtherMessage): Promise<void> {
    const {content, header: {msg_type: type}, parent_header: {msg_id: cell = ''}} = message
    const text = (value: unknown): string => (typeof value === 'string' ? value : '')
    switch (type) {
      case 'execute_input':
        if (foreign) this.#code(text(content['code']))
        return
      case 'stream': return this.#stream(cell, text(content['text']), foreign)
      case 'error':
        this.#flush(cell, foreign)
        return this.#lines(formatTraceback({name: text(content['ename']), value: text(content['evalue']), traceback: strings(content['traceback'])}).trimEnd(), foreign)
      case 'status':
        if (content['execution_state'] === 'idle') this.#flush(cell, foreign)
        return
    }
    const display = displayOf(type, content)
    if (!display) return
    this.#flush(cell, foreign)
    const {inline, text: shown, saved} = await renderDisplay(display, {
      imageDir: this.#options.imageDir, imageName: () => `cgpu-other-${cell}-${++this.#images}`, terminal: true,
    })
    if (inline !== undefined) this.#options.show(inline)
    if (shown !== undefined) this.#lines(shown, foreign)
    if (saved !== undefined) this.#lines(`saved ${saved}`, foreign)
  }

  #code(code: string): void {
    const {show, colour} = this.#options
    const [first = '', ...rest] = sanitizeText(code).split('\n')
    show([`other> ${first}`, ...rest.map((line) => `     | ${line}`)].map((line) => `${style(line, 'dim', colour)}\n`).join(''))
  }

  #stream(cell: string, text: string, foreign: boolean): void {
    const whole = (this.#partial.get(cell) ?? '') + text
    const end = whole.lastIndexOf('\n')
    if (end !== -1) this.#lines(whole.slice(0, end), foreign)
    // a line without an end is not kept for ever
    const rest = whole.slice(end + 1)
    if (rest.length > 64 * 1024) this.#lines(rest, foreign)
    this.#partial.set(cell, rest.length > 64 * 1024 ? '' : rest)
  }

  #flush(cell: string, foreign: boolean): void {
    const rest = this.#partial.get(cell)
    this.#partial.delete(cell)
    if (rest) this.#lines(rest, foreign)
  }

  #lines(text: string, foreign: boolean): void {
    const {show, colour} = this.#options
    const mark = foreign ? style('| ', 'dim', colour) : ''
    // of a line that was drawn over only what is left of it
    show(sanitizeText(text).split('\n').map((line) => `${mark}${/[^\r]*\r*$/.exec(line)?.[0].replaceAll('\r', '') ?? ''}\n`).join(''))
  }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
