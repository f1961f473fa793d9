// What the bundles have in common: of the CLI's commands, and of the emulator's process.
import {createHash} from 'node:crypto'
import {mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync} from 'node:fs'
import {builtinModules, createRequire} from 'node:module'
import {basename, dirname, join, relative, sep} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {build} from 'esbuild'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const slashes = (path) => path.split(sep).join('/')
/** How a module that is none of esbuild's own files is called in a bundle, which must not tell the folder that it was built in. */
export const underRoot = (path) => slashes(relative(root, path))

/** CommonJS packages that are loaded by `await import()`: esbuild would give only their default, Node gives the names too. */
export const namedExports = {
  name: 'named-exports',
  setup({onLoad, onResolve, resolve}) {
    onResolve({filter: /^[a-z@]/}, async ({path, kind, importer, resolveDir, pluginData}) => {
      if (pluginData === 'seen' || kind !== 'dynamic-import' || builtinModules.includes(path)) return
      const found = await resolve(path, {kind, importer, resolveDir, pluginData: 'seen'})
      if (found.external || found.errors.length > 0 || found.path.endsWith('.mjs')) return
      const module = await import(pathToFileURL(found.path).href)
      if ('module.exports' in module) return {path: underRoot(found.path), namespace: 'named', pluginData: {path: found.path, all: Object.keys(module)}}
    })
    onLoad({filter: /.*/, namespace: 'named'}, ({pluginData: {path, all}}) => {
      const names = all.filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default')
      // not `import`: esbuild takes the default of one that says `__esModule` for its `default`, and Node for all of it
      return {contents: `const all = require(${JSON.stringify(path)})\nexport default all\nexport const {${names.join(', ')}} = all`, resolveDir: dirname(path)}
    })
  },
}

/** What is compiled for each system cannot be bundled: it is loaded from where the package that uses it finds it. */
export const native = {
  name: 'native',
  setup({onLoad, onResolve}) {
    onResolve({filter: /^@napi-rs\//}, ({path, kind, importer}) => {
      if (kind !== 'dynamic-import') return
      const [, folder] = /^(.*[\\/]packages[\\/][^\\/]+)[\\/]dist[\\/]/.exec(importer)
      return {path, namespace: 'native', pluginData: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name}
    })
    onLoad({filter: /.*/, namespace: 'native'}, async ({path, pluginData: owner}) => {
      const names = Object.keys(createRequire(realpathSync(join(root, 'node_modules', owner, 'package.json')))(path))
      const load = `process.getBuiltinModule('node:module').createRequire(import.meta.resolve(${JSON.stringify(owner)}))(${JSON.stringify(path)})`
      return {contents: `export const {${names.join(', ')}} = ${load}`}
    })
  },
}

/** ws asks for the native `bufferutil`, and masks byte by byte where there is none. */
export const wordMasks = {
  name: 'word-masks',
  setup({onResolve}) {
    onResolve({filter: /^bufferutil$/}, () => ({path: join(root, 'packages/jupyter/dist/mask.js')}))
  },
}

/** What tsc made of our packages. */
export const ownFiles = /(?:^|[\\/])packages[\\/][^\\/]+[\\/]dist[\\/].*\.js$/

/** A file of ours as text that finds files (the agent, Python helpers) beside itself, not beside the bundle. */
export function inOwnPlace(path, text) {
  if (!text.includes('import.meta.')) return text
  const [, folder] = /^(.*[\\/]packages[\\/][^\\/]+)[\\/]dist[\\/]/.exec(path)
  const {name} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const fromEntry = `./${slashes(relative(join(folder, 'dist'), path))}`
  const place = folder.endsWith(`${sep}cli`)
    ? `new URL(${JSON.stringify(`../${fromEntry}`)}, import.meta.url).href`
    : `new URL(${JSON.stringify(fromEntry)}, import.meta.resolve(${JSON.stringify(name)})).href`
  return `const __place = ${place}\n${text.replaceAll('import.meta.url', '__place').replaceAll('import.meta.dirname', "process.getBuiltinModule('node:path').dirname(process.getBuiltinModule('node:url').fileURLToPath(__place))")}`
}

export const ownPlace = {
  name: 'own-place',
  setup({onLoad}) {
    onLoad({filter: ownFiles, namespace: 'file'}, ({path}) => {
      const text = readFileSync(path, 'utf8')
      const contents = inOwnPlace(path, text)
      return contents === text ? undefined : {contents, resolveDir: dirname(path), loader: 'js'}
    })
  },
}

/** What a function may carry that nobody asks for. */
const unasked = ['length', 'name', 'prototype', 'withoutStackTrace', Symbol.toPrimitive]

