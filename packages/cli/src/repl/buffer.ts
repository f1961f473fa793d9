/** What is being typed: text with `\n` between its lines, and where the cursor stands in it, in UTF-16 units. */
export interface Buffer {
  readonly text: string
  readonly cursor: number
}

export const emptyBuffer: Buffer = {text: '', cursor: 0}

const segmenter = new Intl.Segmenter(undefined, {granularity: 'grapheme'})

export function bufferOf(text: string, cursor = text.length): Buffer {
  return {text, cursor: Math.max(0, Math.min(cursor, text.length))}
}

export function insert({text, cursor}: Buffer, piece: string): Buffer {
  return {text: text.slice(0, cursor) + piece + text.slice(cursor), cursor: cursor + piece.length}
}

/** Replaces from `start` to `end`; the cursor stands behind what was put there. */
export function replace({text}: Buffer, start: number, end: number, piece: string): Buffer {
  return {text: text.slice(0, start) + piece + text.slice(end), cursor: start + piece.length}
}

/** Where the line of the cursor begins and ends, without its line end. */
export function lineAt({text, cursor}: Buffer): {start: number; end: number} {
  const end = text.indexOf('\n', cursor)
  return {start: text.lastIndexOf('\n', cursor - 1) + 1, end: end === -1 ? text.length : end}
}

/** What people see as one character is one step. */
export function left({text, cursor}: Buffer): number {
  if (cursor === 0) return 0
  const start = Math.max(0, cursor - 64)
  let last = cursor - 1
  for (const {index} of segmenter.segment(text.slice(start, cursor))) last = start + index
  return last
}

export function right({text, cursor}: Buffer): number {
  const [first] = segmenter.segment(text.slice(cursor, cursor + 64))
  return cursor + (first?.segment.length ?? 0)
}

const word = /[\p{L}\p{N}_]/u

export function wordLeft({text, cursor}: Buffer): number {
  let at = cursor
  while (at > 0 && !word.test(text[at - 1] ?? '')) at--
  while (at > 0 && word.test(text[at - 1] ?? '')) at--
  return at
}

export function wordRight({text, cursor}: Buffer): number {
  let at = cursor
  while (at < text.length && !word.test(text[at] ?? '')) at++
  while (at < text.length && word.test(text[at] ?? '')) at++
  return at
}

/** Up to the space before it, as the shell's Ctrl-W. */
export function spaceLeft({text, cursor}: Buffer): number {
  let at = cursor
  while (at > 0 && /\s/.test(text[at - 1] ?? '')) at--
  while (at > 0 && !/\s/.test(text[at - 1] ?? '')) at--
  return at
}

/** The same column of the line above or below; undefined: there is none. */
export function vertical(buffer: Buffer, by: -1 | 1): number | undefined {
  const {start, end} = lineAt(buffer)
  const column = buffer.cursor - start
  if (by === -1) {
    if (start === 0) return undefined
    const above = lineAt({text: buffer.text, cursor: start - 1})
    return Math.min(above.start + column, above.end)
  }
  if (end === buffer.text.length) return undefined
  const below = lineAt({text: buffer.text, cursor: end + 1})
  return Math.min(below.start + column, below.end)
}
