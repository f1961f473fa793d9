// Bundles what answers a shell's completion: one small file, a file for each kind of live value, and the commands as a table. Run after tsc, on
// its output, and after the manifest.
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {bundleTo, leanBuiltins, namedExports, native, ownPlace, rarely, root, wordMasks} from './bundling.mjs'
import {lazyTls} from './bundle.mjs'

const dist = join(root, 'packages/cli/dist')
const banner = {js: "import {createRequire as __makeRequire} from 'node:module';const require = __makeRequire(import.meta.url);"}

/** Each is one file, since loading a file takes a millisecond; what they reach by `await import()` in turn shares its modules. */
const single = /[\\/](kept|remote|direct|accelerators|accounts)\.js$|[\\/]core[\\/]dist[\\/]schema[\\/]commands\.js$/

/** Writes packages/cli/dist/fast-complete and fast-complete-parts. */
export async function bundleComplete() {
  const out = join(dist, 'fast-complete')
  const folder = 'fast-complete-parts'
  const plugins = (parts) => [rarely(folder, parts, /node_modules/), native, lazyTls, namedExports, leanBuiltins, wordMasks, ownPlace]
  const first = {}
  await bundleTo(out, {entryPoints: {main: join(dist, 'completion/answer.js')}, splitting: false, plugins: plugins(first)})
  const done = {}
  const others = {}
  for (let next = first; Object.keys(next).length > 0;) {
    const found = {}
    await bundleTo(join(dist, folder), {entryPoints: next, splitting: false, plugins: plugins(found), external: ['utf-8-validate'], banner}, {keep: Object.keys(done).length > 0})
    Object.assign(done, next)
    next = Object.fromEntries(Object.entries(found).filter(([name, path]) => {
      if (!single.test(path)) others[name] = path
      return single.test(path) && !(name in done)
    }))
  }
  await bundleTo(join(dist, folder), {entryPoints: others, plugins: [native, lazyTls, namedExports, leanBuiltins, wordMasks, ownPlace], external: ['utf-8-validate'], banner}, {keep: true})
  const {ownCommands} = await import(pathToFileURL(join(dist, 'completion/commands.js')).href)
  writeFileSync(join(out, 'commands.json'), JSON.stringify(ownCommands(root)))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleComplete()
