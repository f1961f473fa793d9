import {isRecord, type Metadata} from '../../format/model.ts'
import {escaped} from '../../script-lines.ts'

/** Metadata of cells that scripts do not carry, as with jupytext: it says how a cell was shown, run or written. */
const unwritten: ReadonlySet<string> = new Set([
  'autoscroll', 'collapsed', 'scrolled', 'trusted', 'execution', 'ExecuteTime', 'skipline', 'noskipline', 'cell_marker', 'lines_to_next_cell', 'lines_to_end_of_cell_marker',
])

/** What `notebook run` notes under `cgpu`; what a person wrote there, as for tests, is carried. */
const ofRuns: ReadonlySet<string> = new Set(['hash', 'status', 'kernel', 'count'])

/** A cell's metadata as scripts carry it, and what they do not. */
export function splitMetadata(metadata: Metadata): {carried: Metadata; left: Metadata} {
  const carried: Metadata = {}
  const left: Metadata = {}
  for (const [name, value] of Object.entries(metadata)) {
    if (name !== 'cgpu' || !isRecord(value)) {
      ;(unwritten.has(name) ? left : carried)[name] = value
      continue
    }
    const entries = Object.entries(value)
    const [noted, own] = [entries.filter(([key]) => ofRuns.has(key)), entries.filter(([key]) => !ofRuns.has(key))]
    if (noted.length > 0) left[name] = Object.fromEntries(noted)
    if (own.length > 0 || noted.length === 0) carried[name] = Object.fromEntries(own)
  }
  return {carried, left}
}

/** Languages whose cell magics are `language="…"` in a marker, with the cell commented. */
const others: ReadonlySet<string> = new Set([
  'R', 'bash', 'sh', 'python2', 'python3', 'coconut', 'javascript', 'js', 'perl', 'html', 'latex', 'markdown', 'pypy', 'ruby', 'script', 'svg', 'matlab', 'octave', 'idl', 'robotframework', 'sas', 'spark', 'sql', 'cython',
  'haskell', 'tcl', 'gnuplot', 'julia', 'rust', 'go', 'scala', 'typescript', 'java', 'lua',
])

/** The language and arguments of a cell that begins with `%%bash -e`. */
export function cellMagic(source: string): {language: string; args: string; body: string} | undefined {
  const [line, language = '', args = ''] = /^%%(\w+)(?: (.*))?(?:\n|$)/.exec(source) ?? []
  return line === undefined || !others.has(language) ? undefined : {language, args, body: source.slice(line.length)}
}

/** Whether a script runs this cell: not with `active="ipynb"`, with a tag `active-ipynb`, or frozen. */
export function isActive(metadata: Metadata, extension: string): boolean {
  const {active, tags, run_control: control} = metadata
  if (typeof control === 'object' && control !== null && 'frozen' in control && control.frozen === true) return extension === 'ipynb'
  const tag = Array.isArray(tags) ? tags.find((one): one is string => typeof one === 'string' && one.startsWith('active-')) : undefined
  if (tag !== undefined) return tag.split('-').includes(extension)
  return typeof active !== 'string' || active.split(/[.,]/).includes(extension)
}

/** A line that begins a cell, and what stands behind its signs. */
export function markerIn(line: string, comment: string): string | undefined {
  const [, text] = new RegExp(`^\\s*${escaped(comment)}\\s*%%(%*\\s.*|\\s*)$`).exec(line) ?? []
  return text
}

/** The fence that is open behind this line of Markdown: what is in it begins no cell. One that no later line closes (`closes`) is none. */
export function fenceAfter(text: string, open: string | undefined, closes: (fence: string) => boolean): string | undefined {
  if (open !== undefined) return text.trim().startsWith(open) && /^[`~]+$/.test(text.trim()) ? undefined : open
  const opened = /^ {0,3}(`{3,}|~{3,})/.exec(text)?.[1]
  return opened !== undefined && closes(opened) ? opened : undefined
}

/** Puts a backslash before what would begin a cell once it is a comment, or takes it away; Markdown means the same with it. */
export const escapeText = (lines: readonly string[]): string[] => outsideFences(lines, (line) => line.replace(/^(\s*)(?=\\*%%(\s|%|$))/, '$1\\'))
export const unescapeText = (lines: readonly string[]): string[] => outsideFences(lines, (line) => line.replace(/^(\s*)\\(?=\\*%%(\s|%|$))/, '$1'))

function outsideFences(lines: readonly string[], change: (line: string) => string): string[] {
  let fence: string | undefined
  return lines.map((line, index) => {
    const within = fence !== undefined
    fence = fenceAfter(line, fence, (opened) => lines.slice(index + 1).some((other) => other.trim() === opened))
    return within ? line : change(line)
  })
}
