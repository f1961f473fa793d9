import {displayWidth, style, type Style} from '../render/terminal.ts'

/** A piece of what is typed, in one colour. */
export interface Span {
  text: string
  style?: Style | undefined
}

export interface Drawing {
  /** before the first line, and before each further one; without control characters */
  prompt: string
  more: string
  /** the text, whole and in order */
  spans: readonly Span[]
  /** where the cursor stands, in UTF-16 units of the text */
  cursor: number
  /** lines below the text: clean already, each within the columns */
  below?: readonly string[]
  columns: number
  /** lines that the terminal has */
  height: number
  colour: boolean
}

/** What is to be on the screen: rows that fit into the terminal, and where its cursor goes. */
export interface Frame {
  rows: string[]
  row: number
  column: number
}

const tab = '    '
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsafe = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

function shown(character: string): string {
  if (character === '\t') return tab
  return unsafe.test(character) && character !== '\u200d' ? '\ufffd' : character
}

/**
 * What of a long text can be on the screen: from where, to where. Far more than a screen is before the cursor where it begins in
 * the middle, so that nothing of what is in front of that shows.
 */
export function windowOf(text: string, cursor: number, {columns, height}: Pick<Drawing, 'columns' | 'height'>): {from: number; to: number} {
  const most = columns * height
  // in steps: rows of a line without end stay where they are while it is typed
  const from = Math.max(0, Math.floor(cursor / most) - 1) * most
  // a pair of surrogates stays together
  return {from: from > 0 && /[\ud800-\udbff]/.test(text[from - 1] ?? '') ? from - 1 : from, to: Math.min(text.length, cursor + most)}
}

/** Breaks lines itself, one column early: terminals disagree about what the last one does. */
export function layout({prompt, more, spans, cursor, below = [], columns, height, colour}: Drawing): Frame {
  const width = Math.max(8, columns - 1)
  const rows: string[] = []
  let row = style(prompt, 'bold', colour)
  let used = displayWidth(prompt)
  let at = 0
  let [cursorRow, cursorColumn] = [0, used]
  const breakRow = (begin: string, columnsUsed: number): void => {
    rows.push(row)
    row = begin
    used = columnsUsed
  }
  for (const {text, style: kind} of spans) {
    let piece = ''
    const put = (): void => {
      row += kind && piece !== '' ? style(piece, kind, colour) : piece
      piece = ''
    }
    for (const character of text) {
      if (at === cursor) [cursorRow, cursorColumn] = [rows.length, used]
      at += character.length
      if (character === '\n') {
        put()
        breakRow(style(more, 'dim', colour), displayWidth(more))
        continue
      }
      // nearly all of a long text
      const plain = character >= ' ' && character <= '~'
      const visible = plain ? character : shown(character)
      const wide = plain ? 1 : displayWidth(visible)
      if (used + wide > width) {
        put()
        // the cursor goes with the character that it stands on
        const moves = cursorRow === rows.length && cursorColumn === used && at - character.length === cursor
        breakRow('', 0)
        if (moves) [cursorRow, cursorColumn] = [rows.length, 0]
      }
      piece += visible
      used += wide
    }
    put()
  }
  if (at <= cursor) [cursorRow, cursorColumn] = [rows.length, used]
  rows.push(row, ...below)
  return inWindow({rows, row: cursorRow, column: cursorColumn}, Math.max(1, height - 1))
}

/** A text that is longer than the terminal is seen around the cursor. */
function inWindow({rows, row, column}: Frame, height: number): Frame {
  if (rows.length <= height) return {rows, row, column}
  const top = Math.min(Math.max(0, row - height + 1), rows.length - height)
  return {rows: rows.slice(top, top + height), row: row - top, column}
}
