/** Thrown for a `q` or `orderBy` that is not one; the API answers 400 to it. */
export class QueryError extends Error {}

export type Token =
  | {kind: 'text'; value: string}
  | {kind: 'word'; value: string}
  | {kind: 'sign'; value: string}
  | {kind: 'end'; value: ''}

const sign = /^(?:<=|>=|!=|[()=<>{},])/
const word = /^[A-Za-z][\w.]*/

/** Texts in single quotes with `\'` and `\\`, words, signs. */
export function lex(query: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < query.length) {
    const rest = query.slice(at, at + 300)
    const blank = /^\s+/.exec(rest)
    if (blank) {
      at += blank[0].length
      continue
    }
    if (query[at] === "'") {
      const {value, end} = quoted(query, at + 1)
      tokens.push({kind: 'text', value})
      at = end
      continue
    }
    const found = sign.exec(rest)
    const name = found ? null : word.exec(rest)
    if (found) tokens.push({kind: 'sign', value: found[0]})
    else if (name) tokens.push({kind: 'word', value: name[0]})
    else throw new QueryError(`a word or a text in single quotes was expected at ${at}`)
    at += (found ?? name)?.[0].length ?? 1
  }
  tokens.push({kind: 'end', value: ''})
  return tokens
}

function quoted(query: string, start: number): {value: string; end: number} {
  let value = ''
  for (let at = start; at < query.length; at++) {
    const sign = query[at]
    if (sign === "'") return {value, end: at + 1}
    if (sign === '\\') {
      const next = query[at + 1]
      if (next !== "'" && next !== '\\') throw new QueryError(`only ' and \\ may follow a backslash, at ${at}`)
      value += next
      at++
    } else value += sign
  }
  throw new QueryError('a text has no end')
}
