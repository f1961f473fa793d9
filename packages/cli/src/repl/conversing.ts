import {CgpuError} from '@cgpu/core/errors'
import type {OtherMessage} from '@cgpu/jupyter'
import {inert, reportError, toCgpuError} from '@cgpu/plugin-sdk/lean'
import {Editor} from './editor.ts'
import {codesInHistory} from './history-codes.ts'
import {converse, isLast} from './interactive.ts'
import {Keyboard} from './keyboard.ts'
import {OtherCells} from './other-cells.ts'
import {cellsOf, PipedLines} from './piped.ts'
import {Recall} from './recall.ts'
import type {Talk} from './talk.ts'

export interface ConversingOptions {
  /** at a terminal; else code comes from a pipe */
  person: boolean
  colour: boolean
  imageDir: string
  stateDir: string
  /** former code can be recalled */
  remembers: boolean
  quiet: boolean
}

export interface ConversingHost {
  interrupt: () => void
  /** somebody typed, or a line came */
  used: () => void
  /** what is drawn next begins a line */
  freshLine: () => void
}

/** Where code comes from, and where what is not a cell's own output goes. */
export class Conversing {
  readonly #options: ConversingOptions
  readonly #keyboard: Keyboard | undefined
  readonly #editor: Editor | undefined
  readonly #others: OtherCells

  constructor(options: ConversingOptions) {
    this.#options = options
    const {person, colour, imageDir} = options
    if (person) {
      this.#keyboard = new Keyboard(process.stdin, process.stderr)
      this.#editor = new Editor({keyboard: this.#keyboard, output: process.stderr, colour})
    }
    this.#others = new OtherCells({colour, imageDir, show: (text) => this.#show(text)})
  }

  /** A line for people. */
  say(line: string): void {
    if (!this.#options.quiet) this.#show(`${inert(line)}\n`)
  }

  other(message: OtherMessage): void {
    this.#others.take(message).catch((error: unknown) => this.say(`warning: ${error instanceof Error ? error.message : String(error)}`))
  }

  /** Writes what a cell prints; beside a question that it asked meanwhile, as whole lines above it. */
  async output(write: () => void | Promise<void>, endLine: () => void): Promise<void> {
    if (!this.#editor?.reads) return write()
    await this.#editor.aside(async () => {
      await write()
      endLine()
    })
  }

  /** Lets another one read from the terminal. */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    this.#keyboard?.close()
    try {
      return await work()
    } finally {
      this.#keyboard?.open()
    }
  }

  /** Returns the exit status: that of the first cell of a pipe that failed. */
  async run(talk: Talk, runtime: string, host: ConversingHost): Promise<number> {
    return this.#editor ? this.#person(talk, this.#editor, runtime, host) : this.#pipe(talk, host)
  }

  async #person(talk: Talk, editor: Editor, runtime: string, {interrupt, used, freshLine}: ConversingHost): Promise<number> {
    const {colour, stateDir, remembers} = this.#options
    const stop = new AbortController()
    const begun = new Date()
    const ended = (signal: NodeJS.Signals): void => {
      // while a cell runs, whoever runs it leaves it
      if (!talk.running) stop.abort(new CgpuError('left', {code: 'INTERRUPTED', category: 'runtime', exit: signal === 'SIGHUP' ? 129 : 143, details: {signal}}))
    }
    process.on('SIGTERM', ended).on('SIGHUP', ended)
    this.#keyboard?.open()
    try {
      await converse({
        talk, editor, colour, runtime, interrupt, signal: stop.signal, used, freshLine,
        recall: new Recall(remembers ? () => codesInHistory(stateDir, begun) : undefined),
        report: (error) => this.#report(error, talk),
      })
      return 0
    } finally {
      this.#keyboard?.close()
      process.off('SIGTERM', ended).off('SIGHUP', ended)
    }
  }

  /** A pipe ends with its first cell that fails: what follows counts on it. */
  async #pipe(talk: Talk, {used, freshLine}: ConversingHost): Promise<number> {
    const lines = new PipedLines(process.stdin)
    const answer = async (prompt: string): Promise<string> => {
      freshLine()
      if (!this.#options.quiet) process.stderr.write(inert(prompt))
      return (await lines.next()) ?? '\x04'
    }
    try {
      for await (const code of cellsOf({lines, language: () => talk.language, continues: (text) => talk.continues(text)})) {
        used()
        const turn = await talk.take(code, answer)
        if (turn.type === 'left') return 0
        if (turn.type !== 'cell' || turn.end.exitStatus === 0) continue
        if (turn.end.error) throw turn.end.error
        return turn.end.exitStatus
      }
      return 0
    } finally {
      lines.close()
    }
  }

  /** Shows an error and goes on; throws what the conversation ends with. */
  #report(thrown: unknown, {attached}: Talk): void {
    const error = toCgpuError(thrown, {command: 'cgpu repl', flagNames: []})
    if (isLast(error) || (attached && error.code === 'KERNEL_DIED')) throw error
    reportError(error, {command: 'repl', json: false, verbose: false})
  }

  #show(text: string): void {
    if (this.#editor) this.#editor.above(text)
    else process.stderr.write(text)
  }
}
