import {type Style, style, TerminalFilter} from '@cgpu/plugin-sdk/render'
import {type Cell, type Notebook, type Output, tagsOf} from './format/model.ts'

/** Text types that say what a display holds, the plainest first. */
const readable = ['text/plain', 'text/markdown', 'text/latex', 'application/json']

/** The notebook as text for people: cells with their prompts, outputs below them. Pieces end with a newline. */
export function* shown(notebook: Notebook, {colour}: {colour: boolean}): Generator<string> {
  const safe = (text: string): string => {
    const filter = new TerminalFilter()
    const filtered = filter.write(text) + filter.end()
    return colour ? filtered : filtered.replaceAll(/\u001B\[[0-9;]*m/g, '')
  }
  for (const [index, cell] of notebook.cells.entries()) {
    if (index > 0) yield '\n'
    yield `${style(heading(cell, safe), headingStyle(cell), colour)}\n`
    if (cell.source !== '') yield ended(safe(cell.source))
    if (cell.cell_type === 'code') for (const output of cell.outputs) yield ended(safe(outputText(output)))
  }
}

const headingStyle = ({cell_type: type}: Cell): Style => (type === 'code' ? 'cyan' : 'dim')

function heading(cell: Cell, safe: (text: string) => string): string {
  const name = cell.cell_type === 'code' ? `In [${cell.execution_count ?? ' '}]:` : `${cell.cell_type}:`
  const tags = tagsOf(cell)
  return tags.length === 0 ? name : `${name} (${safe(tags.join(', '))})`
}

function outputText(output: Output): string {
  if (output.output_type === 'stream') return output.text
  if (output.output_type === 'error') return output.traceback.length > 0 ? output.traceback.join('\n') : `${output.ename}: ${output.evalue}`
  const {data} = output
  const text = readable.map((mime) => data[mime]).find((value) => value !== undefined)
  const other = Object.entries(data).filter(([mime]) => mime.startsWith('image/')).map(([mime, value]) => `[${mime}, ${typeof value === 'string' ? Math.ceil(value.length * 0.75) : 0} bytes]`)
  const lines = [...(text === undefined ? [] : [typeof text === 'string' ? text : JSON.stringify(text, null, 2)]), ...other]
  const body = lines.length > 0 ? lines.join('\n') : `[${Object.keys(data).join(', ')}]`
  return output.output_type === 'execute_result' ? `Out[${output.execution_count ?? ' '}]: ${body}` : body
}

const ended = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`)
