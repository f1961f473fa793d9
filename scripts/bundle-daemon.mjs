// Bundles the daemon's process, and `cgpu exec` by the daemon: one small file, because loading modules is most of what such a
// command takes. Run after tsc, on its output.
import {createHash} from 'node:crypto'
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {basename, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {lazyTls} from './bundle.mjs'
import {bundleTo, namedExports, native, ownPlace, root, wordMasks} from './bundling.mjs'

const dist = join(root, 'packages/cli/dist')
const banner = {js: "import {createRequire as __makeRequire} from 'node:module';const require = __makeRequire(import.meta.url);"}

/** A built-in as a module of ours: what is not asked for is left out, and a function loads it when it is called. */
function leanBuiltin(name) {
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`
  const lines = Object.entries(process.getBuiltinModule(name)).filter(([key]) => /^[a-z]\w*$/i.test(key) && key !== 'default').map(([key, value]) => {
    // a class is to be called with `new`, and something else may be anything
    const later = typeof value === 'function' && /^[a-z]/.test(key)
    return `export const ${key} = ${later ? `(...args) => ${load}.${key}(...args)` : `/* @__PURE__ */ (() => ${load}.${key})()`}`
  })
  return lines.join('\n')
}

/** An import of a built-in reads all of its exports, which for some takes longer than the command has. */
const leanBuiltins = {
  name: 'lean-builtins',
  setup({onLoad, onResolve}) {
    onResolve({filter: /^node:/}, ({path, kind}) => (kind === 'import-statement' ? {path, namespace: 'builtin', sideEffects: false} : undefined))
    onLoad({filter: /.*/, namespace: 'builtin'}, ({path}) => ({contents: leanBuiltin(path), loader: 'js'}))
  },
}

/** What every execution needs though it is written as `await import()`. */
const always = /[\\/](text-sink|progress|lean)\.js$/

/** Leaves what few executions need to files of their own, whose names and places are put into `parts`. */
const rarely = (parts) => ({
  name: 'rarely',
  setup({onResolve, resolve}) {
    onResolve({filter: /.*/}, async ({path, kind, importer, resolveDir, pluginData}) => {
      if (kind !== 'dynamic-import' || pluginData === 'seen' || path.startsWith('node:')) return
      const found = await resolve(path, {kind, importer, resolveDir, pluginData: 'seen'})
      if (found.errors.length > 0 || always.test(found.path)) return
      const name = basename(found.path, '.js')
      parts[name] = found.path
      return {path: `../fast-parts/${name}.js`, external: true}
    })
  },
})

/** The quick exec: one file, and its rare parts. */
async function bundleExec() {
  const parts = {}
  await bundleTo(join(dist, 'fast-exec'), {entryPoints: {main: join(dist, 'quick/exec.js')}, splitting: false, plugins: [rarely(parts), leanBuiltins, ownPlace]})
  await bundleTo(join(dist, 'fast-parts'), {entryPoints: parts, plugins: [native, namedExports, ownPlace]})
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
