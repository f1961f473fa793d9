import type {KernelConnection, Message} from '@cgpu/jupyter'

/** What a person waits for who pressed Enter; a kernel that works answers when it is done. */
const enterMs = 1_000
/** who asked for something: the first time, a kernel loads what it takes */
const askedMs = 10_000

export interface Completions {
  /** in UTF-16 units: what the matches take the place of */
  start: number
  end: number
  /** as they may stand in code: without control characters */
  matches: string[]
}

/** Jupyter counts in code points. */
const toPoints = (text: string, units: number): number => Array.from(text.slice(0, units)).length
const toUnits = (text: string, points: number): number => Array.from(text).slice(0, Math.max(0, points)).join('').length

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsafe = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

/** Undefined: it has no answer, or gives none in time. */
async function ask(connection: KernelConnection, type: string, content: object, timeoutMs: number): Promise<Message['content'] | undefined> {
  try {
    const reply = await connection.request('shell', type, content, {timeoutMs})
    return reply.content['status'] === 'error' ? undefined : reply.content
  } catch (error) {
    if (error instanceof Error && error.name === 'JupyterError') return undefined
    throw error
  }
}

/** What may stand at the cursor, by the kernel's knowledge. */
export async function complete(connection: KernelConnection, code: string, cursor: number): Promise<Completions | undefined> {
  const answer = await ask(connection, 'complete_request', {code, cursor_pos: toPoints(code, cursor)}, askedMs)
  const {matches, cursor_start: start, cursor_end: end} = answer ?? {}
  if (!Array.isArray(matches) || typeof start !== 'number' || typeof end !== 'number') return undefined
  const [from, to] = [toUnits(code, start), toUnits(code, end)]
  if (from > to || to > code.length) return undefined
  const usable = matches.filter((match): match is string => typeof match === 'string' && match !== '' && match.length < 1_000 && !unsafe.test(match))
  return {start: from, end: to, matches: [...new Set(usable)]}
}

/** MIME bundle about the name at the cursor; `detail` 1 has its source, where there is one. Undefined: nothing is known of it. */
export async function inspect(connection: KernelConnection, code: string, cursor: number, detail: 0 | 1): Promise<Record<string, unknown> | undefined> {
  const answer = await ask(connection, 'inspect_request', {code, cursor_pos: toPoints(code, cursor), detail_level: detail}, askedMs)
  const data = answer?.['found'] === true ? answer['data'] : undefined
  return typeof data === 'object' && data !== null ? {...data} : undefined
}

/** Undefined: the kernel would run it as it is; else more is to come, with this indentation. A kernel that does not answer is not waited for. */
export async function continuation(connection: KernelConnection, code: string): Promise<string | undefined> {
  // IPython asks for two
  if (/^%%[\s\S]*\n\s*$/.test(code)) return undefined
  const answer = await ask(connection, 'is_complete_request', {code}, enterMs)
  const status = answer?.['status']
  if (status === 'complete' || status === 'invalid') return undefined
  const indent = answer?.['indent']
  if (status === 'incomplete') return typeof indent === 'string' && /^[ \t]{0,200}$/.test(indent) ? indent : ''
  return looksOpen(code) ? (/^[ \t]*/.exec(lastLineOf(code))?.[0] ?? '') : undefined
}

/** Without the kernel's word: a block that was begun ends with an empty line. */
function looksOpen(code: string): boolean {
  const last = lastLineOf(code)
  return /[:{([,\\]$/.test(last.trimEnd()) || (/^[ \t]/.test(last) && last.trim() !== '')
}

/** By its index: a pattern with `$` tries every place of a line before the last, for minutes where that has a megabyte. */
const lastLineOf = (code: string): string => code.slice(code.lastIndexOf('\n') + 1)
