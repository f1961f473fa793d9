import type {Style} from '../render/terminal.ts'
import type {Span} from './layout.ts'

const keywords: Record<string, ReadonlySet<string>> = {
  python: new Set((
    'False None True and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match ' +
    'nonlocal not or pass raise return try while with yield'
  ).split(' ')),
  r: new Set('if else for while repeat function return next break TRUE FALSE NULL NA NaN Inf in library'.split(' ')),
  julia: new Set('begin break catch const continue do else elseif end false finally for function global if import let local macro module quote return struct true try using while nothing'.split(' ')),
  bash: new Set('if then else elif fi for while do done case esac function in return local export'.split(' ')),
}

/** A string (to its end, or to where the text ends), a comment, a number, a word, anything else. */
const token =
  /(?<string>[rbuf]{0,2}"""(?:[^\\]|\\.)*?(?:"""|(?![\s\S]))|[rbuf]{0,2}'''(?:[^\\]|\\.)*?(?:'''|(?![\s\S]))|[rbuf]{0,2}"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|$)|[rbuf]{0,2}'(?:[^'\\\n]|\\.)*(?:'|(?=\n)|$))|(?<comment>#[^\n]*)|(?<number>\b\d[\w.]*)|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<magic>(?<=^\s*)[%!]{1,2}[^\s]*)|[\s\S]/gimsuy

const styles: Record<string, Style> = {string: 'green', comment: 'dim', number: 'cyan', magic: 'yellow'}

/** Longer ones are shown plainly: every key would go through all of it. */
export const longest = 20_000

/** The text in colours, by what its language is called; roughly: it is only looked at. */
export function highlight(text: string, language: string): Span[] {
  if (text.length > longest) return [{text}]
  const words = keywords[language]
  const spans: Span[] = []
  let plain = ''
  for (const {0: piece, groups = {}} of text.matchAll(token)) {
    const kind = Object.keys(styles).find((name) => groups[name] !== undefined)
    const found = kind === undefined ? (groups['word'] !== undefined && words?.has(piece) ? 'yellow' : undefined) : styles[kind]
    if (found === undefined) {
      plain += piece
      continue
    }
    if (plain !== '') spans.push({text: plain})
    plain = ''
    spans.push({text: piece, style: found})
  }
  if (plain !== '') spans.push({text: plain})
  return spans
}
