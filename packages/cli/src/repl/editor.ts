import type {Completions} from '@cgpu/core/kernels/introspect'
import {type Buffer, bufferOf, emptyBuffer, insert, left, lineAt, replace, right, spaceLeft, vertical, wordLeft, wordRight} from './buffer.ts'
import {columnsOf, commonStart} from './choices.ts'
import {longest} from './highlight.ts'
import type {Keyboard} from './keyboard.ts'
import type {Action} from './keys.ts'
import {type Frame, layout, type Span, windowOf} from './layout.ts'
import {Painter} from './painter.ts'
import type {Recall} from './recall.ts'
import {Search} from './search.ts'

export interface ReadOptions {
  prompt: string
  /** what stands there already */
  text?: string
  /** before further lines */
  more?: string
  highlight?: (text: string) => Span[]
  /** nothing of what is typed is shown */
  hidden?: boolean
  recall?: Recall
  complete?: (text: string, cursor: number) => Promise<Completions | undefined>
  /** What Enter does at the end: undefined takes the text as it is, else the line is continued with this indentation. */
  continues?: (text: string) => Promise<string | undefined>
  /** rejects with its reason */
  signal?: AbortSignal
}

/** What was typed. `eof`: Ctrl-D on an empty line, or the terminal is gone. */
export type Typed = {type: 'text'; text: string} | {type: 'interrupt'} | {type: 'eof'}

const undoSteps = 200

/** Reads lines from a terminal: editing, history, search, completion. One read at a time. */
export class Editor {
  readonly #keyboard: Keyboard
  readonly #output: NodeJS.WriteStream
  readonly #painter: Painter
  readonly #colour: boolean
  #options: ReadOptions | undefined
  #buffer = emptyBuffer
  #undo: Buffer[] = []
  #killed = ''
  #below: string[] = []
  #search: Search | undefined
  /** where in the recall; -1: in what was typed itself */
  #recalled = -1
  #typed = ''

  constructor({keyboard, output, colour}: {keyboard: Keyboard; output: NodeJS.WriteStream; colour: boolean}) {
    this.#keyboard = keyboard
    this.#output = output
    this.#painter = new Painter(output)
    this.#colour = colour
  }

  async read(options: ReadOptions): Promise<Typed> {
    this.#options = options
    this.#buffer = bufferOf(options.text ?? '')
    this.#undo = []
    this.#below = []
    this.#search = undefined
    this.#recalled = -1
    this.#keyboard.reads = true
    this.#output.on('resize', this.#resized)
    try {
      return await this.#loop(options)
    } finally {
      this.#options = undefined
      this.#output.off('resize', this.#resized)
      this.#painter.erase()
      this.#keyboard.reads = false
    }
  }

  /** Somebody is asked for something. */
  get reads(): boolean {
    return this.#options !== undefined
  }

  /** Lets others write, above what is being typed: they end with a whole line. */
  async aside(write: () => void | Promise<void>): Promise<void> {
    this.#painter.erase()
    await write()
    if (this.#options) this.#paint()
  }

  /** Shows something else, above what is being typed. */
  above(text: string): void {
    this.#painter.erase()
    this.#output.write(text)
    if (this.#options) this.#paint()
  }

  async #loop(options: ReadOptions): Promise<Typed> {
    for (;;) {
      // of keys that came together only the last one's picture is drawn
      if (this.#keyboard.waiting === 0) this.#paint()
      const action = await this.#keyboard.next(options.signal)
      if (!action) return {type: 'eof'}
      this.#below = []
      const typed = await this.#act(action, options)
      if (typed) return typed
    }
  }

  async #act(action: Action, options: ReadOptions): Promise<Typed | undefined> {
    if (this.#search && this.#searching(this.#search, action)) return undefined
    switch (action.type) {
      case 'accept': return this.#accept(options)
      case 'complete': return this.#complete(options)
      case 'eof':
        if (this.#buffer.text === '') return this.#leave({type: 'eof'})
        return this.#delete(right(this.#buffer))
      case 'interrupt': return this.#leave({type: 'interrupt'}, '^C')
      case 'suspend': return this.#suspend()
      case 'clear-screen':
        this.#painter.clearScreen()
        return
      case 'search':
        if (options.recall) this.#search = new Search(options.recall, this.#buffer)
        return
      case 'newline': return this.#change(insert(this.#buffer, `\n${this.#indentation()}`))
      case 'insert':
      case 'paste': return this.#change(insert(this.#buffer, action.text))
      case 'yank': return this.#change(insert(this.#buffer, this.#killed))
      case 'move':
        this.#move(action.to, options)
        return
      case 'recall':
        this.#recall(-action.by, options)
        return
      case 'delete': return this.#delete(this.#target(action.to), !['left', 'right'].includes(action.to))
      case 'undo': {
        const before = this.#undo.pop()
        if (before) this.#buffer = before
        return
      }
      case 'cancel': return
    }
  }

  async #accept({continues}: ReadOptions): Promise<Typed | undefined> {
    const {text, cursor} = this.#buffer
    const rest = text.slice(cursor)
    if (continues && text.trim() !== '') {
      const indent = rest.includes('\n') && rest.trim() !== '' ? this.#indentation() : await continues(text)
      if (indent !== undefined) return this.#change(insert(this.#buffer, `\n${indent}`))
    }
    return this.#leave({type: 'text', text})
  }

  #leave(typed: Typed, mark = ''): Typed {
    this.#buffer = bufferOf(this.#buffer.text)
    const frame = this.#frame(Number.MAX_SAFE_INTEGER)
    const last = frame.rows.pop() ?? ''
    this.#painter.leave({...frame, rows: [...frame.rows, last + mark]})
    return typed
  }

  async #complete({complete}: ReadOptions): Promise<undefined> {
    if (!complete) return
    const {start} = lineAt(this.#buffer)
    const {text, cursor} = this.#buffer
    if (text.slice(start, cursor).trim() === '') return this.#change(insert(this.#buffer, '    '))
    const found = await complete(text, cursor)
    if (!found || found.matches.length === 0) return void this.#output.write('\x07')
    const {matches, start: from, end} = found
    const common = commonStart(matches)
    const typed = text.slice(from, end)
    if (matches.length === 1 || (common.length > typed.length && common.startsWith(typed))) this.#change(replace(this.#buffer, from, end, common))
    if (matches.length > 1) this.#below = columnsOf(matches, this.#columns - 1, Math.max(3, Math.floor(this.#height / 2)))
  }

  #move(to: Extract<Action, {type: 'move'}>['to'], options: ReadOptions): void {
    if (to === 'up' || to === 'down') {
      const by = to === 'up' ? -1 : 1
      const at = vertical(this.#buffer, by)
      if (at === undefined) this.#recall(-by, options)
      else this.#buffer = {...this.#buffer, cursor: at}
    } else this.#buffer = {...this.#buffer, cursor: this.#target(to)}
  }

  #target(to: 'left' | 'right' | 'word-left' | 'word-right' | 'space-left' | 'line-start' | 'line-end' | 'start' | 'end'): number {
    const buffer = this.#buffer
    const {start, end} = lineAt(buffer)
    switch (to) {
      case 'left': return left(buffer)
      case 'right': return right(buffer)
      case 'word-left': return wordLeft(buffer)
      case 'word-right': return wordRight(buffer)
      case 'space-left': return spaceLeft(buffer)
      case 'line-start': return start
      case 'line-end': return end
      case 'start': return 0
      case 'end': return buffer.text.length
    }
  }

