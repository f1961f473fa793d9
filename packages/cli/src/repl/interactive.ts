import type {CgpuError} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {displayWidth} from '../render/terminal.ts'
import type {Editor} from './editor.ts'
import {highlight} from './highlight.ts'
import {pasted} from './keys.ts'
import type {Recall} from './recall.ts'
import type {Talk} from './talk.ts'

export interface InteractiveOptions {
  talk: Talk
  editor: Editor
  recall: Recall
  colour: boolean
  /** as people call the runtime */
  runtime: string
  /** aborted by SIGTERM and SIGHUP while nothing runs */
  signal: AbortSignal
  /** interrupts the code that runs, as Ctrl-C does */
  interrupt: () => void
  /** somebody typed */
  used: () => void
  /** what is drawn next begins a line */
  freshLine: () => void
  /** shows an error that does not end the conversation; throws one that does */
  report: (error: unknown) => void
}

/** Says end of input to a kernel: ipykernel turns it into EOFError. */
const endOfInput = '\x04'

/** Reads, runs, shows, until Ctrl-D. Rejects when it was left while code ran, and when the machine is gone. */
export async function converse({talk, editor, recall, colour, runtime, signal, interrupt, used, freshLine, report}: InteractiveOptions): Promise<void> {
  const answer = async (prompt: string, hidden: boolean): Promise<string> => {
    freshLine()
    const typed = await editor.read({prompt: sanitizeLine(prompt), hidden})
    if (typed.type === 'text') return typed.text
    if (typed.type === 'eof') return endOfInput
    interrupt()
    return new Promise(() => {}) // the interrupt ends the cell that waits
  }
  let text = ''
  for (;;) {
    const prompt = promptOf(runtime, talk.name)
    const typed = await editor.read({
      prompt, text, more: `${' '.repeat(Math.max(0, displayWidth(prompt) - 4))}... `, recall, signal,
      highlight: (text) => (colour ? highlight(text, talk.language) : [{text}]),
      complete: (text, cursor) => quietly(() => talk.complete(text, cursor)),
      continues: (text) => quietly(() => talk.continues(text)),
    })
    text = ''
    if (typed.type === 'eof') return
    if (typed.type === 'interrupt') continue
    recall.add(typed.text)
    used()
    try {
      const turn = await talk.take(typed.text, answer)
      if (turn.type === 'left') return
      if (turn.type !== 'cell') continue
      if (turn.written !== undefined) recall.add(turn.written)
      text = pasted(turn.end.nextInput ?? '').trimEnd()
      if (turn.end.error) report(turn.end.error)
    } catch (error) {
      report(error)
    }
  }
}

/** What only helps to type must not end anything; the cell itself tells what is wrong. */
async function quietly<T>(work: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await work()
  } catch {
    return undefined
  }
}

function promptOf(runtime: string, kernel: string): string {
  return `${sanitizeLine(kernel === 'default' ? runtime : `${runtime}:${kernel}`, 40)}> `
}

/** Whether a conversation cannot go on: it was left, or the machine or the way to it is gone. */
export function isLast({code, category, details}: CgpuError): boolean {
  if (code === 'INTERRUPTED') return details?.['signal'] !== undefined
  return category === 'auth' || code === 'RUNTIME_RECLAIMED' || code === 'SESSION_CLOSED'
}
