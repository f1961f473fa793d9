// The public interface of the SDK, read off its compiled declarations: a line for each member, so that what a change breaks is a line that is gone.
import {existsSync, readFileSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const entries = {'@cgpu/plugin-sdk': 'index', '@cgpu/plugin-sdk/render': 'render/index', '@cgpu/plugin-sdk/testing': 'testing/index'}
/** what stands behind it in an entry's source is cgpu's own */
const endOfContract = '// For cgpu itself.'

const cache = new Map()

/** Top-level statements of a declaration file: tsc begins each at the line's start. */
function statements(path) {
  if (cache.has(path)) return cache.get(path)
  const found = []
  let doc = []
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line.startsWith('//') || line === '') continue
    if (line.startsWith('/**') || (doc.length > 0 && !doc.at(-1).endsWith('*/'))) doc.push(line)
    else if (/^[a-z]/.test(line)) {
      found.push({doc: doc.join('\n'), text: line})
      doc = []
    } else if (found.length > 0) found.at(-1).text += `\n${line}`
  }
  const own = found.map(({doc, text}) => ({doc, text: / extends Command /.test(text.split('\n')[0]) ? withoutInherited(text, path) : text}))
  cache.set(path, own)
  return own
}

/** A class of ours without what it only does in its own way: those members are promised by oclif, and declarations do not tell them apart. */
function withoutInherited(text, path) {
  const source = path.replace(/([\\/])dist([\\/])/, '$1src$2').replace(/\.d\.ts$/, '.ts')
  if (!existsSync(source)) return text
  const names = [...readFileSync(source, 'utf8').matchAll(/^ {2}(?:protected |static )*override (?:async |get )?(\w+)/gm)].map(([, name]) => name)
  return names.reduce((left, name) => left.replace(new RegExp(`^(?: {4}/\\*\\*[^\\n]*\\*/\\n)? {4}(?:protected |static )*${name}\\b.*\\n`, 'm'), ''), text)
}

function fileOf(specifier, from) {
  if (specifier.startsWith('.')) return resolve(dirname(from), specifier.replace(/\.ts$/, '.d.ts'))
  const core = /^@cgpu\/core\/(.+)$/.exec(specifier)
  return core ? join(root, 'packages/core/dist', `${core[1]}.d.ts`) : undefined
}

const declared = (text) => /^(?:export )?(?:declare )?(?:abstract )?(?:class|const|enum|function|interface|type) (\w+)/.exec(text)?.[1]

/** Name -> {doc, text} of everything that the file exports; `only`: those names. */
function exportsOf(path, only) {
  const all = new Map()
  const put = (name, one) => {
    if (!only || only.has(name)) all.set(name, one)
  }
  for (const {doc, text} of statements(path)) {
    const star = /^export (?:type )?\* from '([^']+)'/.exec(text)
    const list = /^export (?:type )?\{([^}]*)\} from '([^']+)'/.exec(text)
    if (star) for (const [name, one] of exportsOf(fileOf(star[1], path))) put(name, one)
    else if (list) {
      const file = fileOf(list[2], path)
      const names = list[1].split(',').map((name) => name.replace(/\btype\b/, '').trim()).filter(Boolean)
      for (const [name, one] of file ? exportsOf(file, new Set(names)) : []) put(name, one)
    } else if (text.startsWith('export ')) {
      const name = declared(text)
      if (name) put(name, {doc, text: text.replace(/^export (?:declare )?/, '')})
    }
  }
  return all
}

/** Names of the entry that belong to the contract. */
function publicNames(entry) {
  const source = readFileSync(join(root, 'packages/plugin-sdk/src', `${entry}.ts`), 'utf8').split(endOfContract)[0]
  const names = [...source.matchAll(/export (?:type )?\{([^}]*)\} from/g)].flatMap(([, list]) => list.split(',').map((name) => name.replace(/\btype\b/, '').trim()))
  const starred = [...source.matchAll(/export type \* from '([^']+)'/g)].flatMap(([, specifier]) => [...exportsOf(fileOf(specifier, '')).keys()])
  return new Set([...names, ...starred].filter(Boolean))
}

/** Of each entry its names, sorted. */
function contract() {
  return Object.entries(entries).map(([specifier, entry]) => {
    const all = exportsOf(join(root, 'packages/plugin-sdk/dist', `${entry}.d.ts`), publicNames(entry))
    return {specifier, all: [...all].sort(([a], [b]) => (a < b ? -1 : 1))}
  })
}

const withoutComments = (text) => text.replaceAll(/\/\*[\s\S]*?\*\//g, '')

/** A line for the declaration's head and one for each member or alternative, without comments and private parts. */
function linesOf(name, text) {
  const lines = withoutComments(text).split('\n').filter((line) => line.trim() !== '')
  if (lines.length === 1) {
    const alternatives = /^type (\w+) = ((?:'[^']*'(?: \| )?)+);$/.exec(lines[0])
    return alternatives ? alternatives[2].split(' | ').map((one) => `type ${name} = ${one}`) : [lines[0]]
  }
  const members = []
  for (const line of lines.slice(1)) {
    if (/^ {4}[^ }\])]/.test(line)) members.push(line.trim())
    else if (members.length > 0 && line.startsWith('    ')) members[members.length - 1] += ` ${line.trim()}`
  }
  return [lines[0], ...members.filter((one) => !/^(#private|private )/.test(one)).map((one) => `${name}: ${one}`)]
}

/** The report: what plugins may rely on. */
export function apiReport() {
  return `${contract().flatMap(({specifier, all}) => [`# ${specifier}`, ...all.flatMap(([name, {text}]) => linesOf(name, text))]).join('\n')}\n`
}

/** Lines of the frozen contract that are gone: each breaks plugins. */
export function brokenPromises(report) {
  const frozen = readFileSync(join(root, 'packages/plugin-sdk/api/contract-1.txt'), 'utf8')
  const now = new Set(report.split('\n'))
  return frozen.split('\n').filter((line) => line !== '' && !now.has(line))
}

const plain = (doc) => doc.replaceAll(/^\/\*\*\s?|\s*\*\/$|^ \* ?/gm, '').trim().replaceAll('\n', ' ')

/** docs/plugin-api.md. */
export function apiDoc() {
  const sections = contract().map(({specifier, all}) => {
    const items = all.map(([name, {doc, text}]) => `### ${name}\n\n${doc === '' ? '' : `${plain(doc)}\n\n`}\`\`\`ts\n${text.replaceAll(/^ {4}(#private|private ).*\n/gm, '').replaceAll('    ', '  ')}\n\`\`\``)
    return `## ${specifier}\n\n${items.join('\n\n')}`
  })
  return `# The plugin API\n\nGenerated from the SDK by \`npm run build\`. How plugins are written is in [plugins.md](plugins.md), events are in [hooks.md](hooks.md).\nWhat stands here is contract 1: it is added to, and nothing of it goes or changes before contract 2, with which plugins of contract 1 still work.\n\n${sections.join('\n\n')}\n`
}
