import {truncate} from '../render/terminal.ts'

/** One line that stands on the terminal while the link is down, and leaves what was there as it was. */
export class LinkNotice {
  readonly #write: (text: string) => void
  #shown: 'below' | 'bottom' | undefined

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  /** Under the cursor's line; where a full-screen program fills the screen, on its last line, which the program has to draw again. */
  show(text: string, {cols, fullScreen}: {cols: number; fullScreen: boolean}): void {
    if (this.#shown) return
    const line = `\x1b[0;7m${truncate(text, Math.max(1, cols - 1))}\x1b[0m\x1b[K`
    this.#shown = fullScreen ? 'bottom' : 'below'
    // a line down makes room at the bottom of the screen; then the cursor's place is kept, which scrolling would spoil
    if (fullScreen) this.#write(`\x1b7\x1b[999;1H${line}\x1b8`)
    else this.#write(`\x1bD\x1b[A\x1b7\x1b[B\r${line}\x1b8`)
  }

  /** True when the program has to draw its screen again. */
  hide(): boolean {
    const shown = this.#shown
    this.#shown = undefined
    if (shown === 'below') this.#write('\x1b7\x1b[B\r\x1b[K\x1b8')
    return shown === 'bottom'
  }
}
