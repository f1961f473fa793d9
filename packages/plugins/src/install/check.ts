import {errors} from '@cgpu/core/errors'
import {isObject, type JsonObject} from '@cgpu/core/state/json'
import {parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import semver from 'semver'
import {type Capability, manifestOf} from '../manifest.ts'
import {isPackageName} from './name.ts'

/** The contracts that this cgpu speaks. */
export const contracts = [1]

/** What the CLI itself brings: no plugin may be called so, or take its place. */
export interface Host {
  version: string
  /** ids and aliases, with colons, of the CLI and of the plugins that come along */
  commands: ReadonlySet<string>
  /** names of those plugins, and of the CLI */
  plugins: ReadonlySet<string>
  /** first words of commands -> the plugin of cgpu's own that brings them when they are first used */
  reserved?: ReadonlyMap<string, string>
}

/** A plugin's package, as its files say; nothing of it was run. */
export interface CheckedPackage {
  name: string
  version: string
  pjson: JsonObject
  /** undefined: a plain oclif plugin */
  contract: number | undefined
  capabilities: Capability[]
  /** ids of its commands with their aliases; undefined: it has no oclif.manifest.json, so only running it tells */
  commands: {id: string; summary: string; aliases: string[]}[] | undefined
  hooks: string[]
  scripts: string[]
  warnings: string[]
}

const wrong = (code: string, message: string, fix: string, details?: Record<string, unknown>) =>
  errors.data(message, {code, category: 'plugin', fix, ...(details ? {details} : {})})

/** PLUGIN_NOT_FOUND (66), of a folder that an author names. */
export const noPluginIn = (folder: string) =>
  errors.notFound(`there is no plugin in ${sanitizeLine(folder, 300)}: it has no package.json`, {code: 'PLUGIN_NOT_FOUND', category: 'plugin', fix: 'give the folder of a plugin'})

const tellAuthor = 'nothing was installed; tell its publisher'

/**
 * Reads what a package declares and compares it with its files. `read`: a file's text, undefined where there is none.
 * Throws PLUGIN_NOT_ONE, PLUGIN_MANIFEST, PLUGIN_MANIFEST_LIES, PLUGIN_CONTRACT (65), PLUGIN_SHADOWS (72).
 */
export async function checkPackage(files: readonly string[], read: (path: string) => Promise<string | undefined>, host: Host): Promise<CheckedPackage> {
  const pjson = await objectIn('package.json', read)
  if (!pjson) throw wrong('PLUGIN_NOT_ONE', 'there is no package.json in it', 'give the name of a plugin: cgpu plugins search')
  const {name, version, oclif} = pjson
  if (typeof name !== 'string' || !isPackageName(name)) throw wrong('PLUGIN_NOT_ONE', 'its package.json has no valid name', tellAuthor)
  if (typeof version !== 'string' || semver.valid(version) === null) throw wrong('PLUGIN_NOT_ONE', `${name} has no valid version`, tellAuthor)
  if (!isObject(oclif)) throw wrong('PLUGIN_NOT_ONE', `${name} is no plugin: its package.json has no "oclif"`, 'cgpu plugins search')
  if (host.plugins.has(name)) throw errors.conflict(`${name} comes with cgpu, and nothing takes its place`, {code: 'PLUGIN_SHADOWS', category: 'plugin', fix: 'cgpu plugins list --core'})
  const manifest = manifestOf(pjson, name)
  if (manifest && !contracts.includes(manifest.contract)) {
    const newer = manifest.contract > Math.max(...contracts)
    throw wrong('PLUGIN_CONTRACT', `${name} ${version} speaks plugin contract ${manifest.contract}; this cgpu speaks ${contracts.join(', ')}`, newer ? 'update cgpu, or install an older version of it' : 'install a newer version of it', {contract: manifest.contract})
  }
  const hooks = isObject(oclif['hooks']) ? Object.keys(oclif['hooks']) : []
  const commands = await declaredCommands({name, version, oclif}, files, read)
  checkShadows(name, (commands ?? []).flatMap(({id, aliases}) => [id, ...aliases]), host)
  const scripts = isObject(pjson['scripts']) ? Object.keys(pjson['scripts']).filter((one) => ['preinstall', 'install', 'postinstall', 'prepare'].includes(one)) : []
  return {
    name, version, pjson, contract: manifest?.contract, capabilities: manifest?.capabilities ?? [], commands, hooks, scripts,
    warnings: [
      ...(scripts.some((one) => one !== 'prepare') ? [`${name} has install scripts; they are not run`] : []),
      ...(commands === undefined ? [`${name} has no oclif.manifest.json: its commands are only known once it is trusted`] : []),
    ],
  }
}

/** `ids`: with colons, aliases too. Throws PLUGIN_SHADOWS (72) where one is cgpu's own. */
export function checkShadows(name: string, ids: readonly string[], host: Host): void {
  const taken = ids.filter((id) => host.commands.has(id) || (host.reserved?.get(id.split(':')[0] ?? '') ?? name) !== name)
  if (taken.length === 0) return
  const shown = taken.map((id) => `"${sanitizeLine(id.replaceAll(':', ' '), 80)}"`).join(', ')
  throw errors.conflict(`${name} has a command ${shown}, which is cgpu's own`, {code: 'PLUGIN_SHADOWS', category: 'plugin', fix: 'do without it; its author has to give that command another name', details: {commands: taken}})
}

async function objectIn(path: string, read: (path: string) => Promise<string | undefined>): Promise<JsonObject | undefined> {
  const text = await read(path)
  if (text === undefined) return undefined
  try {
    const value = parseJson(text)
    if (isObject(value)) return value
  } catch {
    // said below
  }
  throw wrong('PLUGIN_NOT_ONE', `its ${path} is not a JSON object`, tellAuthor)
}

interface Declaring {
  name: string
  version: string
  oclif: JsonObject
}

/** A manifest must name every command file, and no command that is not there: what it does not say nobody can agree to. */
async function declaredCommands({name, version, oclif}: Declaring, files: readonly string[], read: (path: string) => Promise<string | undefined>): Promise<CheckedPackage['commands']> {
  const lies = (why: string) => wrong('PLUGIN_MANIFEST_LIES', `the oclif.manifest.json of ${name} is not true: ${why}`, 'its author has to run cgpu plugins manifest before publishing')
  const manifest = await objectIn('oclif.manifest.json', read)
  if (!manifest) return undefined
  if (manifest['version'] !== version) throw lies(`it is of version ${sanitizeLine(String(manifest['version']), 50)}`)
  const declared = manifest['commands']
  if (!isObject(declared)) throw lies('it has no commands')
  const target = isObject(oclif['commands']) ? oclif['commands'] : {target: oclif['commands'], strategy: 'pattern'}
  const folder = target['strategy'] === 'pattern' && typeof target['target'] === 'string' ? target['target'].replace(/^\.\//, '').replace(/\/$/, '') : undefined
  const found = folder === undefined ? undefined : commandFiles(files, folder)
  const all = Object.entries(declared).map(([id, command]) => {
    const shown = sanitizeLine(id, 80)
    if (!isObject(command) || !/^[\w.-]+(?::[\w.-]+)*$/.test(id) || (command['id'] !== undefined && command['id'] !== id)) throw lies(`the command "${shown}" is not described`)
    const path = command['relativePath']
    const file = Array.isArray(path) ? path.join('/') : undefined
    if (found && (!found.has(id) || (file !== undefined && file !== found.get(id)))) throw lies(`there is no file of the command "${shown}"`)
    if (file !== undefined && !files.includes(file)) throw lies(`there is no file of the command "${shown}"`)
    const list = (key: string): string[] => (Array.isArray(command[key]) ? command[key].filter((one): one is string => typeof one === 'string').map((one) => one.replaceAll(' ', ':')) : [])
    const about = [command['summary'], command['description']].find((one) => typeof one === 'string') ?? ''
    return {id, summary: sanitizeLine(about.split('\n')[0] ?? '', 200), aliases: [...list('aliases'), ...list('hiddenAliases')]}
  })
  for (const id of found?.keys() ?? []) if (!Object.hasOwn(declared, id)) throw lies(`it does not mention the command "${sanitizeLine(id, 80)}"`)
  return all
}

/** As oclif finds them: a file is a command, `index` is its folder's. */
function commandFiles(files: readonly string[], folder: string): Map<string, string> {
  const all = files.filter((path) => path.startsWith(`${folder}/`) && /\.(?:js|cjs|mjs)$/.test(path) && !/\.(?:test|spec)\.[cm]?js$/.test(path))
  return new Map(all.map((path) => {
    const parts = path.slice(folder.length + 1).replace(/\.[cm]?js$/, '').split('/')
    const words = parts.at(-1) === 'index' ? parts.slice(0, -1) : parts
    return [words.join(':'), path] as const
  }))
}
