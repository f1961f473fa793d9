import {spawn, type IPty} from '@lydell/node-pty'
import {cgpuBin, type SealedHome} from './cli.ts'

export interface TerminalOptions {
  home: SealedHome
  env?: Record<string, string>
  cols?: number
  /** run instead of the CLI, with these arguments */
  program?: string
}

/** The built CLI, or another program, on a terminal of 80 columns and 24 rows that shows colours and moving lines. */
export class Terminal {
  readonly pty: IPty
  /** everything that was written to it */
  output = ''
  readonly exit: Promise<{exitCode: number; signal?: number | undefined}>
  readonly #waiting = new Set<() => void>()
  #ended = false

  constructor(args: readonly string[], {home, env = {}, cols = 80, program}: TerminalOptions) {
    const {NO_COLOR: _, ...rest} = home.env
    this.pty = spawn(program ?? process.execPath, [...(program === undefined ? [cgpuBin] : []), ...args], {
      name: env['TERM'] ?? 'xterm-256color', cols, rows: 24, cwd: home.cwd, env: {...rest, ...env},
    })
    this.pty.onData((data) => {
      this.output += data
      this.#check()
    })
    this.exit = new Promise((resolve) => {
      this.pty.onExit((end) => {
        this.#ended = true
        this.#check()
        resolve(end)
      })
    })
  }

  /** Resolves once the output matches; rejects when the process ends without that, or after 20 s. */
  shows(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const given = (why: string): void => reject(new Error(`${why} ${String(pattern)}:\n${JSON.stringify(this.output.slice(-3000))}`))
      const timer = setTimeout(() => given('for 20 s it did not show'), 20_000)
      const check = (): void => {
        const found = pattern.test(this.output)
        if (!found && !this.#ended) return
        this.#waiting.delete(check)
        clearTimeout(timer)
        if (found) resolve()
        else given('it ended without showing')
      }
      this.#waiting.add(check)
      check()
    })
  }

  type(text: string): void {
    this.pty.write(text)
  }

  /** Ctrl-C, as the terminal's line discipline turns it into SIGINT. */
  interrupt(): void {
    this.pty.write('\x03')
  }

  /** Closes the terminal's window: the process gets SIGHUP, and whatever it still writes fails. */
  close(): void {
    // node-pty has it, its types do not
    ;(this.pty as IPty & {destroy(): void}).destroy()
  }

  #check(): void {
    for (const check of this.#waiting) check()
  }
}

/** What is left on the screen: carriage returns and erased lines applied, colours removed. Enough for what cgpu writes. */
export function screen(output: string): string[] {
  return output.split('\n').map((line) => {
    let shown = ''
    for (const part of line.replace(/\r$/, '').split('\r')) {
      const [text = '', ...cleared] = part.split('\x1b[K')
      shown = cleared.length > 0 ? text + cleared.join('') : text + shown.slice(text.length)
    }
    // eslint-disable-next-line no-control-regex -- colours are control characters
    return shown.replace(/\x1b\[[\d;]*m/g, '').trimEnd()
  })
}
