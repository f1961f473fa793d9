// Bundles the daemon's process, and `cgpu exec` by the daemon: one small file, because loading modules is most of what such a
// command takes. Run after tsc, on its output.
import {createHash} from 'node:crypto'
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {lazyTls} from './bundle.mjs'
import {bundleTo, leanBuiltins, namedExports, native, ownPlace, rarely, root, wordMasks} from './bundling.mjs'

const dist = join(root, 'packages/cli/dist')
const banner = {js: "import {createRequire as __makeRequire} from 'node:module';const require = __makeRequire(import.meta.url);"}

/** What every execution needs though it is written as `await import()`. */
const always = /[\\/](text-sink|progress|lean)\.js$/

/**
 * The SDK for hooks around a quick exec, which has loaded no oclif: what stands on it comes from the commands' bundle when it is used. A
 * class that extends it asks for its prototype, and that is a use.
 */
const lazyCommand = {
  name: 'lazy-command',
  setup({onLoad, onResolve}) {
    onResolve({filter: /^\.\/command\.js$/}, ({path, importer}) => (/[\\/]plugin-sdk[\\/]dist[\\/]index\.js$/.test(importer) ? {path, namespace: 'lazy-command'} : undefined))
    onLoad({filter: /.*/, namespace: 'lazy-command'}, () => ({contents: `
const load = (name) => process.getBuiltinModule('node:module').createRequire(import.meta.url)('../fast/sdk.js')[name]
const lazily = (name, target, traps) => new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, (_, ...rest) => Reflect[trap](load(name), ...rest)])))
export const CgpuCommand = lazily('CgpuCommand', function () {}.bind(), ['construct', 'get', 'getPrototypeOf', 'has', 'set'])
export const globalFlags = lazily('globalFlags', {}, ['get', 'getOwnPropertyDescriptor', 'has', 'ownKeys'])`}))
  },
}

/** The quick exec: one file, and its rare parts. */
async function bundleExec() {
  const parts = {}
  await bundleTo(join(dist, 'fast-exec'), {entryPoints: {main: join(dist, 'quick/exec.js')}, splitting: false, plugins: [rarely('fast-parts', parts, always), leanBuiltins, ownPlace]})
  const {'cli-quick-hooks': hooks, ...others} = parts
  // apart, and in one file with the SDK for the plugins: each file more takes a millisecond
  const asked = {name: 'asked', setup({onLoad, onResolve}) {
    onResolve({filter: /^asked:hooks$/}, ({path}) => ({path, namespace: 'asked'}))
    onLoad({filter: /.*/, namespace: 'asked'}, () => ({contents: [hooks, join(root, 'packages/plugin-sdk/dist/index.js')].map((file) => `export * from ${JSON.stringify(file)}`).join('\n'), resolveDir: root}))
  }}
  await bundleTo(join(dist, 'fast-parts'), {entryPoints: {'cli-quick-hooks': 'asked:hooks'}, splitting: false, plugins: [asked, lazyCommand, rarely('fast-parts', others), leanBuiltins, ownPlace]})
  await bundleTo(join(dist, 'fast-parts'), {entryPoints: others, plugins: [native, namedExports, ownPlace], banner}, {keep: true})
}

/** Differs between two builds whose code differs: a daemon of another build is replaced. */
function buildId() {
  const hash = createHash('sha256')
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name, 'dist')).filter((folder) => existsSync(folder))
  const inOrder = (names) => names.toSorted((a, b) => (a < b ? -1 : 1))
  for (const folder of inOrder(packages)) {
    for (const name of inOrder(readdirSync(folder, {recursive: true}))) {
      if (name.endsWith('.js') && !name.startsWith('fast')) hash.update(name).update(readFileSync(join(folder, name)))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

/** Writes packages/cli/dist/fast-daemon, fast-exec and fast-parts. */
export async function bundleDaemon() {
  const out = join(dist, 'fast-daemon')
  await Promise.all([
    bundleTo(out, {entryPoints: [join(dist, 'daemon/process.js')], plugins: [native, lazyTls, namedExports, ownPlace, wordMasks], external: ['utf-8-validate'], banner}),
    bundleExec(),
  ])
  const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(out, 'build.json'), `${JSON.stringify({version, build: buildId()})}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleDaemon()
