import type {WriteStream} from 'node:tty'

export type Env = NodeJS.ProcessEnv
export type Output = Pick<WriteStream, 'isTTY' | 'columns' | 'write'> | {isTTY?: boolean; columns?: number; write(text: string): unknown}

/** Whether colours and moving output are wanted: a terminal that can, and nobody who declined. */
export function isLively(stream: {isTTY?: boolean | undefined}, env: Env = process.env): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb' && !env['CI']
}

const codes = {bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39]} as const
export type Style = keyof typeof codes

/** Styles text when `on`; the text itself must be clean already. */
export function style(text: string, kind: Style, on: boolean): string {
  const [open, close] = codes[kind]
  return on ? `\u001b[${open}m${text}\u001b[${close}m` : text
}

const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
const zero = /\p{Mark}|\u200d|\ufe0f/u

/** Columns that the text takes in a terminal, styles not counted. */
export function displayWidth(text: string): number {
  const plain = text.replace(/\u001b\[[0-9;]*m/g, '')
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length
  let width = 0
  for (const character of plain) width += zero.test(character) ? 0 : wide.test(character) ? 2 : 1
  return width
}

/** The text within `width` columns, its end replaced by an ellipsis. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const character of text) {
    const more = displayWidth(character)
    if (used + more > width - 1) break
    kept += character
    used += more
  }
  return `${kept}…`
}
