import type {HLJSApi, LanguageFn} from 'highlight.js'
import {isRecord} from './format/model.ts'

/** Grammars that notebooks use, each loaded when one does. */
const grammars: Record<string, () => Promise<{default: LanguageFn}>> = {
  bash: () => import('highlight.js/lib/languages/bash'),
  'c++': () => import('highlight.js/lib/languages/cpp'),
  csharp: () => import('highlight.js/lib/languages/csharp'),
  css: () => import('highlight.js/lib/languages/css'),
  go: () => import('highlight.js/lib/languages/go'),
  haskell: () => import('highlight.js/lib/languages/haskell'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  julia: () => import('highlight.js/lib/languages/julia'),
  latex: () => import('highlight.js/lib/languages/latex'),
  lua: () => import('highlight.js/lib/languages/lua'),
  python: () => import('highlight.js/lib/languages/python'),
  r: () => import('highlight.js/lib/languages/r'),
  ruby: () => import('highlight.js/lib/languages/ruby'),
  rust: () => import('highlight.js/lib/languages/rust'),
  scala: () => import('highlight.js/lib/languages/scala'),
  sql: () => import('highlight.js/lib/languages/sql'),
  typescript: () => import('highlight.js/lib/languages/typescript'),
  xml: () => import('highlight.js/lib/languages/xml'),
  yaml: () => import('highlight.js/lib/languages/yaml'),
}
const alias: Record<string, string> = {
  py: 'python', python3: 'python', ipython: 'python', ipython3: 'python', sh: 'bash', shell: 'bash', zsh: 'bash', js: 'javascript', ts: 'typescript', yml: 'yaml', html: 'xml', svg: 'xml', cpp: 'c++',
  tex: 'latex', rb: 'ruby', rs: 'rust', jl: 'julia', hs: 'haskell',
}
/** More is not worth the time that it takes. */
const longest = 200_000

/** A piece of code and what it is, by highlight.js's names: `keyword`, `string` …; undefined: nothing special. */
export interface Token {
  text: string
  scope: string | undefined
}

export const escapeHtml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Colours code in the languages that were loaded. */
export class Highlighter {
  readonly #api: HLJSApi

  private constructor(api: HLJSApi) {
    this.#api = api
  }

  /** Names that are no language's are left out. */
  static async of(names: Iterable<string>): Promise<Highlighter> {
    const {default: core} = await import('highlight.js/lib/core')
    const api = core.newInstance()
    await Promise.all([...new Set([...names].map(nameOf))].map(async (name) => {
      const load = Object.hasOwn(grammars, name) ? grammars[name] : undefined
      if (load) api.registerLanguage(name, (await load()).default)
    }))
    return new Highlighter(api)
  }

  /** The code as HTML, with spans of the classes `hljs-…`. */
  html(code: string, language: string): string {
    return this.#run(code, language)?.value ?? escapeHtml(code)
  }

  tokens(code: string, language: string): Token[] {
    const found = this.#run(code, language)
    if (!found) return [{text: code, scope: undefined}]
    const tokens: Token[] = []
    const walk = (node: unknown, scope: string | undefined): void => {
      if (typeof node === 'string') tokens.push({text: node, scope})
      else if (isRecord(node) && Array.isArray(node['children'])) for (const child of node['children']) walk(child, typeof node['scope'] === 'string' ? node['scope'] : scope)
    }
    // the emitter's tree is not in its types; it is checked on the way
    walk((found._emitter as unknown as {rootNode: unknown}).rootNode, undefined)
    return tokens
  }

  #run(code: string, language: string) {
    const name = nameOf(language)
    if (code.length > longest || !this.#api.getLanguage(name)) return undefined
    return this.#api.highlight(code, {language: name, ignoreIllegals: true})
  }
}

function nameOf(name: string): string {
  const lower = name.toLowerCase()
  return Object.hasOwn(alias, lower) ? (alias[lower] ?? lower) : lower
}

/** Languages of the fences in Markdown, and of cell magics such as `%%bash`. */
export function* languagesIn(source: string): Generator<string> {
  for (const [, name = ''] of source.matchAll(/^ {0,12}(?:`{3,}|~{3,}) *\{?([\w+#-]+)/gm)) yield name
  const magic = cellLanguage(source)
  if (magic !== undefined) yield magic
}

const magics = /^%%(bash|sh|script|javascript|js|html|svg|latex|sql|ruby|R)\b/

/** The language of a cell that begins with a magic of another one. */
export function cellLanguage(source: string): string | undefined {
  const [, name] = magics.exec(source) ?? []
  return name === 'script' ? 'bash' : name
}
