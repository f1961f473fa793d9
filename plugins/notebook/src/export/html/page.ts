import {createHash} from 'node:crypto'
import type {Cell, Notebook} from '../../format/model.ts'
import {cellLanguage, escapeHtml, Highlighter, languagesIn} from '../../highlight.ts'
import {languageName} from '../../language.ts'
import {type VisibleCell, visibleCells, type Visibility} from '../visible.ts'
import {MarkdownRenderer} from './markdown.ts'
import {hasMath, mathRenderer} from './math.ts'
import {outputHtml, type OutputOptions} from './outputs.ts'
import {frameScript, pageStyle} from './style.ts'

export interface PageOptions extends Visibility {
  /** undefined: the notebook's own title, its first heading, or `name` */
  title: string | undefined
  name: string
  /** a table of contents */
  toc: boolean
  /** HTML and scripts of the notebook act in the page */
  trust: boolean
  /** where pictures are that its Markdown names; undefined: nowhere */
  folder: string | undefined
  /** for paper: nothing waits until it comes into view */
  print?: boolean
}

/** The notebook as one HTML page that needs no network, in pieces. Nothing of the notebook runs in it unless `trust`. */
export async function htmlPage(notebook: Notebook, options: PageOptions): Promise<Iterable<string>> {
  const cells = visibleCells(notebook, options)
  const language = languageName(notebook)
  const sources = cells.flatMap((one) => [one.cell.source, ...markdownOutputs(one)])
  const [highlighter, math] = await Promise.all([
    Highlighter.of([language, 'json', ...sources.flatMap((source) => [...languagesIn(source)])]),
    sources.some(hasMath) || cells.some(hasLatex) ? mathRenderer() : undefined,
  ])
  const markdown = new MarkdownRenderer({highlighter, math, folder: options.folder, trust: options.trust})
  // before the page begins, which names their headings
  const texts = new Map(cells.filter(({cell}) => cell.cell_type === 'markdown').map(({cell}) => [cell, textHtml(cell, markdown)]))
  const headings = [...markdown.headings]
  const title = options.title ?? stringOr(notebook.metadata['title']) ?? headings.find(({level}) => level === 1)?.text ?? options.name
  const output: OutputOptions = {markdown, highlighter, math, trust: options.trust, lazy: options.print !== true}
  return inBlocks(pieces())

  function* pieces(): Generator<string> {
    yield head(title, options.trust)
    if (options.toc && headings.length > 0) yield `<nav aria-label="contents"><ul>\n${headings.map(({level, text, id}) => `<li style="margin-left:${level - 1}rem"><a href="#${escapeHtml(encodeURIComponent(id))}">${escapeHtml(text)}</a></li>`).join('\n')}\n</ul></nav>\n`
    for (const one of cells) yield* cellHtml(one)
    yield `</main>\n<script>${frameScript}</script>\n</body>\n</html>\n`
  }

  function* cellHtml({cell, input, outputs}: VisibleCell): Generator<string> {
    const text = texts.get(cell)
    if (text !== undefined) return yield text
    if (cell.cell_type !== 'code') {
      const format = cell.metadata['raw_mimetype'] ?? cell.metadata['format']
      if (format === undefined || format === '' || format === 'text/plain') yield `<div class="cell text" id="cell-${cell.id}"><pre>${escapeHtml(cell.source)}</pre></div>\n`
      return
    }
    yield `<div class="cell code" id="cell-${cell.id}">\n`
    if (input) yield `<div class="prompt">[${cell.execution_count ?? ' '}]:</div><pre class="source"><code>${codeHtml(cell.source)}</code></pre>\n`
    for (const one of outputs) yield outputHtml(one, output)
    yield '</div>\n'
  }

  function codeHtml(source: string): string {
    const other = cellLanguage(source)
    if (other === undefined) return highlighter.html(source, language)
    const end = source.includes('\n') ? source.indexOf('\n') : source.length
    return `<span class="hljs-meta">${escapeHtml(source.slice(0, end))}</span>${highlighter.html(source.slice(end), other)}`
  }
}

/** Small pieces joined: each would be a write of its own. */
function* inBlocks(pieces: Iterable<string>): Generator<string> {
  let block = ''
  for (const piece of pieces) {
    block += piece
    if (block.length < 256 * 1024) continue
    yield block
    block = ''
  }
  if (block !== '') yield block
}

const textHtml = (cell: Cell, markdown: MarkdownRenderer): string =>
  `<div class="cell text" id="cell-${cell.id}">\n${markdown.render(cell.source, cell.cell_type === 'code' ? undefined : cell.attachments)}</div>\n`

function markdownOutputs({outputs}: VisibleCell): string[] {
  return outputs.flatMap((one) => {
    const text = 'data' in one ? one.data['text/markdown'] : undefined
    return typeof text === 'string' ? [text] : []
  })
}

const hasLatex = ({outputs}: VisibleCell): boolean => outputs.some((one) => 'data' in one && one.data['text/latex'] !== undefined)
const stringOr = (value: unknown): string | undefined => (typeof value === 'string' && value.trim() !== '' ? value : undefined)

function head(title: string, trust: boolean): string {
  const hash = createHash('sha256').update(frameScript).digest('base64')
  // the second lock: were something of the notebook to get past the first, it could neither run nor load anything
  const policy = trust ? '' : `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">\n`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${policy}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="cgpu">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
`
}
