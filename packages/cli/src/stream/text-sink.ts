import type {Display, ExecutionEvent} from '@cgpu/core/execution/events'
import {formatBytes} from '@cgpu/core/text/format'
import {sanitizeLine, TerminalFilter} from '@cgpu/core/text/terminal'
import {renderDisplay} from '../render/display.ts'
import type {Progress} from '../render/progress.ts'
import {type EventSink, writeTo} from './sink.ts'

export interface TextSinkOptions {
  quiet: boolean
  progress: Progress
  /** where images are saved when the terminal cannot show them */
  imageDir: string
}

/**
 * For people and pipes: the remote program's stdout and stderr as they are. On a terminal control sequences that could
 * harm it are made inert; into a pipe or a file bytes pass untouched.
 */
export class TextSink implements EventSink {
  readonly #options: TextSinkOptions
  readonly #filters = {
    stdout: process.stdout.isTTY ? new TerminalFilter() : undefined,
    stderr: process.stderr.isTTY ? new TerminalFilter() : undefined,
  }
  #images = 0
  #id = 'cell'
  /** the terminal's line was begun by the remote program, and is not ours to draw over */
  #midLine = false

  constructor(options: TextSinkOptions) {
    this.#options = options
  }

  onEvent = (event: ExecutionEvent): void | Promise<void> => {
    const {progress, quiet} = this.#options
    switch (event.type) {
      case 'stdout':
      case 'stderr': {
        progress.done()
        return this.#write(event.type, event.data)
      }
      case 'started':
        progress.done()
        this.#id = event.id
        return
      case 'display':
        progress.done()
        return this.#display(event.display)
      case 'progress':
        this.#endLine()
        progress.show(event)
        return
      case 'reconnecting':
        return this.#say(`connection lost (${event.reason}); reconnecting`)
      case 'reconnected':
        return this.#say('connected again')
      case 'notice':
        return this.#say(`warning: ${event.message}`)
      case 'artifact':
        return quiet ? undefined : this.#say(`${event.path} (${formatBytes(event.size)})`)
      case 'input_request':
        progress.done()
        return writeTo(process.stderr, sanitizeLine(event.prompt))
    }
  }

  async end(): Promise<void> {
    this.#options.progress.done()
    for (const name of ['stdout', 'stderr'] as const) await writeTo(process[name], this.#filters[name]?.end() ?? '')
    this.#endLine()
  }

  #write(name: 'stdout' | 'stderr', data: Uint8Array): void | Promise<void> {
    const filter = this.#filters[name]
    if (!filter) return writeTo(process[name], data)
    const shown = filter.write(data)
    if (shown !== '') this.#midLine = !shown.endsWith('\n')
    return writeTo(process[name], shown)
  }

  /** What comes next from us begins a line of its own. */
  #endLine(): void {
    if (this.#midLine && process.stderr.isTTY) process.stderr.write('\n')
    this.#midLine = false
  }

  async #display(display: Display): Promise<void> {
    const rendered = await renderDisplay(display, {
      imageDir: this.#options.imageDir, imageName: () => `cgpu-${this.#id}-${++this.#images}`, terminal: process.stdout.isTTY,
    })
    if (rendered.inline !== undefined) await writeTo(process.stdout, rendered.inline)
    if (rendered.text !== undefined) await this.#write('stdout', new TextEncoder().encode(`${rendered.text}\n`))
    if (rendered.saved !== undefined) await this.#say(`saved ${rendered.saved}`)
  }

  #say(line: string): void | Promise<void> {
    this.#options.progress.clear()
    if (this.#options.quiet && !line.startsWith('warning')) return
    this.#endLine()
    return writeTo(process.stderr, `${sanitizeLine(line, 2000)}\n`)
  }
}
