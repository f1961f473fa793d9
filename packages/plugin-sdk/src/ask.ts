import {errors} from '@cgpu/core/errors'

/** Asks on a terminal; elsewhere refuses unless `yes`. Returns when agreed, else throws CONFIRMATION_NEEDED (64) or NOT_CONFIRMED (130). */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw errors.usage(`this asks for confirmation, and there is no terminal to ask on: ${question}`, {code: 'CONFIRMATION_NEEDED', fix: 'add --yes'})
  }
  const answer = await ask(`${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw errors.interrupted('not confirmed, nothing was changed', {code: 'NOT_CONFIRMED', category: 'usage'})
}

export interface AskOptions {
  /** does not echo what is typed */
  hidden?: boolean
  /** gives up asking */
  signal?: AbortSignal | undefined
}

/** One line from the terminal. */
export async function ask(question: string, {hidden = false, signal}: AskOptions = {}): Promise<string> {
  signal?.throwIfAborted()
  // before anything else: what is typed while the rest is loaded must not be echoed
  if (hidden && process.stdin.isTTY) process.stdin.setRawMode(true)
  const {createInterface} = await import('node:readline/promises')
  const {Writable} = await import('node:stream')
  process.stderr.write(question)
  const silent = new Writable({write: (_chunk, _encoding, done) => done()})
  const lines = createInterface({input: process.stdin, output: hidden ? silent : process.stderr, terminal: hidden || process.stdin.isTTY})
  try {
    return await new Promise<string>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), {once: true})
      lines.once('line', resolve)
      lines.once('close', () => reject(errors.usage('the input ended before a line was given', {code: 'NO_INPUT', fix: 'give a line'})))
      lines.once('SIGINT', () => reject(errors.interrupted('interrupted', {code: 'INTERRUPTED'})))
    })
  } finally {
    lines.close()
    if (hidden) process.stderr.write('\n')
  }
}
