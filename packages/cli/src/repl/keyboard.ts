import {emitKeypressEvents, type Key} from 'node:readline'
import type {ReadStream} from 'node:tty'
import {type Action, actionOf, pasted} from './keys.ts'

const pasteOn = '\x1b[?2004h'
const pasteOff = '\x1b[?2004l'

/**
 * Keys from a terminal, decoded by node. They come one by one also while code runs: what is typed ahead is kept for whoever
 * reads next, and Ctrl-C is this process's SIGINT.
 */
export class Keyboard {
  readonly #input: ReadStream
  readonly #output: NodeJS.WriteStream
  readonly #queue: Action[] = []
  #over = false
  #wake: (() => void) | undefined
  /** what is being pasted, between the terminal's marks */
  #paste: string | undefined
  /** somebody reads: Ctrl-C is theirs */
  reads = false

  constructor(input: ReadStream, output: NodeJS.WriteStream) {
    this.#input = input
    this.#output = output
    emitKeypressEvents(input)
  }

  /** Keys that wait already. */
  get waiting(): number {
    return this.#queue.length
  }

  open(): void {
    this.#input.on('keypress', this.#pressed).on('end', this.#ended).on('error', this.#ended)
    this.#input.setRawMode(true)
    this.#output.write(pasteOn)
    this.#input.resume()
    process.once('exit', this.#restore)
  }

  /** The terminal is as it was: line by line, with its own Ctrl-C. */
  close(): void {
    this.#input.off('keypress', this.#pressed).off('end', this.#ended).off('error', this.#ended)
    this.#input.pause()
    process.off('exit', this.#restore)
    this.#restore()
  }

  /** Ctrl-Z: the shell has the terminal until it gives it back. */
  suspend(back: () => void): void {
    if (process.platform === 'win32') return
    this.close()
    process.once('SIGCONT', () => {
      this.open()
      back()
    })
    process.kill(process.pid, 'SIGTSTP')
  }

  /** The next key; undefined when the terminal is gone. Rejects with the signal's reason. */
  async next(signal?: AbortSignal): Promise<Action | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const first = this.#queue.shift()
      if (first || this.#over) return first
      const {promise, resolve} = Promise.withResolvers<void>()
      this.#wake = resolve
      signal?.addEventListener('abort', () => resolve(), {once: true})
      await promise
    }
  }

  readonly #restore = (): void => {
    try {
      this.#input.setRawMode(false)
    } catch {
      // the terminal is gone
    }
    this.#output.write(pasteOff)
  }

  readonly #ended = (): void => {
    this.#over = true
    this.#wake?.()
  }

  readonly #pressed = (text: string | undefined, key: Key): void => {
    // node gives these a name that its types do not know
    if (key.name === 'paste-start') this.#paste = ''
    else if (key.name === 'paste-end') {
      this.#take({type: 'paste', text: pasted(this.#paste ?? '')})
      this.#paste = undefined
    } else if (this.#paste !== undefined) this.#paste += key.sequence ?? text ?? ''
    else {
      const action = actionOf(text, key)
      if (action) this.#take(action)
    }
  }

  #take(action: Action): void {
    if (!this.reads && action.type === 'suspend') return this.suspend(() => undefined)
    if (!this.reads && action.type === 'interrupt') {
      this.#queue.length = 0
      process.emit('SIGINT')
      return
    }
    // what came together is put in together: a paste without the terminal's marks is many keys
    const last = this.#queue.at(-1)
    if (action.type === 'insert' && last?.type === 'insert') this.#queue[this.#queue.length - 1] = {type: 'insert', text: last.text + action.text}
    else this.#queue.push(action)
    this.#wake?.()
  }
}