/** A built-in as a module of ours: what is not asked for is left out, and a function loads it when it is called. */
function leanBuiltin(name) {
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`
  // what it carries is asked for without a call, as by `promisify`
  const carrying = `const carrying = (name) => new Proxy(() => {}, {apply: (_, self, args) => Reflect.apply(${load}[name], self, args), get: (_, key) => ${load}[name][key]})`
  const lines = Object.entries(process.getBuiltinModule(name)).filter(([key]) => /^[a-z]\w*$/i.test(key) && key !== 'default').map(([key, value]) => {
    // a class is to be called with `new`, and something else may be anything
    if (typeof value !== 'function' || !/^[a-z]/.test(key)) return `export const ${key} = /* @__PURE__ */ (() => ${load}.${key})()`
    const carries = Reflect.ownKeys(value).some((own) => !unasked.includes(own))
    return `export const ${key} = ${carries ? `/* @__PURE__ */ carrying(${JSON.stringify(key)})` : `(...args) => ${load}.${key}(...args)`}`
  })
  return [carrying, ...lines].join('\n')
}

/** An import of a built-in reads all of its exports, which for some takes longer than the command has. In modules of ours. */
export const leanBuiltins = {
  name: 'lean-builtins',
  setup({onLoad, onResolve}) {
    onResolve({filter: /^node:/}, ({path, kind, importer, namespace}) => (kind === 'import-statement' && (ownFiles.test(importer) || namespace === 'layer') ? {path, namespace: 'builtin'} : undefined))
    onLoad({filter: /.*/, namespace: 'builtin'}, ({path}) => ({contents: leanBuiltin(path), loader: 'js'}))
  },
}

/** `core-state-lock` for a module of ours; two modules never have one name. */
function partName(path) {
  const own = /packages[\\/]([^\\/]+)[\\/]dist[\\/](.*)\.js$/.exec(path)
  return own ? `${own[1]}-${slashes(own[2]).replaceAll('/', '-')}` : basename(path, '.js')
}

/**
 * Leaves what is reached by `await import()` to files of their own in `folder`, which is beside the bundle's, and puts their names and
 * places into `parts`; but for what `always` matches.
 */
export const rarely = (folder, parts, always) => ({
  name: 'rarely',
  setup({onResolve, resolve}) {
    onResolve({filter: /.*/}, async ({path, kind, importer, resolveDir, pluginData}) => {
      if (kind !== 'dynamic-import' || pluginData === 'seen' || path.startsWith('node:')) return
      const found = await resolve(path, {kind, importer, resolveDir, pluginData: 'seen'})
      if (found.errors.length > 0 || always?.test(found.path)) return
      const name = partName(found.path)
      parts[name] = found.path
      return {path: `../${folder}/${name}.js`, external: true}
    })
  },
})

const inChunks = {
  write: false, chunkNames: '[name]-[hash]', bundle: true, splitting: true, platform: 'node', format: 'esm', target: 'node22',
  legalComments: 'none', logLevel: 'warning', absWorkingDir: root,
}

/** Which module of a bundle imports which: esbuild's metafile. Writes nothing. */
export async function graphOf(options) {
  return (await build({...inChunks, outdir: root, metafile: true, ...options})).metafile
}

/** For a bundle that is no module but a script: see `scriptOf`. */
export const script = {format: 'cjs', splitting: false, define: {'import.meta.url': '__url', 'import.meta.resolve': '__resolve'}}

/**
 * A script that is one function, for `runScript` in bin/run.js; its first line tells it from all others. Importing is left to who runs it: Node
 * warns of scripts that do it themselves.
 */
function scriptOf(text) {
  const whole = `(function (__url, __resolve, __import, module) {${text.replaceAll(/\bimport\(/g, '__import(')}\nreturn module.exports})\n`
  return `//${createHash('sha256').update(whole).digest('hex').slice(0, 32)}\n${whole}`
}

/** Bundles into a folder that holds nothing else, unless `keep`, in chunks, so that only what a way through the code needs is loaded. */
export async function bundleTo(out, options, {keep = false} = {}) {
  const {outputFiles} = await build({...inChunks, outdir: out, ...options})
  const bare = outputFiles.find(({text}) => /^export default require_\w+\(\);$/m.test(text))
  if (bare) throw new Error(`${bare.path} gives only the default of a CommonJS package: see namedExports`)
  // only now, so that a failed build leaves what was there
  if (!keep) rmSync(out, {recursive: true, force: true})
  mkdirSync(out, {recursive: true})
  for (const {path, contents, text} of outputFiles) writeFileSync(path, options.format === 'cjs' ? scriptOf(text) : contents)
}
