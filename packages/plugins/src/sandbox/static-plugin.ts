import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import {TerminalFilter} from '@cgpu/core/text/terminal'

/** What is known of a plugin without running any of it. All texts are plain: no controls, no templates. */
export interface StaticPlugin {
  name: string
  version: string
  description: string
  contract: number | undefined
  topics: Record<string, {description: string}>
  /** event -> files, relative to the plugin's folder */
  hooks: Record<string, string[]>
  commands: StaticCommand[]
  /** why commands are missing */
  problems: string[]
}

export interface StaticCommand {
  id: string
  /** relative to the plugin's folder, with slashes */
  file: string
  summary?: string
  description?: string
  hidden: boolean
  aliases: string[]
  examples: (string | {command: string; description: string})[]
  /** accepts more arguments than it names */
  strict: boolean
  remoteArgs: boolean
  flags: StaticInput[]
  args: StaticInput[]
}

/** A flag or an argument. */
export interface StaticInput {
  name: string
  /** a flag without a value */
  isSwitch: boolean
  /** oclif's settings of it that are data */
  settings: JsonObject
}

/** Events that a plugin may have hooks for in its sandbox. */
export const sandboxedEvent = /^(execution|runtime|notebook|cell|job):/

const maxBytes = 2 * 1024 * 1024
const idPattern = /^[A-Za-z0-9][\w-]{0,60}(:[A-Za-z0-9][\w-]{0,60}){0,5}$/
const namePattern = /^[A-Za-z0-9][\w-]{0,60}$/

/** Reads package.json and oclif.manifest.json. Throws where one of them cannot be; without a manifest there are no commands. */
export function readStaticPlugin(root: string): StaticPlugin {
  const pjson = readObject(join(root, 'package.json'))
  const {oclif, cgpu} = pjson
  const settings = isObject(oclif) ? oclif : {}
  const problems: string[] = []
  return {
    name: plain(pjson['name'], {max: 214}) ?? '', version: plain(pjson['version'], {max: 100}) ?? '', description: plain(pjson['description']) ?? '',
    contract: isObject(cgpu) && typeof cgpu['contract'] === 'number' ? cgpu['contract'] : undefined,
    topics: topicsOf(settings['topics']), hooks: hooksOf(settings['hooks']), commands: commandsOf(root, settings, problems), problems,
  }
}

function readObject(path: string): JsonObject {
  const text = readFileSync(path, 'utf8')
  if (text.length > maxBytes) throw new Error(`${path} is larger than ${maxBytes} bytes`)
  const value = parseJson(text)
  if (!isObject(value)) throw new Error(`${path} is not a JSON object`)
  return value
}

function commandsOf(root: string, oclif: JsonObject, problems: string[]): StaticCommand[] {
  if (oclif['commands'] === undefined) return []
  let manifest: JsonObject
  try {
    manifest = readObject(join(root, 'oclif.manifest.json'))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    problems.push('it has no oclif.manifest.json, without which its commands cannot be known unless its code is run')
    return []
  }
  const {commands} = manifest
  const folder = typeof oclif['commands'] === 'string' ? oclif['commands'] : ''
  if (!isObject(commands)) {
    problems.push('its oclif.manifest.json lists no commands')
    return []
  }
  return Object.entries(commands).flatMap(([id, value]) => {
    const command = isObject(value) && idPattern.test(id) ? commandOf(id, value, folder) : undefined
    if (!command) problems.push(`a command of its oclif.manifest.json cannot be understood: ${plain(id, {max: 60}) ?? ''}`)
    return command ? [command] : []
  })
}

function commandOf(id: string, value: JsonObject, folder: string): StaticCommand | undefined {
  const file = insideFile(Array.isArray(value['relativePath']) ? value['relativePath'].join('/') : `${folder}/${id.replaceAll(':', '/')}.js`)
  if (file === undefined) return undefined
  const text = (key: string): string | undefined => plain(value[key], {id})
  const [summary, description] = [text('summary'), text('description')]
  return {
    id, file, ...(summary === undefined ? {} : {summary}), ...(description === undefined ? {} : {description}),
    hidden: value['hidden'] === true, aliases: strings(value['aliases']).filter(alias => idPattern.test(alias)),
    examples: examplesOf(value['examples'], id), strict: value['strict'] !== false, remoteArgs: value['remoteArgs'] === true,
    flags: inputsOf(value['flags'], id), args: inputsOf(value['args'], id),
  }
}

