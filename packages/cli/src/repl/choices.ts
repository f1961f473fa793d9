import {displayWidth, truncate} from '../render/terminal.ts'

/** What all of them begin with. */
export function commonStart(texts: readonly string[]): string {
  let [common = ''] = texts
  for (const text of texts) while (!text.startsWith(common)) common = common.slice(0, -1)
  return common
}

/** The part that tells them apart: of `os.path.join` and `os.path.isdir`, `join` and `isdir`. */
function tails(texts: readonly string[]): string[] {
  const common = commonStart(texts)
  const at = Math.max(common.lastIndexOf('.'), common.lastIndexOf('/')) + 1
  return texts.map((text) => text.slice(at))
}

/** In columns, as `ls` lists files; what does not fit is counted. */
export function columnsOf(choices: readonly string[], width: number, height: number): string[] {
  const texts = tails(choices)
  const cell = Math.min(width, Math.max(...texts.map((text) => displayWidth(text))) + 2)
  const across = Math.max(1, Math.floor(width / cell))
  const lines = Math.ceil(texts.length / across)
  const shown = Math.min(lines, height)
  const rows = Array.from({length: shown}, (_, row) => {
    let line = ''
    for (let column = 0; column < across; column++) {
      const text = truncate(texts[column * lines + row] ?? '', cell - 1)
      line += text + ' '.repeat(Math.max(0, cell - displayWidth(text)))
    }
    return line.trimEnd()
  })
  const seen = texts.filter((_, index) => index % lines < shown).length
  return seen === texts.length ? rows : [...rows, `… ${texts.length - seen} more`]
}
