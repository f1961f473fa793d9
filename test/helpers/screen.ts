import xterm from '@xterm/headless'
import type {Terminal} from './terminal.ts'

/** What a terminal shows, by xterm.js: cursor moves, erasing and wrapping as a real one does them. */
export class Screen {
  readonly #screen: xterm.Terminal
  readonly #waiting = new Set<() => void>()
  /** as programs set it */
  title = ''

  constructor({pty}: Terminal, size: {cols?: number; rows?: number} = {}) {
    this.#screen = new xterm.Terminal({cols: size.cols ?? 80, rows: size.rows ?? 24, allowProposedApi: true, scrollback: 1_000})
    this.#screen.onTitleChange((title) => (this.title = title))
    pty.onData((data) => this.#screen.write(data, () => this.#check()))
  }

  /** The lines, also those that were scrolled away, up to the last one that is not empty. */
  lines(): string[] {
    const {active} = this.#screen.buffer
    const all = Array.from({length: active.length}, (_, row) => active.getLine(row)?.translateToString(true).trimEnd() ?? '')
    return all.slice(0, all.findLastIndex((line) => line !== '') + 1)
  }

  /** The line of the cursor, and how far it stands in it. */
  cursor(): {line: string; column: number} {
    const {active} = this.#screen.buffer
    return {line: active.getLine(active.baseY + active.cursorY)?.translateToString(true).trimEnd() ?? '', column: active.cursorX}
  }

  /** Resolves once the condition holds; rejects with what is to be seen after 15 s. */
  until(condition: (screen: this) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never true: ${String(condition)}\n${this.lines().join('\n')}\n${JSON.stringify(this.cursor())}`)), 15_000)
      const check = (): void => {
        if (!condition(this)) return
        this.#waiting.delete(check)
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  #check(): void {
    for (const check of this.#waiting) check()
  }
}
