// The files of a standalone cgpu: `cgpu/bin` with what starts it, `cgpu/current`, and one version below `cgpu/versions`.
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {root, slashes} from '../bundling.mjs'
import {closure, lock, readJson} from './closure.mjs'
import {fetchPackage} from './fetch-package.mjs'
import {posix, windows} from './launcher.mjs'
import {nodeBuilds, nodeFor} from './node-inside.mjs'
import {sbom} from './sbom.mjs'

/** Into darwin's a Node comes from an archive of nodejs.org: the npm registry has none of this version for it. */
export const targets = ['linux-x64', 'linux-arm64', 'win32-x64', 'darwin-arm64', 'darwin-x64']

/** What only developers, or tools that they use, ever read. */
const unneeded = /\.(?:[cm]?ts|map|tsbuildinfo|markdown)$|(?:^|\/)(?:readme|changelog|history|contributing)[^/]*\.md$|^(?:man|docs)\//i

const json = (value) => Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`)
const textEntry = (path, text, executable = false) => ({path, executable, bytes: () => Buffer.from(text)})

function filesBelow(folder, keep, left = unneeded) {
  return readdirSync(folder, {recursive: true, withFileTypes: true})
    .filter((one) => one.isFile())
    .map((one) => slashes(join(one.parentPath, one.name).slice(folder.length + 1)))
    .filter((path) => keep(path) && !left.test(path))
}

const fromDisk = (path, file) => ({path, executable: (statSync(file).mode & 0o111) !== 0, bytes: () => readFileSync(file)})

/** Exact versions where the workspace has `workspace:*`, and nothing for developers. */
export function published(source, packages) {
  const {devDependencies: _, scripts: __, ...pjson} = source
  const exact = ([name, range]) => [name, range.startsWith('workspace:') ? packages.find((one) => one.name === name).version : range]
  return {...pjson, ...(pjson.dependencies ? {dependencies: Object.fromEntries(Object.entries(pjson.dependencies).map(exact))} : {})}
}

/** The CLI's package.json, which names the curated index of plugins that counts where the settings name none. */
export const withIndex = (pjson, index) => (index?.url ? {...pjson, cgpu: {...pjson.cgpu, pluginIndex: index}} : pjson)

/** The files of one package at its `path`. `left`: those that are left out, usually what only developers read. */
export function packageEntries(one, packages, left = unneeded) {
  if (one.fetch) {
    const files = fetchPackage(one.name, one.version, lock[`${one.name}@${one.version}`].resolution.integrity)
    return [...files].filter(([path]) => !unneeded.test(path)).map(([path, bytes]) => ({path: `${one.path}/${path}`, bytes: () => bytes}))
  }
  const ours = one.name.startsWith('@cgpu/')
  const inside = one.pjson.bundleDependencies ?? one.pjson.bundledDependencies
  const folders = ours ? one.pjson.files.filter((name) => name.startsWith('/')).map((name) => name.slice(1)) : undefined
  const keep = (path) => path !== 'package.json' && (inside || !path.startsWith('node_modules/')) && !/(^|\/)(\.bin|__pycache__)\//.test(path)
    && (!folders || folders.some((folder) => path === folder || path.startsWith(`${folder}/`)))
  return [
    {path: `${one.path}/package.json`, bytes: () => json(ours ? published(one.pjson, packages) : one.pjson)},
    ...filesBelow(one.folder, keep, left).map((path) => fromDisk(`${one.path}/${path}`, join(one.folder, path))),
  ]
}

/** As npm writes it, so that `npm audit` and others can read what is installed. */
function packageLock(pjson, packages) {
  const entry = ({name, version, pjson: {dependencies, license}}) => {
    const integrity = lock[`${name}@${version}`]?.resolution?.integrity
    return {version, ...(integrity ? {integrity} : {}), ...(typeof license === 'string' ? {license} : {}), ...(dependencies ? {dependencies} : {})}
  }
  const {name, version, license, dependencies} = pjson
  return {name, version, lockfileVersion: 3, requires: true, packages: {'': {name, version, license, dependencies}, ...Object.fromEntries(packages.map((one) => [one.path, entry(one)]))}}
}

/** The CLI's own files. Where another version is wanted than the one that was built, it is put where the build put that one. */
export function ownEntries(version) {
  const built = readJson(join(root, 'package.json')).version
  const marked = new Set(['oclif.manifest.json', ...['fast/main.js', 'fast/table.json', 'fast-daemon/build.json'].map((name) => `packages/cli/dist/${name}`)])
  const dist = join(root, 'packages/cli/dist')
  if (!existsSync(join(dist, 'fast/main.js'))) throw new Error('cgpu is not built: npm run build')
  const paths = ['bin/run.js', 'LICENSE', 'oclif.manifest.json', ...filesBelow(dist, () => true).map((path) => `packages/cli/dist/${path}`)]
  const pattern = new RegExp(`("version": ?)"${built.replaceAll('.', '\\.')}"`)
  return paths.map((path) => {
    const entry = fromDisk(path, join(root, path))
    if (version === built || !marked.has(path)) return entry
    const bytes = () => {
      const text = readFileSync(join(root, path), 'utf8')
      if (!pattern.test(text)) throw new Error(`${path} does not say its version`)
      return Buffer.from(text.replace(pattern, `$1"${version}"`))
    }
    return {...entry, bytes}
  })
}

function nodeInside(target, {nodeArchive, nodeFile}) {
  if (nodeFile) return {entries: [fromDisk(`bin/${target.startsWith('win32') ? 'node.exe' : 'node'}`, nodeFile)], about: {version: nodeBuilds.version}}
  const {files, about} = nodeFor(target, nodeArchive)
  return {about, entries: [...files].map(([path, bytes]) => ({path, executable: !path.endsWith('.LICENSE'), bytes: () => bytes}))}
}

/**
 * The entries of an archive, and its SBOM. `commit`, `seconds` (since 1970): of the sources. `node`: with Node inside. `update`, `pluginIndex`: {url,
 * keys} that are built in. `nodeArchive`: see nodeFor.
 * For tests: `only` leaves out paths of the version, `nodeFile` is a program that takes the place of the pinned Node.
 */
export function layout({target, node, version, commit, seconds, update, pluginIndex, nodeArchive, nodeFile, only = () => true}) {
  const packages = closure(target)
  const pjson = withIndex({...published(readJson(join(root, 'package.json')), packages), version}, pluginIndex)
  const date = new Date(seconds * 1000).toISOString()
  const id = `${version}-${commit.slice(0, 8)}`
  const inside = node ? nodeInside(target, {nodeArchive, nodeFile}) : undefined
  const bill = sbom({
    version, date, target, license: pjson.license, packages, lock, node: inside?.about,
    needs: packages.filter(({path, name}) => path === `node_modules/${name}` && Object.hasOwn(pjson.dependencies, name)).map(({path}) => path),
  })
  const build = {version, commit, date, target, node: node ? nodeBuilds.version : null, update}
  const own = [
    {path: 'package.json', bytes: () => json(pjson)},
    {path: 'package-lock.json', bytes: () => json(packageLock(pjson, packages))},
    {path: 'build.json', bytes: () => json(build)},
    {path: 'sbom.cdx.json', bytes: () => json(bill)},
    ...ownEntries(version),
    ...packages.flatMap((one) => packageEntries(one, packages)),
  ].filter(({path}) => only(path))
  const files = [...own, ...(inside?.entries ?? [])].map((entry) => ({...entry, path: `cgpu/versions/${id}/${entry.path}`}))
  return {
    id, sbom: bill,
    entries: [textEntry('cgpu/bin/cgpu', posix, true), textEntry('cgpu/bin/cgpu.cmd', windows), textEntry('cgpu/current', `${id}\n`), ...files],
  }
}
