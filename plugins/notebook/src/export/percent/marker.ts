import type {Metadata} from '../../format/model.ts'

/** What stands behind `%%`: a title, the cell's type, and metadata as `key=value` or as one JSON object. */
export interface Marker {
  title: string
  type: 'code' | 'markdown' | 'raw'
  metadata: Metadata
}

const key = /^[\w.@/-]+$/

export function markerText({title, type, metadata}: Marker): string {
  const entries = Object.entries(metadata).filter(([, value]) => value !== undefined)
  const plain = entries.every(([name]) => key.test(name))
  const options = entries.length === 0 ? [] : plain ? entries.map(([name, value]) => `${name}=${pythonJson(value)}`) : [pythonJson(Object.fromEntries(entries))]
  return ['%%', title, type === 'code' ? '' : `[${type}]`, ...options].filter((one) => one !== '').join(' ')
}

/** JSON with the spaces that Python's has: the same line as jupytext's, so that files of both differ in nothing. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${pythonJson(one)}`).join(', ')}}`
}

/** A title that can stand in a marker: nothing of it can be taken for metadata or a type. */
export const isTitle = (value: unknown): value is string => typeof value === 'string' && /^[^\s%.{}=[\]][^\n{}=[\]]*$/.test(value) && value.trim() === value

/** `text`: what stands behind the first `%%`. What is no metadata is title. */
export function parseMarker(text: string): Marker {
  const rest = text.replace(/^%*/, '').trim()
  const [brace, equals] = [rest.indexOf('{'), rest.indexOf('=')]
  const json = brace >= 0 && (equals < 0 || brace < equals) ? parsed(rest.slice(brace)) : undefined
  if (typeof json === 'object' && json !== null) return typed(rest.slice(0, brace), json as Metadata) // it begins with a brace
  const first = /(?:^|\s)([\w.@/-]+)\s*=\s*(?=\S)/.exec(rest)
  return first ? typed(rest.slice(0, first.index), parseOptions(rest.slice(first.index))) : typed(rest, {})
}

function typed(before: string, metadata: Metadata): Marker {
  const [found, name] = /\[(markdown|md|raw)\]/.exec(before) ?? []
  const title = before.replace(found ?? '', '').trim()
  return {title, type: name === undefined ? 'code' : name === 'raw' ? 'raw' : 'markdown', metadata}
}

function parseOptions(text: string): Metadata {
  const metadata: Metadata = {}
  let rest = text.trim()
  while (rest !== '') {
    const [whole, name] = /^([\w.@/-]+)\s*=\s*/.exec(rest) ?? []
    if (whole === undefined || name === undefined) {
      rest = rest.replace(/^\S+\s*/, '') // a word without a value
      continue
    }
    rest = rest.slice(whole.length)
    const length = valueLength(rest)
    metadata[name] = parsed(rest.slice(0, length)) ?? null
    rest = rest.slice(length).trim()
  }
  return metadata
}

/** How long the value at the start of the text is: strings and brackets as a whole. */
function valueLength(text: string): number {
  let depth = 0
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quote !== '') {
      if (character === '\\') at++
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if ('[{('.includes(character)) depth++
    else if (']})'.includes(character)) depth--
    else if (/\s/.test(character) && depth <= 0) return at
  }
  return text.length
}

/** JSON, else a word of Python's, else the text itself. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const words: Record<string, unknown> = {True: true, False: false, None: null}
    if (Object.hasOwn(words, text)) return words[text]
    return /^'[^'\\]*'$/.test(text) ? text.slice(1, -1) : text
  }
}
