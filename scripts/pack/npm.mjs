// What goes to an npm registry: the CLI without the plugins that it fetches at their first use, those plugins, each with all that it needs, and
// the packages that both stand on.
import {createHash} from 'node:crypto'
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {bundle} from '../bundle.mjs'
import {root} from '../bundling.mjs'
import {pinnedPlugins} from '../pins.mjs'
import {closure, readJson} from './closure.mjs'
import {ownEntries, packageEntries, published, withIndex} from './layout.mjs'
import {tarball} from './tar.mjs'

/** As npm does it: the same files give the same bytes, whenever they are packed. */
const seconds = 499_162_500
/** Of what a plugin depends on, the host gives it these (packages/cli/src/shell/host-sdk.ts). */
const provided = ['@oclif/core', '@cgpu/plugin-sdk']
/** Packages that only plugins import: the CLI names them for whoever works on it. */
const onlyForPlugins = ['@cgpu/emulator']

/** Who writes a plugin reads the SDK's types; what the build leaves behind nobody does. */
const leftBehind = /\.(?:map|tsbuildinfo)$/

const json = (value) => Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`)
export const integrityOf = (bytes) => `sha512-${createHash('sha512').update(bytes).digest('base64')}`

/** The packages of the workspace that are published on their own, by name. */
function ownPackages() {
  const folders = ['packages', 'plugins'].flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name))).filter((folder) => existsSync(join(folder, 'package.json')))
  return folders.map((folder) => ({folder, pjson: readJson(join(folder, 'package.json'))})).filter(({pjson}) => !pjson.private)
    .map(({folder, pjson}) => ({name: pjson.name, version: pjson.version, folder, pjson, path: 'package'}))
}

/** What npm puts into every package. */
function legalEntries(folder) {
  const readme = join(folder, 'README.md')
  return [['LICENSE', join(root, 'LICENSE')], ...(existsSync(readme) ? [['README.md', readme]] : [])].map(([name, file]) => ({path: `package/${name}`, bytes: () => readFileSync(file)}))
}

/** A plugin brings what it depends on: so its checksum is that of all of its code, and nothing is asked for besides it. */
function pluginEntries(plugin, own) {
  const needs = closure('linux-x64', {top: plugin, without: provided})
  const native = needs.find(({fetch, pjson: {os, cpu}}) => fetch || os || cpu)
  if (native) throw new Error(`${plugin.name} needs ${native.name}, which is compiled for each system: it cannot be packed for all of them`)
  const pjson = {...plugin.pjson, bundleDependencies: Object.keys(plugin.pjson.dependencies).filter((name) => !provided.includes(name))}
  return [
    ...packageEntries({...plugin, pjson}, own).filter(({path}) => !path.startsWith('package/node_modules/')),
    ...needs.flatMap((one) => packageEntries({...one, path: `package/${one.path}`}, own)),
  ]
}

/** Its own files, made again where they know of plugins that do not come along. */
async function cliEntries(pins, own, pluginIndex) {
  const names = Object.keys(pins)
  const kept = ([name]) => !names.includes(name) && !onlyForPlugins.includes(name)
  const whole = withIndex(published(readJson(join(root, 'package.json')), own), pluginIndex)
  const pjson = {
    ...whole, dependencies: Object.fromEntries(Object.entries(whole.dependencies).filter(kept)),
    cgpu: {...whole.cgpu, jitPlugins: Object.fromEntries(names.map((name) => [name, {...whole.cgpu.jitPlugins[name], ...pins[name]}]))},
    oclif: {...whole.oclif, plugins: whole.oclif.plugins.filter((name) => !names.includes(name))},
  }
  const {ownCommands} = await import(pathToFileURL(join(root, 'packages/cli/dist/completion/commands.js')).href)
  const made = new Map([
    ['package.json', json(pjson)], ['README.md', readFileSync(join(root, 'README.md'))],
    ['packages/cli/dist/fast-complete/commands.json', Buffer.from(JSON.stringify(ownCommands(root, names)))], ...(await fastFiles(names)),
  ])
  const again = (path) => path.startsWith('packages/cli/dist/fast/') || made.has(path)
  return [
    ...ownEntries(whole.version).filter(({path}) => !again(path)).map((entry) => ({...entry, path: `package/${entry.path}`, executable: entry.path === 'bin/run.js'})),
    ...[...made].map(([path, bytes]) => ({path: `package/${path}`, bytes: () => bytes})),
  ]
}

async function fastFiles(without) {
  const folder = mkdtempSync(join(tmpdir(), 'cgpu-fast-'))
  try {
    await bundle({to: folder, without})
    return readdirSync(folder).map((name) => [`packages/cli/dist/fast/${name}`, readFileSync(join(folder, name))])
  } finally {
    rmSync(folder, {recursive: true})
  }
}

/**
 * Writes every tarball into `folder`, in an order in which they can be published: [{name, version, file, integrity}], the CLI last. `level`: of the
 * compression. `pluginIndex`: {url, keys} that are built in.
 */
export async function packForNpm(folder, {level, pluginIndex} = {}) {
  mkdirSync(folder, {recursive: true})
  const own = ownPackages()
  const plugins = pinnedPlugins()
  const write = ({name, version}, entries) => {
    const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
    const bytes = tarball(entries, {seconds, level})
    writeFileSync(join(folder, file), bytes)
    return {name, version, file, integrity: integrityOf(bytes)}
  }
  const libraries = own.filter(({name}) => !Object.hasOwn(plugins, name)).map((one) => write(one, [...legalEntries(one.folder), ...packageEntries(one, own, leftBehind)]))
  const fetched = own.filter(({name}) => Object.hasOwn(plugins, name)).map((one) => write(one, [...legalEntries(one.folder), ...pluginEntries(one, own)]))
  const cli = readJson(join(root, 'package.json'))
  const pins = Object.fromEntries(fetched.map(({name, version, integrity}) => [name, {version, integrity}]))
  return [...libraries, ...fetched, write(cli, await cliEntries(pins, own, pluginIndex))]
}
