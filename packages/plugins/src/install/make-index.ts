import {readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {basename, dirname, extname, join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {uniqueTag} from '@cgpu/core/state/token'
import {errnoOf} from '@cgpu/core/state/write-error'
import {noTerms, untrustedAmong} from '../sandbox/levels.ts'
import {readStaticPlugin, sandboxedEvent} from '../sandbox/static-plugin.ts'
import {knownPlugins, type LoadablePlugin, trustPath} from './loadable.ts'
import {lockFileName} from './lock-file.ts'
import {listPath} from './oclif-list.ts'
import {hookFile, type IndexedHook, type IndexedPlugin, indexPath, indexText, type PluginIndex, stampOf, type Stamps} from './plugin-index.ts'

/** Files that somebody may be writing just now; a clock of two seconds is the coarsest that file systems have. */
const restlessMs = 2000

/** Reads what plugins declare, runs nothing of them, and keeps it for the next start. Never fails. `now`: ms. */
export function makeIndex(dataDir: string, now = Date.now()): PluginIndex {
  const stamps: Stamps = {}
  // before it is read: what changes in between makes the index one of another time
  const stamped = (path: string): string => {
    stamps[path] = stampOf(path)
    return path
  }
  for (const path of [join(dataDir, lockFileName), trustPath(dataDir), listPath(dataDir)]) stamped(path)
  let odd: string | undefined
  const known = knownPlugins(dataDir, (message) => {
    odd ??= message
  })
  const plugins = known.flatMap((one): IndexedPlugin[] => {
    try {
      return [one.level === 'trusted' ? trusted(one, stamped) : untrusted(one, dataDir, stamped)]
    } catch (error) {
      odd ??= `${one.name}: ${error instanceof Error ? error.message : String(error)}`
      return []
    }
  })
  const index = odd === undefined ? {plugins} : {plugins: [], odd}
  if (known.length === 0 && odd === undefined) remove(indexPath(dataDir))
  else if (!isRestless(known, dataDir, stamps, now)) write(indexPath(dataDir), indexText(dataDir, stamps, index))
  return index
}

/** As oclif reads one, where it would ask nobody and warn of nothing. Throws where it would do otherwise. */
function trusted({name, root, level, source}: LoadablePlugin, stamped: (path: string) => string): IndexedPlugin {
  const pjson = readObject(stamped(join(root, 'package.json')))
  if (!pjson) throw new Error('it has no package.json')
  const {version, oclif, cgpu, type, devDependencies} = pjson
  if (pjson['name'] !== name || typeof version !== 'string' || !isObject(oclif)) throw new Error('its package.json is of no plugin, or of another one')
  const transpiled = type !== 'module' || (isObject(devDependencies) && 'tsx' in devDependencies)
  if (source === 'link' && transpiled && stampOf(stamped(join(root, 'tsconfig.json'))) !== '') throw new Error('oclif may transpile it')
  const manifest = readObject(stamped(join(root, 'oclif.manifest.json'))) ?? readObject(stamped(join(root, '.oclif.manifest.json')))
  if (!manifest && oclif['commands'] !== undefined) throw new Error('it has no oclif.manifest.json')
  return {name, version, root, level, contract: isObject(cgpu) ? cgpu['contract'] : undefined, commands: manifest ? commandsIn(manifest, version) : [], hooks: hooksIn(oclif['hooks'], source === 'link' ? undefined : root)}
}

function commandsIn(manifest: JsonObject, version: string): string[] {
  const of = (one: unknown): string => String(one).split('-', 1)[0] ?? ''
  if (of(manifest['version']) !== of(version) || !isObject(manifest['commands'])) throw new Error('its oclif.manifest.json is of another version')
  return Object.values(manifest['commands']).flatMap((command) => {
    const {id, aliases = [], hiddenAliases = []} = isObject(command) ? command : {}
    const names: unknown[] = [id, aliases, hiddenAliases].flat()
    if (!names.every((one) => typeof one === 'string')) throw new Error('its oclif.manifest.json is wrong')
    return names.map((one) => one.replaceAll(' ', ':'))
  })
}

/** `installed`: the plugin's folder, where its files are nobody's to change. */
function hooksIn(declared: unknown, installed: string | undefined): IndexedPlugin['hooks'] {
  return Object.fromEntries(Object.entries(isObject(declared) ? declared : {}).map(([event, hooks]) => [event, [hooks].flat().map((hook: unknown): IndexedHook => {
    const {target, identifier = 'default'} = isObject(hook) ? hook : {target: hook}
    if (typeof target !== 'string' || typeof identifier !== 'string') throw new Error(`its hooks of ${event} are wrong`)
    const module = installed === undefined ? undefined : moduleAt(installed, target)
    return {target, identifier, ...(module === undefined ? {} : {module})}
  })]))
}

/** The address of a hook's file as Node would find it; undefined where it is no ES module, or none that its package tells of. */
function moduleAt(root: string, target: string): string | undefined {
  try {
    const [folder, file] = [realpathSync(root), realpathSync(hookFile(root, target))]
    return file.startsWith(join(folder, '/')) && isModule(file, folder) ? pathToFileURL(file).href : undefined
  } catch {
    return undefined // whoever calls the hook tells what is wrong with it
  }
}

function isModule(file: string, root: string): boolean {
  if (extname(file) !== '.js') return extname(file) === '.mjs'
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const pjson = readObject(join(folder, 'package.json'))
    if (pjson) return pjson['type'] === 'module'
    if (folder === root) return false
  }
}

function untrusted({name, root, level}: LoadablePlugin, dataDir: string, stamped: (path: string) => string): IndexedPlugin {
  for (const file of ['package.json', 'oclif.manifest.json']) stamped(join(root, file))
  const {name: called, version, contract, commands, hooks} = readStaticPlugin(realpathSync(root))
  if (called !== name) throw new Error('its package.json is of another plugin')
  const asked = Object.entries(hooks).filter(([event]) => sandboxedEvent.test(event))
  return {
    name, version, root, level, contract, commands: commands.flatMap(({id, aliases}) => [id, ...aliases]),
    hooks: Object.fromEntries(asked.map(([event, files]) => [event, files.map((target) => ({target, identifier: 'default'}))])),
    withheld: Object.keys(hooks).filter((event) => !sandboxedEvent.test(event)),
    terms: untrustedAmong(dataDir, [name]).get(name) ?? noTerms,
  }
}

function readObject(path: string): JsonObject | undefined {
  try {
    const value = parseJson(readFileSync(path, 'utf8'))
    if (isObject(value)) return value
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
  throw new Error(`${path} is not a JSON object`)
}

/**
 * Whether a file is so new that it may change once more without its stamp changing, as clocks of file systems are coarse. The lock file
 * and the file of trust are replaced whole, and what was installed is nobody's to change.
 */
function isRestless(known: readonly LoadablePlugin[], dataDir: string, stamps: Stamps, now: number): boolean {
  const watched = [listPath(dataDir), ...known.filter(({source}) => source === 'link').map(({root}) => root)]
  return Object.keys(stamps).some((path) => watched.some((one) => path === one || dirname(path) === one) && now - changedAt(path) < restlessMs)
}

const changedAt = (path: string): number => {
  try {
    return statSync(path).ctimeMs
  } catch {
    return 0 // there is none, and when one comes the stamp changes
  }
}

/** Whole or not at all. Not synced: after a power cut a broken one is made again. Where nothing can be written, the next start reads as this one did. */
function write(path: string, text: string): void {
  const temp = join(dirname(path), `.${basename(path)}.${process.pid}-${uniqueTag()}.cgpu-tmp`)
  try {
    writeFileSync(temp, text, {flag: 'wx', mode: 0o600})
    renameSync(temp, path)
  } catch {
    remove(temp)
  }
}

function remove(path: string): void {
  try {
    rmSync(path, {force: true})
  } catch {
    // it is never believed again
  }
}
