// What the CLI needs to run: its production dependencies as they are installed here, laid out as npm would, without links.
import {existsSync, readFileSync, realpathSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {parse} from 'yaml'
import {root} from '../bundling.mjs'

export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** Where Node finds a package from a folder. */
function findFrom(folder, name) {
  for (let at = folder; ; at = dirname(at)) {
    const found = join(at, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return realpathSync(found)
    if (dirname(at) === at) return undefined
  }
}

const workspace = parse(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'))
const leftOut = new Set(Object.entries(workspace.overrides ?? {}).filter(([, to]) => to === '-').map(([name]) => name))

/** Entries of pnpm-lock.yaml by `name@version`: `resolution.integrity`, `os`, `cpu`, `libc`. */
export const lock = parse(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')).packages

const systemOf = {linux: 'linux', darwin: 'darwin', win32: 'win32'}

/** Whether a package that is compiled for some systems is for this one. With glibc: Node's own builds need it, too. */
function fits({os, cpu, libc}, target) {
  const [system, arch] = target.split('-')
  return (!os || os.includes(systemOf[system])) && (!cpu || cpu.includes(arch)) && (!libc || libc.includes('glibc'))
}

const native = ({os, cpu}) => os !== undefined || cpu !== undefined

/** What a package's package.json asks for, without what it brings along inside itself. */
function allDependenciesOf(pjson) {
  const inside = new Set(pjson.bundleDependencies ?? pjson.bundledDependencies ?? [])
  return Object.entries({...pjson.dependencies, ...pjson.optionalDependencies}).filter(([name]) => !inside.has(name) && !leftOut.has(name))
}

const cli = {folder: root, pjson: readJson(join(root, 'package.json'))}

/**
 * The packages below the CLI, or another one: `top` is its {folder, pjson}, `without` are names that it is given. Each has `path`
 * (`node_modules/a/node_modules/b`), `name`, `version`, `pjson`, `needs` (paths), and `folder`, or `fetch: true` where it is compiled for
 * another system than this one and so not installed here.
 */
export function closure(target, {top: {folder, pjson} = cli, without = []} = {}) {
  const dependenciesOf = (one) => allDependenciesOf(one).filter(([name]) => !without.includes(name))
  const top = {path: '', folder, pjson, needs: []}
  const placed = new Map([['', top]])
  const queue = [top]
  for (let from = queue.shift(); from; from = queue.shift()) {
    for (const [name, range] of dependenciesOf(from.pjson)) {
      const wanted = resolve(from, name, range, target)
      if (!wanted) continue
      const visible = seenFrom(from.path, name, placed)
      if (visible?.version === wanted.version) {
        from.needs.push(visible.path)
        continue
      }
      // as high as nobody is in the way: at the top, or beside the files of who needs it
      const path = `${visible && from.path !== '' ? `${from.path}/` : ''}node_modules/${name}`
      const one = {...wanted, path, name, needs: []}
      placed.set(path, one)
      from.needs.push(path)
      queue.push(one)
    }
  }
  const all = [...placed.values()]
  check(all, placed, {target, dependenciesOf})
  return all.filter(({path}) => path !== '').toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function resolve(from, name, range, target) {
  const folder = findFrom(from.folder ?? root, name)
  const pjson = folder === undefined ? undefined : readJson(join(folder, 'package.json'))
  const entry = lock[`${name}@${pjson?.version ?? range}`]
  if (entry && native(entry) && !fits(entry, target)) return undefined
  if (pjson) return {folder, pjson, version: pjson.version}
  if (entry && native(entry)) return {fetch: true, version: range, pjson: {name, version: range}}
  if (from.pjson.optionalDependencies?.[name]) return undefined
  throw new Error(`${from.path || 'the CLI'} needs ${name}, which is not installed: npm run build`)
}

/** What Node would find for `name` from a place in the layout. */
function seenFrom(path, name, placed) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const found = placed.get(`${at === '' ? '' : `${at}/`}node_modules/${name}`)
    if (found || at === '') return found
  }
}

/** Each finds what it is meant to find, whatever was placed after it. */
function check(all, placed, {target, dependenciesOf}) {
  for (const from of all) {
    for (const [name, range] of dependenciesOf(from.pjson)) {
      const wanted = resolve(from, name, range, target)
      if (wanted && seenFrom(from.path, name, placed)?.version !== wanted.version) throw new Error(`${from.path}: ${name} would not be ${wanted.version}`)
    }
  }
}
