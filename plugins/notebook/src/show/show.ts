import {type ImageProtocol, inlineImage, htmlToText, type Style, style, TerminalFilter} from '@cgpu/plugin-sdk/render'
import {choose, imageType, lastStates, typesOf} from '../export/mime.ts'
import {type Cell, type DisplayOutput, type Notebook, type Output, tagsOf} from '../format/model.ts'
import {cellLanguage, type Highlighter} from '../highlight.ts'
import {languageName} from '../language.ts'
import {coloured} from './highlight.ts'

export interface ShowOptions {
  colour: boolean
  /** how a terminal shows pictures; undefined: their type and size is printed */
  images?: ImageProtocol | undefined
  /** colours code; undefined: it stays as it is */
  highlighter?: Highlighter | undefined
  /** text cells for the terminal; undefined: they stay as they are */
  markdown?: ((source: string, safe: (text: string) => string) => string) | undefined
}

/** Without HTML and SVG, which a terminal does not show. */
const order = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'text/plain', 'text/markdown', 'text/latex', 'text/html', 'application/json', 'image/svg+xml']

/** The notebook as text for people: cells with their prompts, outputs below them. Pieces end with a newline. */
export function* shown(notebook: Notebook, options: ShowOptions): Generator<string> {
  const {colour, highlighter, markdown} = options
  const language = languageName(notebook)
  const safe = (text: string): string => {
    const filter = new TerminalFilter()
    const filtered = filter.write(text) + filter.end()
    return colour ? filtered : filtered.replaceAll(/\u001B\[[0-9;:]*m/g, '')
  }
  for (const [index, cell] of notebook.cells.entries()) {
    if (index > 0) yield '\n'
    if (cell.cell_type !== 'markdown' || !markdown) yield `${style(heading(cell, safe), headingStyle(cell), colour)}\n`
    if (cell.source !== '') yield ended(sourceText(cell))
    if (cell.cell_type === 'code') for (const output of cell.outputs) yield ended(outputText(output, {...options, safe}))
  }

  function sourceText(cell: Cell): string {
    if (cell.cell_type === 'markdown' && markdown) return markdown(cell.source, safe)
    return cell.cell_type === 'code' && highlighter ? coloured(highlighter.tokens(cell.source, cellLanguage(cell.source) ?? language), safe) : safe(cell.source)
  }
}

const headingStyle = ({cell_type: type}: Cell): Style => (type === 'code' ? 'cyan' : 'dim')

function heading(cell: Cell, safe: (text: string) => string): string {
  const name = cell.cell_type === 'code' ? `In [${cell.execution_count ?? ' '}]:` : `${cell.cell_type}:`
  const tags = tagsOf(cell)
  return tags.length === 0 ? name : `${name} (${safe(tags.join(', '))})`
}

type OutputOptions = ShowOptions & {safe: (text: string) => string}

function outputText(output: Output, options: OutputOptions): string {
  const {safe} = options
  if (output.output_type === 'stream') return safe(lastStates(output.text))
  if (output.output_type === 'error') return safe(output.traceback.length > 0 ? output.traceback.join('\n') : `${output.ename}: ${output.evalue}`)
  const body = displayText(output, options)
  return output.output_type === 'execute_result' ? `Out[${output.execution_count ?? ' '}]: ${body}` : body
}

function displayText(output: DisplayOutput, options: OutputOptions): string {
  const {safe, markdown, images} = options
  const chosen = choose(output, order)
  if (!chosen) return safe(`[${typesOf(output.data)}]`)
  const {mime, data} = chosen
  if (mime.startsWith('image/')) {
    const bytes = Buffer.from(data, mime === 'image/svg+xml' ? 'utf8' : 'base64')
    // all that can are able to show a PNG
    if (images !== undefined && imageType(bytes) === 'png') return inlineImage(bytes, images)
    const plain = output.data['text/plain']
    return [...(typeof plain === 'string' ? [safe(plain)] : []), safe(`[${mime}, ${bytes.length} bytes]`)].join('\n')
  }
  if (mime === 'text/html') {
    const plain = output.data['text/plain']
    return safe(htmlToText(data) || (typeof plain === 'string' ? plain : ''))
  }
  return mime === 'text/markdown' && markdown ? markdown(data, safe) : safe(data)
}

const ended = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`)
