import {readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {fetchedLater} from '../shell/pinned.ts'
import type {CommandEntry, FlagEntry} from './types.ts'

type Loose = Record<string, unknown>
const isLoose = (value: unknown): value is Loose => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [])
const some = (value: unknown): string[] | undefined => (texts(value).length > 0 ? texts(value) : undefined)
const yes = (value: unknown): true | undefined => value === true || undefined

function flagEntry(name: string, flag: Loose): FlagEntry {
  return {
    name, type: flag['type'] === 'boolean' ? 'boolean' : 'option', char: text(flag['char']),
    options: Array.isArray(flag['options']) ? texts(flag['options']) : undefined,
    summary: text(flag['summary']) ?? text(flag['description']), helpValue: text(flag['helpValue']),
    aliases: some(flag['aliases']), charAliases: some(flag['charAliases']), exclusive: some(flag['exclusive']),
    multiple: yes(flag['multiple']), allowNo: yes(flag['allowNo']), hidden: yes(flag['hidden']),
  }
}

/** The commands of one manifest, an entry for each alias too. Whatever is not as expected is passed over. */
export function commandsOf(manifest: unknown): CommandEntry[] {
  const commands = isLoose(manifest) && isLoose(manifest['commands']) ? Object.entries(manifest['commands']) : []
  return commands.flatMap(([id, command]) => {
    if (!isLoose(command) || command['hidden'] === true) return []
    const args = isLoose(command['args']) ? Object.values(command['args']) : []
    const flags = isLoose(command['flags']) ? Object.entries(command['flags']) : []
    const entry = {
      id, summary: (text(command['summary']) ?? text(command['description']) ?? '').split('\n')[0] ?? '',
      flags: flags.flatMap(([name, flag]) => (isLoose(flag) ? [flagEntry(name, flag)] : [])),
      args: args.length, strict: command['strict'] !== false, remoteArgs: command['remoteArgs'] === true,
      argOptions: args.map((arg) => (isLoose(arg) && Array.isArray(arg['options']) ? texts(arg['options']) : null)),
    }
    return [id, ...texts(command['aliases'])].map((name) => ({...entry, name: name.replaceAll(':', ' ')}))
  })
}

function readJson(path: string | URL): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

const manifestOf = (folder: string): unknown => readJson(join(folder, 'oclif.manifest.json'))

/** Of the CLI itself and the plugins that come with it: these never change between two builds. `fetched`: plugins that a slim cgpu is without. */
export function ownCommands(root: string, fetched: readonly string[] = []): CommandEntry[] {
  const own = readJson(join(root, 'package.json'))
  const require = createRequire(join(root, 'package.json'))
  const folderOf = (name: string): string => {
    try {
      return dirname(require.resolve(`${name}/package.json`))
    } catch {
      return join(root, 'node_modules', name) // its `exports` hide package.json
    }
  }
  const bundled = texts(isLoose(own) && isLoose(own['oclif']) ? own['oclif']['plugins'] : undefined)
    .flatMap((name) => commandsOf(manifestOf(folderOf(name))).map((entry) => (fetched.includes(name) ? {...entry, fetched: name} : entry)))
  return [...commandsOf(manifestOf(root)), ...bundled]
}

/** A plugin that the user installed or linked. */
export interface UserPlugin {
  name: string
  folder: string
  linked: boolean
}

/** As they are now: nothing has to be told that one came or went. */
export async function userPlugins(dataDir: string): Promise<UserPlugin[]> {
  const user = readJson(join(dataDir, 'package.json'))
  const listed = isLoose(user) && isLoose(user['oclif']) && Array.isArray(user['oclif']['plugins']) ? user['oclif']['plugins'] : []
  return [...(await lockedPlugins(dataDir)), ...listed.flatMap((plugin: unknown) => {
    const name = isLoose(plugin) ? text(plugin['name']) : undefined
    if (!isLoose(plugin) || name === undefined) return []
    const linked = plugin['type'] === 'link'
    const folder = linked ? text(plugin['root']) : plugin['type'] === 'user' ? join(dataDir, 'node_modules', name) : undefined
    return folder === undefined ? [] : [{name, folder, linked}]
  })]
}

/** Those in plugins.lock.json, trusted or not: their manifests are only read. */
async function lockedPlugins(dataDir: string): Promise<UserPlugin[]> {
  const lock = readJson(join(dataDir, 'plugins.lock.json'))
  if (!isLoose(lock)) return []
  const {parsePlugins, rootOf} = await import('@cgpu/plugins/install/lock-file')
  return Object.values(parsePlugins(lock['plugins'])?.plugins ?? {}).map((plugin) => ({name: plugin.name, folder: rootOf(dataDir, plugin), linked: plugin.source === 'link'}))
}

/** Every command that can be typed. Reads manifests only; a plugin without one is left out. `root`: folder of the CLI's package.json. */
export async function readCommands(root: string, dataDir: string): Promise<CommandEntry[]> {
  const built = readJson(new URL('../fast-complete/commands.json', import.meta.url))
  const own = Array.isArray(built) ? (built as CommandEntry[]) : ownCommands(root) // our build wrote it; there is none beside the source
  const installed = await userPlugins(dataDir)
  const all = new Map<string, CommandEntry>()
  const add = (entries: readonly CommandEntry[]): void => {
    for (const entry of entries) if (!all.has(entry.name)) all.set(entry.name, entry)
  }
  add(own.filter(({fetched}) => fetched === undefined))
  add(installed.flatMap(({folder}) => commandsOf(manifestOf(folder))))
  add(own.filter(({fetched}) => fetched !== undefined && !installed.some(({name}) => name === fetched)).map((entry) => ({...entry, summary: entry.summary + fetchedLater})))
  return [...all.values()]
}
