import {readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {CommandEntry, FlagEntry} from './types.ts'

type Loose = Record<string, unknown>
const isLoose = (value: unknown): value is Loose => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
/** The first line of what somebody else's manifest says, harmless for a terminal. */
const line = (value: unknown): string | undefined => (typeof value === 'string' ? sanitizeLine(value.split('\n')[0] ?? '', 500) : undefined)
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [])

function flagEntry(name: string, flag: Loose): FlagEntry {
  return {
    name, type: flag['type'] === 'boolean' ? 'boolean' : 'option', char: text(flag['char']),
    options: Array.isArray(flag['options']) ? texts(flag['options']) : undefined,
    summary: line(flag['summary'] ?? flag['description']), helpValue: text(flag['helpValue']),
    aliases: texts(flag['aliases']), charAliases: texts(flag['charAliases']), multiple: flag['multiple'] === true, allowNo: flag['allowNo'] === true, hidden: flag['hidden'] === true,
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
      id, summary: line(command['summary'] ?? command['description']) ?? '',
      flags: flags.flatMap(([name, flag]) => (isLoose(flag) ? [flagEntry(name, flag)] : [])),
      args: args.length, strict: command['strict'] !== false, remoteArgs: command['remoteArgs'] === true,
      argOptions: args.map((arg) => (isLoose(arg) && Array.isArray(arg['options']) ? texts(arg['options']) : undefined)),
    }
    return [id, ...texts(command['aliases'])].map((name) => ({...entry, name: name.replaceAll(':', ' ')}))
  })
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Folders of the plugins that come with the CLI, and of those that the user installed or linked. */
async function pluginFolders(root: string, dataDir: string): Promise<string[]> {
  const [own, user, locked] = await Promise.all([readJson(join(root, 'package.json')), readJson(join(dataDir, 'package.json')), lockedFolders(dataDir)])
  const require = createRequire(join(root, 'package.json'))
  const bundled = texts(isLoose(own) && isLoose(own['oclif']) ? own['oclif']['plugins'] : undefined).flatMap((name) => {
    try {
      return [dirname(require.resolve(`${name}/package.json`))]
    } catch {
      return [join(root, 'node_modules', name)] // its `exports` hide package.json
    }
  })
  const installed = isLoose(user) && isLoose(user['oclif']) && Array.isArray(user['oclif']['plugins']) ? user['oclif']['plugins'] : []
  return [...bundled, ...locked, ...installed.flatMap((plugin: unknown) => {
    if (!isLoose(plugin)) return []
    const linked = plugin['type'] === 'link' ? text(plugin['root']) : undefined
    const name = text(plugin['name'])
    return linked !== undefined ? [linked] : name !== undefined && plugin['type'] === 'user' ? [join(dataDir, 'node_modules', name)] : []
  })]
}

/** Of the plugins in plugins.lock.json, trusted or not: their manifests are only read. */
async function lockedFolders(dataDir: string): Promise<string[]> {
  const lock = await readJson(join(dataDir, 'plugins.lock.json'))
  if (!isLoose(lock)) return []
  const {parsePlugins, rootOf} = await import('@cgpu/plugins/install/lock-file')
  return Object.values(parsePlugins(lock['plugins'])?.plugins ?? {}).map((plugin) => rootOf(dataDir, plugin))
}

/** Every command that can be typed. Reads manifests only; a plugin without one is left out. */
export async function readCommands(root: string, dataDir: string): Promise<CommandEntry[]> {
  const folders = [root, ...(await pluginFolders(root, dataDir))]
  const manifests = await Promise.all(folders.map((folder) => readJson(join(folder, 'oclif.manifest.json'))))
  const all = new Map<string, CommandEntry>()
  for (const entry of manifests.flatMap(commandsOf)) if (!all.has(entry.name)) all.set(entry.name, entry)
  return [...all.values()]
}
