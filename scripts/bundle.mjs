// Bundles the CLI's own commands for a quick start (docs/performance.md). oclif's leaves that a command rarely or never
// reaches become lazy: loaded from the real package at their first use. Run after tsc, on its output.
import {readFileSync, realpathSync, writeFileSync} from 'node:fs'
import {join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {bundleTo, graphOf, leanBuiltins, namedExports, native, ownPlace, root, slashes, underRoot, wordMasks} from './bundling.mjs'
import {layers} from './layers.mjs'

const out = join(root, 'packages/cli/dist/fast')
const oclif = realpathSync(join(root, 'node_modules/@oclif/core'))

/**
 * Of the layers: what every command needs, what those do that read settings, those that work on runtimes, those that read what is
 * recorded of jobs and commands, those that show what a program prints, and what is loaded when a runtime is connected to.
 */
const bases = [
  ['cli/dist/shell/fast'],
  ['cli/dist/config-command', 'cli/dist/render/table'],
  ['cli/dist/work-command'],
  ['core/dist/job/jobs', 'core/dist/history/store'],
  ['cli/dist/run/stream-command', 'cli/dist/job-command', 'cli/dist/stream/text-sink', 'cli/dist/render/progress', 'cli/dist/history/record', 'core/dist/job/logs', 'core/dist/execution/job'],
  ['provider-local/dist/index', 'core/dist/agent/client', 'jupyter/dist/index', 'jupyter/dist/kernel'],
]

/** The plugins that come along: their commands are waited for, too. */
const ownPlugins = ['plugins/notebook', 'plugins/emulator']

function pluginCommands() {
  return ownPlugins.flatMap((folder) => {
    const {commands} = JSON.parse(readFileSync(join(root, folder, 'oclif.manifest.json'), 'utf8'))
    const {name} = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    return Object.entries(commands).map(([id, command]) => ({id, name, folder, command}))
  })
}

const lazyFiles = new Set([
  'config/index', 'config/plugin', 'config/plugin-loader', 'config/ts-path', 'errors/errors/pretty-print', 'errors/handle', 'help/index',
  'help/util', 'module-loader', 'performance', 'screen', 'util/os', 'ux/action/simple', 'ux/action/spinner', 'ux/colorize-json', 'ux/index', 'ux/theme',
])
const lazyBuiltins = /^(node:)?(readline|perf_hooks|fs\/promises|os)$/

/** A CommonJS module that loads the real one when something of it is first used. */
const lazyModule = (load) => `
let real
const load = () => (real ??= ${load})
module.exports = new Proxy(function () {}, {
  get: (_, key) => (key === '__esModule' ? true : load()[key] ?? (key === 'default' ? load() : undefined)),
  has: (_, key) => key in load(),
  apply: (_, self, args) => load()(...args),
})`

const lazyOclif = {
  name: 'lazy-oclif',
  setup({onLoad, onResolve, resolve}) {
    onResolve({filter: /.*/, namespace: 'file'}, async ({path, kind, importer, resolveDir, pluginData}) => {
      if (pluginData === 'seen' || kind !== 'require-call' || path.endsWith('.json') || !importer.startsWith(join(oclif, 'lib'))) return
      if (lazyBuiltins.test(path)) return {path, namespace: 'lazy', pluginData: `require(${JSON.stringify(path)})`}
      const found = await resolve(path, {kind, importer, resolveDir, pluginData: 'seen'})
      if (found.external || found.errors.length > 0) return
      if (path.startsWith('.')) {
        const file = slashes(relative(join(oclif, 'lib'), found.path)).replace(/\.js$/, '')
        if (lazyFiles.has(file)) return {path: underRoot(found.path), namespace: 'lazy', pluginData: `__oclif('./lib/${file}.js')`}
      } else return {path: underRoot(found.path), namespace: 'lazy', pluginData: `__oclif(${JSON.stringify(path)})`}
    })
    onLoad({filter: /.*/, namespace: 'lazy'}, ({pluginData}) => ({contents: lazyModule(pluginData), loader: 'js'}))
    onResolve({filter: /.*/, namespace: 'lazy'}, ({path}) => ({path, external: true}))
    // the short way is not taken when DEBUG is set, so oclif's logger has nothing to say
    onLoad({filter: /[\\/]oclif[\\/]core[\\/]lib[\\/]logger\.js$|@oclif[\\/]core[\\/]lib[\\/]logger\.js$/}, () => ({
      contents: 'const none = () => {}\nexports.makeDebug = () => none\nexports.setLogger = none\n' +
        'exports.getLogger = () => ({debug: none, error: none, info: none, trace: none, warn: none})',
    }))
  },
}

/** ws needs these for wss:// and for compression only, and a server of this machine does not: 20 ms. */
export const lazyTls = {
  name: 'lazy-tls',
  setup({onLoad, onResolve}) {
    onResolve({filter: /^(tls|https|zlib)$/}, ({path, kind, importer}) => {
      if (kind === 'require-call' && /[\\/]ws[\\/]lib[\\/]/.test(importer)) return {path, namespace: 'lazy-tls', pluginData: `require(${JSON.stringify(path)})`}
    })
    onLoad({filter: /.*/, namespace: 'lazy-tls'}, ({pluginData}) => ({contents: lazyModule(pluginData), loader: 'js'}))
    onResolve({filter: /.*/, namespace: 'lazy-tls'}, ({path}) => ({path, external: true}))
  },
}

function flagShape({type, char, aliases, charAliases, allowNo}) {
  return {type, char, aliases: aliases?.length ? aliases : undefined, charAliases: charAliases?.length ? charAliases : undefined, allowNo: allowNo || undefined}
}

/** What src/shell/command-table.ts describes, from the manifest and the hooks of the bundled plugins, but for those in `without`. */
function commandTable(manifest, quick, without) {
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const plugins = pjson.oclif.plugins.filter((name) => !without.includes(name))
  const events = plugins.flatMap((name) => {
    const file = join(root, 'node_modules', name, 'package.json')
    return Object.keys(JSON.parse(readFileSync(file, 'utf8')).oclif?.hooks ?? {})
  })
  const commands = {}
  const aliases = {}
  for (const [id, command] of [...Object.entries(manifest.commands), ...quick.map(({id, command}) => [id, command])]) {
    const takesArgs = command.strict === false || Object.keys(command.args ?? {}).length > 0
    const remoteArgs = command.remoteArgs === true
    const flags = remoteArgs ? Object.fromEntries(Object.entries(command.flags).map(([name, flag]) => [name, flagShape(flag)])) : undefined
    commands[id] = {takesArgs, remoteArgs, flags, fullConfig: command.fullConfig === true, standalone: command.standalone === true}
    for (const alias of [...(command.aliases ?? []), ...(command.hiddenAliases ?? [])]) aliases[alias] = id
  }
  // init and finally are the updater's and the contract gate's: they concern packed CLIs and user plugins, which go the long way
  const hookEvents = [...new Set(events)].filter((event) => !['init', 'finally', 'command_not_found'].includes(event)).sort((a, b) => (a < b ? -1 : 1))
  return {version: pjson.version, commands, aliases, hookEvents, plugins: [pjson.name, ...plugins]}
}

/** Writes packages/cli/dist/fast, or `to`: `main.js`, `sdk.js`, their chunks, `table.json`. `without`: plugins that do not come along. */
export async function bundle({external = [], to = out, without = []} = {}) {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'))
  const quick = pluginCommands().filter(({name}) => !without.includes(name))
  const table = commandTable(manifest, quick, without)
  const cli = join(root, 'packages/cli/dist')
  const loaders = Object.entries(manifest.commands)
    .filter(([id]) => !table.commands[id].fullConfig)
    .map(([id, {relativePath}]) => `  ${JSON.stringify(id)}: () => import(${JSON.stringify(join(root, ...relativePath))}),`)
  const ofPlugins = quick.map(({id, folder, command}) =>
    `  ${JSON.stringify(id)}: async (config) => ((await import(${JSON.stringify(join(cli, 'shell/serve-plugin.js'))})).servePlugin(config), import(${JSON.stringify(join(root, folder, ...command.relativePath))})),`)
  const entry = [
    `import {runFast as run} from ${JSON.stringify(join(cli, 'shell/fast.js'))}`,
    `const table = ${JSON.stringify(table)}`, 'const load = {', ...loaders, ...ofPlugins, '}',
    'export const runFast = (argv, root) => run(argv, {root, table, load})',
    // for the quick exec, whose own bundle is without all that it takes
    `export const rejoin = async (options) => (await import(${JSON.stringify(join(cli, 'quick/rejoin.js'))})).rejoin(options)`,
  ].join('\n')
  const written = {
    name: 'written',
    setup({onLoad, onResolve}) {
      onResolve({filter: /^written:main$/}, ({path}) => ({path, namespace: 'written'}))
      onLoad({filter: /.*/, namespace: 'written'}, () => ({contents: entry, resolveDir: cli}))
    },
  }
  const options = {
    // the SDK for hooks of plugins, which are called in a process that has loaded most of it
    entryPoints: {main: 'written:main', sdk: join(root, 'packages/plugin-sdk/dist/index.js')},
    plugins: [written, native, lazyTls, lazyOclif, namedExports, leanBuiltins, ownPlace, wordMasks],
    external: ['utf-8-validate', '@oclif/core/config', ...external],
    banner: {js: "import {createRequire as __makeRequire} from 'node:module';const require = __makeRequire(import.meta.url);let __core;const __oclif = (path) => (__core ??= __makeRequire(require.resolve('@oclif/core/package.json')))(path);"},
  }
  const layered = layers(await graphOf(options), bases.map((names) => names.map((name) => `packages/${name}.js`)))
  await bundleTo(to, {...options, plugins: [layered, ...options.plugins]})
  writeFileSync(join(to, 'table.json'), `${JSON.stringify(table)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
