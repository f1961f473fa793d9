import {QueryError, type Token, lex} from './lex.ts'

export type Operator = 'contains' | '=' | '!=' | '<' | '<=' | '>' | '>='

export type Query =
  | {kind: 'and' | 'or'; left: Query; right: Query}
  | {kind: 'not'; of: Query}
  | {kind: 'text'; field: TextField; operator: Operator; value: string}
  | {kind: 'time'; field: TimeField; operator: Operator; value: number}
  | {kind: 'flag'; field: FlagField; value: boolean}
  | {kind: 'member'; field: MemberField; value: string}
  | {kind: 'property'; field: PropertyField; key: string; value: string}

const texts = ['name', 'fullText', 'mimeType', 'visibility', 'shortcutDetails.targetId'] as const
const times = ['modifiedTime', 'createdTime', 'viewedByMeTime'] as const
const flags = ['trashed', 'starred', 'sharedWithMe'] as const
const members = ['parents', 'owners', 'writers', 'readers'] as const
const properties = ['properties', 'appProperties'] as const

type TextField = (typeof texts)[number]
type TimeField = (typeof times)[number]
type FlagField = (typeof flags)[number]
type MemberField = (typeof members)[number]
type PropertyField = (typeof properties)[number]

const operators: Record<TextField, readonly string[]> = {
  name: ['contains', '=', '!='], mimeType: ['contains', '=', '!='], fullText: ['contains'], visibility: ['=', '!='],
  'shortcutDetails.targetId': ['=', '!='],
}
const visibilities = ['anyoneCanFind', 'anyoneWithLink', 'domainCanFind', 'domainWithLink', 'limited']

const longest = 20_000
const deepest = 200

/** Parses `q` of `files.list`. `and` and `or` bind alike, from left to right, as the search guide says. Throws QueryError. */
export function parseQuery(text: string): Query | null {
  if (text.length > longest) throw new QueryError('too long')
  const parser = new Parser(lex(text))
  if (parser.atEnd) return null
  const query = parser.expression(0)
  if (!parser.atEnd) throw new QueryError('more follows than belongs to the query')
  return query
}

const isOf = <T extends string>(list: readonly T[], value: string): value is T => (list as readonly string[]).includes(value)

class Parser {
  readonly #tokens: Token[]
  #at = 0

  constructor(tokens: Token[]) {
    this.#tokens = tokens
  }

  get atEnd(): boolean {
    return this.#peek().kind === 'end'
  }

  expression(depth: number): Query {
    if (depth > deepest) throw new QueryError('nested too deeply')
    let left = this.#term(depth)
    for (;;) {
      const joint = this.#word('and') ? 'and' : this.#word('or') ? 'or' : undefined
      if (joint === undefined) return left
      left = {kind: joint, left, right: this.#term(depth)}
    }
  }

  #term(depth: number): Query {
    if (depth > deepest) throw new QueryError('nested too deeply')
    if (this.#word('not')) return {kind: 'not', of: this.#term(depth + 1)}
    if (this.#sign('(')) {
      const inside = this.expression(depth + 1)
      this.#must(')')
      return inside
    }
    const first = this.#next()
    if (first.kind === 'text') {
      if (!this.#word('in')) throw new QueryError("a text in front wants 'in'")
      return this.#member(this.#name(), first.value)
    }
    if (first.kind !== 'word') throw new QueryError('a field was expected')
    return this.#comparison(first.value)
  }

  #comparison(field: string): Query {
    if (isOf(flags, field)) return this.#flag(field)
    if (isOf(properties, field)) return this.#property(field)
    if (isOf(members, field)) {
      if (!this.#word('in')) throw new QueryError(`${field} wants 'in'`)
      return this.#member(field, this.#text())
    }
    const operator = this.#operator()
    if (isOf(times, field)) {
      if (operator === 'contains') throw new QueryError(`${field} cannot contain`)
      return {kind: 'time', field, operator, value: this.#time()}
    }
    if (!isOf(texts, field) || !operators[field].includes(operator)) throw new QueryError(`not a comparison: ${field} ${operator}`)
    const value = this.#text()
    if (field === 'visibility' && !visibilities.includes(value)) throw new QueryError('not a visibility')
    return {kind: 'text', field, operator, value}
  }

  #flag(field: FlagField): Query {
    const sign = this.#peek()
    // `sharedWithMe and …` is in the guide
    if (sign.kind !== 'sign' || (sign.value !== '=' && sign.value !== '!=')) return {kind: 'flag', field, value: true}
    this.#next()
    const value = this.#next()
    if (value.kind !== 'word' || (value.value !== 'true' && value.value !== 'false')) throw new QueryError(`${field} is true or false`)
    return {kind: 'flag', field, value: (value.value === 'true') === (sign.value === '=')}
  }

  #property(field: PropertyField): Query {
    if (!this.#word('has')) throw new QueryError(`${field} wants 'has'`)
    this.#must('{')
    const found: Partial<Record<string, string>> = {}
    do {
      const name = this.#name()
      this.#must('=')
      found[name] = this.#text()
    } while (this.#word('and'))
    this.#must('}')
    if (found.key === undefined || found.value === undefined) throw new QueryError('key and value are wanted')
    return {kind: 'property', field, key: found.key, value: found.value}
  }

  #member(field: string, value: string): Query {
    if (!isOf(members, field)) throw new QueryError(`nothing can be in ${field}`)
    return {kind: 'member', field, value}
  }

  #operator(): Operator {
    const token = this.#next()
    if (token.kind === 'word' && token.value.toLowerCase() === 'contains') return 'contains'
    if (token.kind === 'sign' && isOf(['=', '!=', '<', '<=', '>', '>='] as const, token.value)) return token.value
    throw new QueryError('an operator was expected')
  }

  #time(): number {
    const text = this.#text()
    const shape = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/i.exec(text)
    const ms = shape ? Date.parse(text.includes('T') && shape[1] === undefined ? `${text}Z` : text) : NaN
    if (Number.isNaN(ms)) throw new QueryError('not a date')
    return ms
  }

  #text(): string {
    const token = this.#next()
    if (token.kind !== 'text') throw new QueryError('a text in single quotes was expected')
    return token.value
  }

  #name(): string {
    const token = this.#next()
    if (token.kind !== 'word') throw new QueryError('a name was expected')
    return token.value
  }

  #must(sign: string): void {
    if (!this.#sign(sign)) throw new QueryError(`${sign} was expected`)
  }

  #word(value: string): boolean {
    return this.#takes('word', value)
  }

  #sign(value: string): boolean {
    return this.#takes('sign', value)
  }

  #takes(kind: Token['kind'], value: string): boolean {
    const token = this.#peek()
    if (token.kind !== kind || token.value.toLowerCase() !== value) return false
    this.#at++
    return true
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? {kind: 'end', value: ''}
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }
}
