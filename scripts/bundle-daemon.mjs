// Bundles the daemon's process, and `cgpu exec` by the daemon: one small file, because loading modules is most of what such a
// command takes. Run after tsc, on its output.
import {createHash} from 'node:crypto'
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {lazyTls} from './bundle.mjs'
import {bundleTo, graphOf, leanBuiltins, namedExports, native, ownPlace, rarely, root, script, underRoot, wordMasks} from './bundling.mjs'

const dist = join(root, 'packages/cli/dist')
const banner = {js: "import {createRequire as __makeRequire} from 'node:module';const require = __makeRequire(import.meta.url);"}

/** What every execution needs though it is written as `await import()`. */
const always = /[\\/](text-sink|progress|lean)\.js$/

/** Of the SDK, what nearly every hook uses, and what is as small as a way to load it later. */
const small = /[\\/]plugin-sdk[\\/]dist[\\/](define|contract|text)\.js$/
const sdk = join(root, 'packages/plugin-sdk/dist/index.js')

/** A module of the SDK that is loaded when something of it is used. A class that extends one of it asks for its prototype, and that is a use. */
async function lazily(path) {
  const exported = Object.entries(await import(pathToFileURL(path).href)).map(([name, value]) => {
    if (typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value))) return `export const ${name} = (...args) => load().${name}(...args)`
    return `export const ${name} = /* @__PURE__ */ lazy(${JSON.stringify(name)}, ${typeof value === 'function' ? 'function () {}.bind()' : '{}'})`
  })
  return `import {lazy, load} from 'lazy-sdk:load'\n${exported.join('\n')}`
}

const loader = (file) => `
export const load = () => process.getBuiltinModule('node:module').createRequire(import.meta.url)(${JSON.stringify(file)})
const traps = ['construct', 'get', 'getOwnPropertyDescriptor', 'getPrototypeOf', 'has', 'ownKeys', 'set']
export const lazy = (name, target) => new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, (_, ...rest) => Reflect[trap](load()[name], ...rest)])))`

/** The SDK without those of its modules that `isLazy` tells: they come from `file`, which has all of the SDK. */
const lazySdk = (file, isLazy) => ({
  name: 'lazy-sdk',
  setup({onLoad, onResolve, resolve}) {
    onResolve({filter: /.*/}, async ({path, kind, importer, resolveDir, pluginData}) => {
      if (importer !== sdk || pluginData === 'seen') return
      const found = await resolve(path, {kind, importer, resolveDir, pluginData: 'seen'})
      if (isLazy(found.path)) return {path: underRoot(found.path), namespace: 'lazy-sdk', pluginData: found.path}
    })
    onResolve({filter: /^lazy-sdk:load$/}, () => ({path: 'load', namespace: 'lazy-sdk-load'}))
    onLoad({filter: /.*/, namespace: 'lazy-sdk'}, async ({pluginData}) => ({contents: await lazily(pluginData)}))
    onLoad({filter: /.*/, namespace: 'lazy-sdk-load'}, () => ({contents: loader(file)}))
  },
})

/** The quick exec: a script for it, one for hooks around it, and its rare parts. */
async function bundleExec() {
  const parts = {}
  await bundleTo(join(dist, 'fast-exec'), {entryPoints: {main: join(dist, 'quick/exec.js')}, ...script, plugins: [rarely('fast-parts', parts, always), leanBuiltins, ownPlace]})
  const hooks = join(dist, 'quick/hooks.js')
  // Apart, and in one file with the SDK for the plugins: each file more takes a millisecond. A hook seldom uses more of the SDK than what
  // calls it has: the rest is loaded when it is used, and of that only the commands' part with oclif, by far the largest.
  const called = Object.keys((await graphOf({entryPoints: {hooks}, splitting: false, plugins: [rarely('fast-parts', {}), leanBuiltins, ownPlace]})).inputs).map((path) => join(root, path))
  const asked = {name: 'asked', setup({onLoad, onResolve}) {
    onResolve({filter: /^asked:hooks$/}, ({path}) => ({path, namespace: 'asked'}))
    onLoad({filter: /.*/, namespace: 'asked'}, () => ({contents: [hooks, sdk].map((file) => `export * from ${JSON.stringify(file)}`).join('\n'), resolveDir: root}))
  }}
  const rest = 'plugin-sdk-index'
  const thin = lazySdk(`../fast-parts/${rest}.js`, (path) => !small.test(path) && !called.includes(path))
  await bundleTo(join(dist, 'fast-exec'), {entryPoints: {hooks: 'asked:hooks'}, ...script, plugins: [asked, thin, rarely('fast-parts', parts), leanBuiltins, ownPlace]}, {keep: true})
  const withoutOclif = lazySdk('../fast/sdk.js', (path) => /[\\/]command\.js$/.test(path))
  await bundleTo(join(dist, 'fast-parts'), {entryPoints: {...parts, [rest]: sdk}, plugins: [withoutOclif, native, namedExports, ownPlace], banner})
  // a script cannot be imported: src/quick/exec.ts puts there what it exports
  writeFileSync(join(dist, 'fast-parts/sdk.js'), `export const {${Object.keys(await import(pathToFileURL(sdk).href)).join(', ')}} = globalThis[Symbol.for('cgpu.sdk-beside-hooks')]\n`)
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
