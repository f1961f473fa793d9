import type {Token} from '../highlight.ts'

/** Colours of a terminal by what a token is, the more special name first. */
const colours: [prefix: string, code: string][] = [
  ['comment', '90'], ['quote', '90'], ['keyword', '35'], ['literal', '35'], ['operator', '35'], ['string', '32'], ['regexp', '32'], ['number', '36'], ['title', '34'], ['name', '34'], ['section', '34'],
  ['built_in', '33'], ['type', '33'], ['class', '33'], ['meta', '36'], ['attr', '36'], ['variable', '36'], ['symbol', '36'],
]

/** Code in a terminal's colours; the text itself is made safe by `safe`. A colour never goes over the end of a line, for pagers. */
export function coloured(tokens: readonly Token[], safe: (text: string) => string): string {
  return tokens.map(({text, scope}) => {
    const code = scope === undefined ? undefined : colours.find(([prefix]) => scope === prefix || scope.startsWith(`${prefix}.`))?.[1]
    return code === undefined ? safe(text) : safe(text).split('\n').map((line) => (line === '' ? '' : `\u001B[${code}m${line}\u001B[39m`)).join('\n')
  }).join('')
}
