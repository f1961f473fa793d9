import {randomBytes} from 'node:crypto'
import Markdown, {type MarkdownIt} from 'markdown-it'
import type {MimeBundle} from '../../format/model.ts'
import type {Highlighter} from '../../highlight.ts'
import {sourceUri} from './images.ts'
import {type MathRenderer, mathRules} from './math.ts'
import {sanitizeHtml} from './sanitize.ts'

export interface Heading {
  level: number
  text: string
  id: string
}

export interface MarkdownOptions {
  highlighter: Highlighter
  /** undefined: formulas stay TeX */
  math: MathRenderer | undefined
  /** where pictures that it names may be */
  folder: string | undefined
  /** HTML of the notebook goes into the page as it is */
  trust: boolean
}

/** Markdown of a notebook as HTML; headings are collected on the way. */
export class MarkdownRenderer {
  readonly headings: Heading[] = []
  readonly #markdown: MarkdownIt
  readonly #options: MarkdownOptions
  readonly #ids = new Map<string, number>()
  /** what the sanitiser is not to see, by a mark that no notebook can know */
  readonly #mark = `cgpu-${randomBytes(12).toString('hex')}-`
  #kept: string[] = []

  constructor(options: MarkdownOptions) {
    this.#options = options
    this.#markdown = new Markdown({html: true, linkify: true, highlight: (code, language) => options.highlighter.html(code, language)})
    const {math} = options
    if (math) mathRules(this.#markdown, (tex, display) => `${this.#mark}${this.#kept.push(math(tex, display)) - 1};`)
    this.#markdown.core.ruler.push('heading-ids', ({tokens}) => {
      for (const [index, token] of tokens.entries()) if (token.type === 'heading_open') token.attrSet('id', this.#heading(Number(token.tag.slice(1)), tokens[index + 1]?.content ?? ''))
    })
  }

  render(source: string, attachments?: Record<string, MimeBundle>): string {
    this.#kept = []
    const {trust, folder} = this.#options
    const image = (from: string): string | undefined => sourceUri(from, {attachments, folder})
    const tokens = this.#markdown.parse(source, {})
    const all = tokens.flatMap((token) => [token, ...(token.children ?? [])])
    if (trust) for (const token of all) if (token.type === 'image') token.attrSet('src', image(srcOf(token)) ?? srcOf(token))
    const html = this.#markdown.renderer.render(tokens, this.#markdown.options, {})
    // what markdown-it makes by itself is harmless: it lets no address of a script through
    const clean = !trust && all.some(({type}) => type === 'html_block' || type === 'html_inline' || type === 'image') ? sanitizeHtml(html, {image}) : html
    return clean.replaceAll(new RegExp(`${this.#mark}(\\d+);`, 'g'), (_, index: string) => this.#kept[Number(index)] ?? '')
  }

  /** Ids as Jupyter gives them, so that links within the notebook work. */
  #heading(level: number, text: string): string {
    const base = text.trim().replaceAll(/[`*]/g, '').replaceAll(/\s+/g, '-') || 'section'
    const before = this.#ids.get(base) ?? 0
    this.#ids.set(base, before + 1)
    const id = before === 0 ? base : `${base}-${before}`
    this.headings.push({level, text: text.replaceAll(/[`*]/g, '').trim(), id})
    return id
  }
}

const srcOf = (token: {attrGet: (name: string) => string | number | null}): string => String(token.attrGet('src') ?? '')