/** Settings that are plain data. Not `env`: a plugin could name the variable of a secret, and be given its value. */
const texts = ['summary', 'description', 'helpGroup', 'helpValue', 'helpLabel', 'delimiter', 'char']
const switches = ['required', 'hidden', 'multiple', 'multipleNonGreedy', 'allowNo', 'noCacheDefault', 'ignoreStdin']
const lists = ['options', 'aliases', 'charAliases', 'exclusive', 'dependsOn', 'exactlyOne', 'atLeastOne']

function inputsOf(value: unknown, id: string): StaticInput[] {
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, given]): StaticInput[] => {
    if (!namePattern.test(name) || !isObject(given)) return []
    const settings: JsonObject = {}
    for (const key of texts) if (typeof given[key] === 'string') settings[key] = plain(given[key], {id})
    for (const key of switches) if (typeof given[key] === 'boolean') settings[key] = given[key]
    for (const key of lists) if (Array.isArray(given[key])) settings[key] = strings(given[key]).map(one => plain(one) ?? '')
    const {default: preset} = given
    if (typeof preset === 'boolean' || typeof preset === 'number') settings['default'] = preset
    else if (typeof preset === 'string') settings['default'] = plain(preset)
    else if (Array.isArray(preset)) settings['default'] = strings(preset).map(one => plain(one) ?? '')
    if (typeof settings['char'] === 'string' && !/^[A-Za-z0-9]$/.test(settings['char'])) delete settings['char']
    return [{name, isSwitch: given['type'] === 'boolean', settings}]
  })
}

function examplesOf(value: unknown, id: string): StaticCommand['examples'] {
  const all = Array.isArray(value) ? value : []
  return all.slice(0, 50).flatMap((one: unknown): StaticCommand['examples'] => {
    if (typeof one === 'string') return [plain(one, {id}) ?? '']
    return isObject(one) ? [{command: plain(one['command'], {id}) ?? '', description: plain(one['description'], {id}) ?? ''}] : []
  })
}

function topicsOf(value: unknown): StaticPlugin['topics'] {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).flatMap(([name, topic]) =>
    idPattern.test(name) && isObject(topic) ? [[name, {description: plain(topic['description']) ?? ''}]] : []))
}

function hooksOf(value: unknown): Record<string, string[]> {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).flatMap(([event, given]) => {
    const files = [given].flat().flatMap((one: unknown) => insideFile(isObject(one) ? one['target'] : one) ?? [])
    return /^[\w:-]{1,60}$/.test(event) && files.length > 0 ? [[event, files]] : []
  }))
}

/** A path that stays inside of the folder it is relative to. */
function insideFile(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 500) return undefined
  const parts = value.split(/[\\/]/).filter(part => part !== '' && part !== '.')
  return parts.length === 0 || parts.includes('..') || value.startsWith('/') || /[\0:*]/.test(value) ? undefined : parts.join('/')
}

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter(one => typeof one === 'string').slice(0, 200) : [])

/**
 * A text of the plugin's that help may print. oclif runs `<% … %>` in help as code, in this process: the two that authors use are
 * replaced here, and all others made inert.
 */
function plain(value: unknown, {id = '', max = 10_000}: {id?: string; max?: number} = {}): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.slice(0, max)
    .replace(/<%=\s*config\.bin\s*%>/g, 'cgpu').replace(/<%=\s*command\.id\s*%>/g, id.replaceAll(':', ' '))
    .replaceAll('<%', '< %').replaceAll('%>', '% >')
  // colours too: what follows is ours
  // eslint-disable-next-line no-control-regex -- escapes are what is looked for
  const filter = new TerminalFilter()
  return (filter.write(text) + filter.end()).replace(/\u001b\[[\d;:]*m/g, '')
}
