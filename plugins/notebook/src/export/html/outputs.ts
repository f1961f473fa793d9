import type {Output} from '../../format/model.ts'
import {escapeHtml, type Highlighter} from '../../highlight.ts'
import {choose, typesOf} from '../mime.ts'
import {ansiHtml} from './ansi.ts'
import {pictureUri} from './images.ts'
import type {MarkdownRenderer} from './markdown.ts'
import type {MathRenderer} from './math.ts'
import {needsFrame, sanitizeHtml, withoutScopedStyle} from './sanitize.ts'
import {frameStyle} from './style.ts'

export interface OutputOptions {
  markdown: MarkdownRenderer
  highlighter: Highlighter
  math: MathRenderer | undefined
  trust: boolean
  /** frames load when they come into view; not on paper */
  lazy: boolean
}

/** One output as HTML that cannot act on the page, unless it is trusted. */
export function outputHtml(output: Output, options: OutputOptions): string {
  if (output.output_type === 'stream') return `<div class="output ${output.name === 'stderr' ? 'stderr' : 'stdout'}"><pre>${ansiHtml(output.text)}</pre></div>\n`
  if (output.output_type === 'error') {
    const text = output.traceback.length > 0 ? output.traceback.join('\n') : `${output.ename}: ${output.evalue}`
    return `<div class="output error"><pre>${ansiHtml(text)}</pre></div>\n`
  }
  const script = options.trust ? output.data['application/javascript'] : undefined
  if (typeof script === 'string' && output.data['text/html'] === undefined) return `<div class="output"><script>${script}</script></div>\n`
  const prompt = output.output_type === 'execute_result' ? `<div class="prompt out">[${output.execution_count ?? ' '}]:</div>` : ''
  return `${prompt}<div class="output">${displayed(output.data, output.metadata, options)}</div>\n`
}

function displayed(data: Record<string, unknown>, metadata: Record<string, unknown>, options: OutputOptions): string {
  const chosen = choose({data})
  if (!chosen) return `<span class="missing">[${escapeHtml(typesOf(data))}]</span>`
  const {mime, data: text} = chosen
  if (mime.startsWith('image/')) return picture(mime, text, metadata[mime], data['text/plain'])
  switch (mime) {
    case 'text/html': return html(text, options)
    case 'text/markdown': return `<div class="text">${options.markdown.render(text)}</div>`
    case 'text/latex': return latex(text, options.math)
    case 'application/json': return `<pre>${options.highlighter.html(text, 'json')}</pre>`
    default: return `<pre>${ansiHtml(text)}</pre>`
  }
}

function html(text: string, {trust, lazy}: OutputOptions): string {
  if (trust) return text
  const plain = withoutScopedStyle(text)
  if (!needsFrame(plain)) return sanitizeHtml(plain, {image: (source) => (/^data:image\//i.test(source) ? source : undefined)})
  const page = `<!doctype html><meta charset="utf-8"><style>${frameStyle}</style>${text}`
  // of its origin, so that the page can see its height; without scripts nothing in it can make use of that
  return `<iframe sandbox="allow-same-origin"${lazy ? ' loading="lazy"' : ''} title="output" srcdoc="${escapeHtml(page)}"></iframe>`
}

function latex(text: string, math: MathRenderer | undefined): string {
  const tex = text.trim().replace(/^(\${1,2})([\s\S]*)\1$/, '$2').replace(/^\\[[(]([\s\S]*)\\[\])]$/, '$1').replace(/^\\displaystyle\s*/, '')
  return math ? math(tex, true) : `<pre>${escapeHtml(text)}</pre>`
}

function picture(mime: string, data: string, metadata: unknown, plain: unknown): string {
  const uri = pictureUri(mime, data)
  const text = typeof plain === 'string' ? plain : ''
  if (uri === undefined) return `<span class="missing">[${escapeHtml(`${mime}, which cannot be read`)}]</span> <pre>${escapeHtml(text)}</pre>`
  const size = (['width', 'height'] as const).map((name) => {
    const value = (metadata as Record<string, unknown> | undefined)?.[name] // any value: only numbers count
    return typeof value === 'number' && value > 0 && value < 20_000 ? ` ${name}="${Math.round(value)}"` : ''
  })
  return `<img src="${escapeHtml(uri)}" alt="${escapeHtml(text.slice(0, 300))}"${size.join('')}>`
}