  #delete(to: number, keep = false): undefined {
    const {text, cursor} = this.#buffer
    const {start} = lineAt(this.#buffer)
    const before = text.slice(start, cursor)
    // one step of indentation at once
    const indent = to === cursor - 1 && before.length > 0 && before.length % 4 === 0 && before.trim() === ''
    const [from, end] = [Math.min(indent ? cursor - 4 : to, cursor), Math.max(to, cursor)]
    if (from === end) return
    if (keep) this.#killed = text.slice(from, end)
    this.#change(replace(this.#buffer, from, end, ''))
  }

  #recall(by: number, {recall}: ReadOptions): void {
    if (!recall) return
    const index = this.#recalled + by
    if (index < -1) return
    const text = index === -1 ? this.#typed : recall.at(index)
    if (text === undefined) return
    if (this.#recalled === -1) this.#typed = this.#buffer.text
    this.#recalled = index
    this.#change(bufferOf(text))
  }

  /** True: the key was one of the search; false: the search is over, and the key means what it always does. */
  #searching(search: Search, action: Action): boolean {
    const searched = search.take(action)
    this.#buffer = searched?.buffer ?? bufferOf(this.#buffer.text)
    if (!searched || searched.over) this.#search = undefined
    if (searched?.missed) this.#output.write('\x07')
    return searched !== undefined
  }

  #indentation(): string {
    const {start} = lineAt(this.#buffer)
    return /^[ \t]*/.exec(this.#buffer.text.slice(start, this.#buffer.cursor))?.[0] ?? ''
  }

  #change(to: Buffer): undefined {
    this.#undo.push(this.#buffer)
    if (this.#undo.length > undoSteps) this.#undo.shift()
    this.#buffer = to
  }

  #suspend(): undefined {
    this.#painter.leave(this.#frame())
    this.#keyboard.suspend(() => this.#paint())
  }

  readonly #resized = (): void => this.#paint()

  #paint(): void {
    this.#painter.paint(this.#frame())
  }

  get #columns(): number {
    return this.#output.columns || 80
  }

  get #height(): number {
    return this.#output.rows || 24
  }

  #frame(height = this.#height): Frame {
    const {prompt = '', more = '', hidden, highlight} = this.#options ?? {}
    const {text, cursor} = this.#buffer
    const search = this.#search
    const columns = this.#columns
    const shown = hidden ? '' : text
    const at = Math.min(cursor, shown.length)
    // colours need the whole text; a long one has none, and is not gone through for every key
    const {from, to} = shown.length > longest ? windowOf(shown, at, {columns, height}) : {from: 0, to: shown.length}
    const part = shown.slice(from, to)
    return layout({
      prompt: search ? `(search) ${search.query}: ` : prompt, more, spans: highlight && shown.length <= longest ? highlight(part) : [{text: part}],
      cursor: at - from, below: this.#below, columns, height, colour: this.#colour,
    })
  }
}
