import Markdown, {type MarkdownIt} from 'markdown-it'
import {htmlToText, style, type Style, table} from '@cgpu/plugin-sdk/render'
import type {Highlighter} from '../highlight.ts'
import {coloured} from './highlight.ts'
import {wrapped} from './wrap.ts'

export interface TerminalMarkdown {
  colour: boolean
  /** columns */
  width: number
  highlighter: Highlighter
  /** makes text of the notebook harmless for the terminal */
  safe: (text: string) => string
}

type Token = ReturnType<MarkdownIt['parse']>[number]

const parser = new Markdown({html: true, linkify: true})

/** Markdown for a terminal: headings, lists, code, tables and emphasis as terminals have them. Ends with a newline. */
export function terminalMarkdown(source: string, options: TerminalMarkdown): string {
  const out: string[] = []
  const {colour, width, highlighter, safe} = options
  /** what lines of lists and quotations begin with: the first line of an item, and all others */
  const margins: {first: string; rest: string; used: boolean}[] = []
  const numbers: (number | undefined)[] = []
  const write = (text: string, wrap = false): void => {
    const first = margins.map((one) => (one.used ? one.rest : one.first)).join('')
    const rest = margins.map((one) => one.rest).join('')
    for (const one of margins) one.used = true
    const room = Math.max(20, width - rest.length)
    const lines = text.split('\n').flatMap((line) => (wrap ? wrapped(line, room) : [line]))
    out.push(lines.map((line, index) => ((index === 0 ? first : rest) + line).trimEnd()).join('\n'))
  }
  let rows: string[][] = []
  const tokens = parser.parse(source, {})
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1]
    switch (token.type) {
      case 'heading_open': margins.push({first: '', rest: '', used: false}); break
      case 'heading_close': case 'list_item_close': case 'blockquote_close': margins.pop(); break
      case 'bullet_list_open': numbers.push(undefined); break
      case 'ordered_list_open': numbers.push(Number(token.attrGet('start') ?? 1)); break
      case 'bullet_list_close': case 'ordered_list_close': numbers.pop(); break
      case 'list_item_open': margins.push(item(numbers)); break
      case 'blockquote_open': margins.push({first: '| ', rest: '| ', used: false}); break
      case 'hr': write(style('─'.repeat(Math.min(width, 40)), 'dim', colour)); break
      case 'fence': case 'code_block': write(indented(codeText(token, highlighter, colour, safe))); break
      case 'html_block': write(safe(htmlToText(token.content))); break
      case 'table_open': rows = []; break
      case 'tr_open': rows.push([]); break
      case 'table_close': write(table(rows[0] ?? [], rows.slice(1), {width, colour})); break
      case 'inline':
        if (before?.type === 'th_open' || before?.type === 'td_open') rows.at(-1)?.push(inline(token, {...options, colour: false}))
        else write(before?.type === 'heading_open' ? heading(inline(token, options), Number(before.tag.slice(1)), colour) : inline(token, options), true)
        break
      default:
    }
    // blocks are parted by a line, but for those of a tight list
    if (token.nesting <= 0 && token.block && !token.hidden && margins.length === 0 && /(_close|fence|code_block|html_block|hr)$/.test(token.type) && !/^(t|th|td|tr|list_item|thead|tbody)_/.test(token.type)) out.push('')
  }
  return `${out.join('\n').replaceAll(/\n{3,}/g, '\n\n').trim()}\n`
}

function item(numbers: (number | undefined)[]): {first: string; rest: string; used: boolean} {
  const number = numbers.at(-1)
  if (number !== undefined) numbers[numbers.length - 1] = number + 1
  const first = number === undefined ? '- ' : `${number}. `
  return {first, rest: ' '.repeat(first.length), used: false}
}

const heading = (text: string, level: number, colour: boolean): string => (colour ? style(text, 'bold', true) : `${'#'.repeat(level)} ${text}`)
const indented = (text: string): string => text.split('\n').map((line) => (line === '' ? '' : `    ${line}`)).join('\n')

function codeText(token: Token, highlighter: Highlighter, colour: boolean, safe: (text: string) => string): string {
  const text = token.content.trimEnd()
  return colour ? coloured(highlighter.tokens(text, token.info.trim().split(/\s/)[0] ?? ''), safe) : safe(text)
}

const styles: Record<string, Style> = {strong: 'bold', em: 'yellow', code_inline: 'cyan', s: 'dim'}

function inline(token: Token, {colour, safe}: TerminalMarkdown): string {
  const open: Style[] = []
  let out = ''
  let href = ''
  for (const one of token.children ?? []) {
    const kind = styles[one.type.replace(/_(open|close)$/, '')]
    if (one.type === 'code_inline') out += colour ? style(safe(one.content), 'cyan', true) : `\`${safe(one.content)}\``
    else if (kind !== undefined && one.nesting === 1) open.push(kind)
    else if (kind !== undefined && one.nesting === -1) open.pop()
    else if (one.type === 'link_open') href = String(one.attrGet('href') ?? '')
    else if (one.type === 'link_close') {
      if (!out.endsWith(href)) out += ` (${safe(href)})`
    } else if (one.type === 'softbreak') out += ' '
    else if (one.type === 'hardbreak') out += '\n'
    else if (one.type === 'html_inline') out += /^<br\b/i.test(one.content) ? '\n' : ''
    else if (one.type === 'image') out += `[${safe(one.content || 'image')}]`
    else out += open.reduce((text, name) => style(text, name, colour), safe(one.content))
  }
  return out
}
