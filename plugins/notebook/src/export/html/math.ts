import type {MarkdownIt} from 'markdown-it'

/** What is longer is no formula: looking for its end at every dollar would take too long. */
const longest = 20_000

/** Takes TeX and gives HTML. */
export type MathRenderer = (tex: string, display: boolean) => string

/** TeX as MathML, which browsers draw themselves: no fonts, no script. What is no TeX is shown as it is. */
export async function mathRenderer(): Promise<MathRenderer> {
  const {default: katex} = await import('katex')
  return (tex, display) => katex.renderToString(tex, {displayMode: display, output: 'mathml', throwOnError: false, strict: 'ignore', maxSize: 50, maxExpand: 1000})
}

/** Whether text may hold formulas: the renderer is loaded only then. */
export const hasMath = (text: string): boolean => /\$|\\[([]|\\begin\{/.test(text)

/** Makes `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and `\begin{…}…\end{…}` formulas, as Jupyter does: what is in them is no Markdown. `put` gives the HTML for one. */
export function mathRules(markdown: MarkdownIt, put: MathRenderer): void {
  const inline = (text: string, from: number): Formula | undefined => {
    const rest = text.slice(from, from + longest)
    const [whole = '', tex = '', other = ''] = /^\$\$([^$]+)\$\$/.exec(rest) ?? /^\\\\?\[([\s\S]+?)\\\\?\]/.exec(rest) ?? []
    if (whole !== '') return {length: whole.length, tex: tex || other, display: true}
    const [begun, name = ''] = /^\\begin\{(\w+\*?)\}/.exec(rest) ?? []
    if (begun !== undefined) {
      const close = `\\end{${name}}`
      const end = rest.indexOf(close)
      return end < 0 ? undefined : {length: end + close.length, tex: rest.slice(0, end + close.length), display: true}
    }
    // a price is no formula: no space inside, no digit behind
    const [short = '', one, two] = /^\$(?![\s$])((?:[^$\\]|\\[\s\S])*?[^\s\\]|\S)\$(?!\d)/.exec(rest) ?? /^\\\\\(([\s\S]+?)\\\\\)/.exec(rest) ?? []
    return short === '' ? undefined : {length: short.length, tex: one ?? two ?? '', display: false}
  }
  markdown.inline.ruler.before('escape', 'math', (state, silent) => {
    const code = state.src.charCodeAt(state.pos)
    if (code !== 0x24 && code !== 0x5c) return false
    const formula = inline(state.src, state.pos)
    if (!formula) return false
    if (!silent) {
      const token = state.push('math', 'math', 0)
      token.content = formula.tex
      token.hidden = formula.display // kept for the rule below
    }
    state.pos += formula.length
    return true
  })
  // as a block of its own: lines in it may look like lists, headings or rules
  markdown.block.ruler.before('fence', 'math', (state, start, end, silent) => {
    const lineOf = (line: number): string => state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line])
    if ((state.sCount[start] ?? 0) - state.blkIndent >= 4 || !/^(\$\$|\\begin\{|\\\\?\[)/.test(lineOf(start))) return false
    let text = ''
    for (let line = start; line < end && lineOf(line) !== '' && text.length < longest; line++) {
      text += `${lineOf(line)}\n`
      const formula = inline(text, 0)
      if (!formula || text.slice(formula.length).trim() !== '') continue
      if (!silent) {
        const token = state.push('math', 'math', 0)
        token.content = formula.tex
        token.hidden = true
        token.block = true
        token.map = [start, line + 1]
        state.line = line + 1
      }
      return true
    }
    return false
  }, {alt: ['paragraph', 'blockquote', 'list']})
  markdown.renderer.rules['math'] = (tokens, index) => {
    const token = tokens[index]
    return token === undefined ? '' : put(token.content, token.hidden) + (token.block ? '\n' : '')
  }
}

interface Formula {
  length: number
  tex: string
  display: boolean
}
