import {type Notebook, tagsOf} from '../format/model.ts'
import type {Translator} from './translator.ts'
import {languageNamed} from './languages.ts'
import {python} from './languages/python.ts'
import {languageOf} from './said-language.ts'
import {parametersTag} from './tags.ts'

/** A parameter as the notebook's cell tagged `parameters` declares it. */
export interface Parameter {
  name: string
  /** as annotated, else as its value looks; null: neither tells */
  type: string | null
  /** the notebook itself says the type */
  annotated: boolean
  /** its source text */
  default: string
  help: string | null
}

/** Undefined where no code cell has the tag. `kernel`: another one than the notebook names. A language that is not known is read as Python. */
export function parametersOf(notebook: Notebook, kernel?: string): Parameter[] | undefined {
  const cell = notebook.cells.find((one) => one.cell_type === 'code' && tagsOf(one).includes(parametersTag))
  const said = languageOf(notebook)
  return cell && inspect(cell.source, languageNamed(kernel ?? said.kernel, said.language))
}

/** Assignments at the beginning of a line, such as `name: type = value  # type: T help`. */
export function inspect(source: string, language: Translator = python): Parameter[] {
  return statements(source, language).flatMap(({code, comment}) => {
    const {name, annotation, rest} = language.assignment.exec(code)?.groups ?? {}
    if (name === undefined || rest === undefined) return []
    const typed = /^type:\s*(\S+)\s*(.*)$/.exec(comment)
    const help = (typed ? typed[2] : comment)?.trim()
    const value = rest.trim()
    return [{name, type: annotation?.trim() ?? typed?.[1] ?? typeOf(value), annotated: annotation !== undefined || typed?.[1] !== undefined, default: value, help: help ? help : null}]
  })
}

/** Lines at the margin, with those that follow until brackets and quotes are closed; comments apart. */
function statements(source: string, language: Translator): {code: string; comment: string}[] {
  const found: {code: string; comment: string}[] = []
  let at = 0
  while (at < source.length) {
    const {code, comment, end} = statement(source, at, language)
    if (/^\S/.test(code)) found.push({code: code.trimEnd(), comment})
    at = end
  }
  return found
}

function statement(source: string, start: number, {comment: marker, quotes = '"\''}: Translator): {code: string; comment: string; end: number} {
  let code = ''
  let comment = ''
  let depth = 0
  let at = start
  while (at < source.length) {
    const character = source[at] ?? ''
    if (source.startsWith(marker, at)) {
      const end = lineEnd(source, at)
      comment = source.slice(at + marker.length, end).trim()
      at = end
    } else if (quotes.includes(character)) {
      const end = stringEnd(source, at)
      code += source.slice(at, end)
      at = end
    } else if (character === '\n' && depth <= 0) return {code, comment, end: at + 1}
    else {
      if ('([{'.includes(character)) depth++
      else if (')]}'.includes(character)) depth--
      code += character === '\n' ? ' ' : character
      at++
    }
  }
  return {code, comment, end: at}
}

function lineEnd(source: string, at: number): number {
  const end = source.indexOf('\n', at)
  return end === -1 ? source.length : end
}

/** Behind the closing quote, or the end of the line where there is none. */
function stringEnd(source: string, start: number): number {
  const quote = source[start] ?? ''
  const triple = source.startsWith(quote.repeat(3), start) ? quote.repeat(3) : undefined
  for (let at = start + (triple ? 3 : 1); at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (triple ? source.startsWith(triple, at) : source[at] === quote) return at + (triple ? 3 : 1)
    else if (!triple && source[at] === '\n') return at
  }
  return source.length
}

function typeOf(value: string): string | null {
  if (/^[+-]?\d[\d_]*[LnI]?$/.test(value)) return 'int'
  if (/^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return 'float'
  if (/^\$?(true|false)$/i.test(value)) return 'bool'
  if (/^[rbfu]{0,2}(["'`]).*\1$/is.test(value)) return 'str'
  if (/^(\[|list\(|c\(|Seq\(|List\(|@\(|new\s*(\w+\s*)?\[\])/.test(value)) return 'list'
  return /^(\{|Dict[{(]|@\{|Map[[(]|containers\.Map)/.test(value) ? 'dict' : null
}
