import {emitKeypressEvents, type Key} from 'node:readline'
import type {ReadStream} from 'node:tty'
import {type Action, actionOf, pasted} from './keys.ts'

const pasteOn = '\x1b[?2004h'
const pasteOff = '\x1b[?2004l'

/**
 * Keys from a terminal, decoded by node. Before `open` and after `close` the terminal is as it was: line by line, with its own
 * Ctrl-C. What was typed ahead is kept.
 */
export class Keyboard {
  readonly #input: ReadStream
  readonly #output: NodeJS.WriteStream
  readonly #queue: Action[] = []
  #open = false
  #listening = false
  #over = false
  #wake: (() => void) | undefined
  /** what is being pasted, between the terminal's marks */
  #paste: string | undefined

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
    this.#open = true
    if (!this.#listening) {
      this.#listening = true
      this.#input.on('keypress', this.#pressed).on('end', this.#ended).on('error', this.#ended)
    }
    this.#input.setRawMode(true)
    this.#output.write(pasteOn)
    this.#input.resume()
  }

  close(): void {
    this.#open = false
    this.#input.pause()
    try {
      this.#input.setRawMode(false)
    } catch {
      // the terminal is gone
    }
    this.#output.write(pasteOff)
    // keys of the same piece are still to come
    setImmediate(() => {
      if (this.#open || !this.#listening) return
      this.#listening = false
      this.#input.off('keypress', this.#pressed).off('end', this.#ended).off('error', this.#ended)
    })
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
    this.#queue.push(action)
    this.#wake?.()
  }
}
