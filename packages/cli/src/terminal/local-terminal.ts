import {spawnSync} from 'node:child_process'
import {writeSync} from 'node:fs'
import type {Size} from '@cgpu/core/terminals/terminals'

export interface LocalEvents {
  /** what puts the terminal back as it was; asked whenever it is left */
  undo: () => string
  onInput: (data: Uint8Array) => void
  onInputEnd: () => void
  onResize: (size: Size) => void
  /** Ctrl-Z is the remote program's; this is about SIGTSTP, sent from elsewhere. `redo` brings back what `undo` took away. */
  onResume: () => void
}

/** The terminal that cgpu was started in: raw while a remote one is shown, and always as it was before afterwards. */
export class LocalTerminal {
  readonly #events: LocalEvents
  readonly #input = process.stdin
  #raw = false
  #entered = false

  constructor(events: LocalEvents) {
    this.#events = events
  }

  get size(): Size {
    const {rows, columns} = process.stdout
    return {rows: rows || 24, cols: columns || 80}
  }

  enter(): void {
    if (this.#entered) return
    this.#entered = true
    this.#setRaw(true)
    this.#input.on('data', this.#onData).once('end', this.#onEnd)
    process.stdout.on('resize', this.#onResize)
    process.on('exit', this.#restore)
    if (process.platform !== 'win32') process.on('SIGTSTP', this.#onStop).on('SIGCONT', this.#onContinue)
  }

  /** Idempotent. */
  leave(): void {
    if (!this.#entered) return
    this.#entered = false
    this.#input.off('data', this.#onData).off('end', this.#onEnd).pause()
    process.stdout.off('resize', this.#onResize)
    process.off('exit', this.#restore)
    process.off('SIGTSTP', this.#onStop).off('SIGCONT', this.#onContinue)
    this.#restore()
  }

  /** Takes no more input until `resume`: the remote program does not read. */
  pause(): void {
    this.#input.pause()
  }

  resume(): void {
    if (this.#entered) this.#input.resume()
  }

  #onData = (data: Uint8Array): void => this.#events.onInput(data)
  #onEnd = (): void => this.#events.onInputEnd()
  #onResize = (): void => this.#events.onResize(this.size)

  /** At once and without the event loop: the process may be about to end. */
  #restore = (): void => {
    const undo = this.#events.undo()
    if (process.stdout.isTTY) {
      try {
        writeSync(1, undo)
      } catch {
        // it was closed
      }
    }
    this.#setRaw(false)
  }

  #onStop = (): void => {
    this.#restore()
    process.kill(process.pid, 'SIGSTOP')
  }

  /** Whoever stopped the process has most likely changed the terminal meanwhile. */
  #onContinue = (): void => {
    this.#setRaw(false)
    this.#setRaw(true)
    this.#events.onResume()
  }

  #setRaw(on: boolean): void {
    if (!this.#input.isTTY || (on === this.#raw && on)) return
    this.#raw = on
    try {
      this.#input.setRawMode(on)
      // node leaves it to the terminal to make \r\n of \n; that is the remote one's task, and full-screen programs count on it
      if (on && process.platform !== 'win32') spawnSync('stty', ['-opost'], {stdio: ['inherit', 'ignore', 'ignore']})
    } catch {
      // the terminal is gone
    }
  }
}
