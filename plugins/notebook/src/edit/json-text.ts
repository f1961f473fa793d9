/** A stretch of a JSON text, in UTF-16 units; `end` is behind its last one. */
export interface Span {
  start: number
  end: number
}

/** `start`: of its quoted key; `end`: of its value */
export interface Member extends Span {
  key: string
  value: Span
}

export interface Edit extends Span {
  text: string
}

/*
 * Places in a JSON text that JSON.parse accepted, so that a part can be changed and everything else stays byte for byte: numbers as they
 * were written, the order of keys, the indent. Nothing but what is asked for is looked into.
 */

/** The one value of the text. */
export function root(text: string): Span {
  const start = skipSpace(text, 0)
  return {start, end: endOf(text, start)}
}

/** Of an object, in order; of anything else none. */
export function members(text: string, object: Span): Member[] {
  return text[object.start] === '{' ? parts(text, object, (start) => {
    const keyEnd = endOf(text, start)
    const value = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = endOf(text, value)
    return {start, end, key: String(JSON.parse(text.slice(start, keyEnd))), value: {start: value, end}}
  }) : []
}

/** Of an array, in order; of anything else none. */
export const items = (text: string, array: Span): Span[] => (text[array.start] === '[' ? parts(text, array, (start) => ({start, end: endOf(text, start)})) : [])

/** The member's value; where a key stands twice the last one counts, as for JSON.parse. */
export const valueOf = (text: string, object: Span, key: string): Span | undefined => members(text, object).findLast((one) => one.key === key)?.value

/** Edits that take these parts of `whole` away with the commas and the space that belong to them. */
export function removals<T extends Span>(whole: Span, all: readonly T[], gone: (one: T, index: number) => boolean): Edit[] {
  const flags = all.map(gone)
  if (flags.every((flag) => !flag)) return []
  if (flags.every(Boolean)) return [{start: whole.start + 1, end: whole.end - 1, text: ''}]
  const first = flags.indexOf(false)
  const edits: Edit[] = first > 0 ? [{start: all[0]!.start, end: all[first]!.start, text: ''}] : []
  for (let at = first + 1; at < all.length; at++) if (flags[at]) edits.push({start: all[at - 1]!.end, end: all[at]!.end, text: ''})
  return edits
}

/** The text with these edits, which must not overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  const pieces: string[] = []
  let at = 0
  for (const {start, end, text: replacement} of [...edits].sort((a, b) => a.start - b.start)) {
    pieces.push(text.slice(at, start), replacement)
    at = end
  }
  return [...pieces, text.slice(at)].join('')
}

/** The number of the line, from 1, in which the place is. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

/** How far the file indents a level; undefined: it is on one line. */
export function indentOf(text: string): string | undefined {
  return /^\uFEFF?\s*[[{]\r?\n([ \t]*)/.exec(text.slice(0, 10_000))?.[1]
}

function parts<T extends Span>(text: string, whole: Span, partAt: (start: number) => T): T[] {
  const found: T[] = []
  let at = skipSpace(text, whole.start + 1)
  while (at < whole.end - 1) {
    const part = partAt(at)
    found.push(part)
    at = skipSpace(text, part.end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return found
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (' \n\r\t\uFEFF'.includes(text[at] ?? '-')) at++
  return at
}

/** Behind the value that starts here. */
function endOf(text: string, start: number): number {
  const opening = text[start]
  if (opening === '"') return endOfString(text, start)
  if (opening !== '{' && opening !== '[') return start + (/^[^\s,\]}]*/.exec(text.slice(start, start + 400))?.[0].length ?? 0)
  let depth = 0
  for (let at = start; ; at++) {
    const character = text[at]
    if (character === undefined) return at
    if (character === '"') at = endOfString(text, at) - 1
    else if (character === '{' || character === '[') depth++
    else if ((character === '}' || character === ']') && --depth === 0) return at + 1
  }
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text[at - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return at + 1
  }
  return text.length
}
