import type {Language} from './language.ts'

/** The text for a regular expression that means it literally. */
export const escaped = (text: string): string => text.replaceAll(/[/\\^$*+?.()|[\]{}-]/g, '\\$&')

/** Tells line by line whether the next one begins within a string of several lines. */
export class StringTracker {
  readonly #language: Language
  #open: string | undefined

  constructor(language: Language) {
    this.#language = language
  }

  get within(): boolean {
    return this.#open !== undefined
  }

  read(line: string): void {
    const {comment, name} = this.#language
    for (let at = 0; at < line.length; at++) {
      if (line[at] === '\\') {
        at++
        continue
      }
      if (this.#open !== undefined) {
        if (!line.startsWith(this.#open, at)) continue
        at += this.#open.length - 1
        this.#open = undefined
      } else if (line.startsWith(comment, at)) return
      else if (line[at] === '"' || line[at] === "'") {
        const quote = line[at] ?? ''
        this.#open = name !== 'r' && line.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote
        at += this.#open.length - 1
      }
    }
    // only R's strings go over the end of a line with one quote
    if (name !== 'r' && this.#open?.length === 1) this.#open = undefined
  }
}

export const commented = (lines: readonly string[], {comment}: Language): string[] => lines.map((line) => (line === '' ? comment : `${comment} ${line}`))

export function uncommented(line: string, {comment}: Language): string {
  if (line.startsWith(`${comment} `)) return line.slice(comment.length + 1)
  return line.startsWith(comment) ? line.slice(comment.length) : line
}

const python = [
  /^\s*(?:# ?)*%{1,3}[A-Za-z]/, // %matplotlib inline, %%time
  /^\s*(?:(?:# ?)+\s*)?[!?]\s*[A-Za-z.~$\\/{}]/, // !ls, ?print
  /^(?:# ?)*\s*[A-Za-z_][\w$]*\s*=\s*(?:%{1,3}|!)[A-Za-z]/, // files = !ls
  /^\s*(?:# )*\S*\?\s*$/, // print?
  /^(?:# ?)*(?:cat|cd|copy|cp|ddir|echo|ldir|ls|mkdir|mv|ren|rm|rmdir)(?:$|\s$|\s[^=,])/, // IPython takes these for commands of the shell
]

/** Whether a line is one of IPython's own, or such a one behind a comment sign: these are commented in scripts once more, and one sign is taken away again. */
export function isMagic(line: string, {name, comment}: Language): boolean {
  if (name === 'python') return python.some((pattern) => pattern.test(line))
  return line.replace(/^\s+/, '').replace(new RegExp(`^(?:${escaped(comment)} ?)*`), '').match(/^%{1,3}[A-Za-z]/) !== null
}

/** Calls `change` for the lines that are magics, or continue one; what is within strings is left alone. */
export function mapMagics(lines: readonly string[], language: Language, change: (line: string, continues: boolean) => string): string[] {
  const strings = new StringTracker(language)
  let continues = false
  return lines.map((line) => {
    const found = !strings.within && (continues || isMagic(line, language))
    const changed = found ? change(line, continues) : line
    continues = found && language.name === 'python' && /\\\s*$/.test(line)
    strings.read(line)
    return changed
  })
}
