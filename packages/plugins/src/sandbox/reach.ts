import {existsSync, lstatSync, readdirSync, readFileSync, realpathSync} from 'node:fs'
import {dirname, join, relative, sep} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'

const maxEntries = 100_000

/** What a plugin's code may read. */
export interface Reach {
  /** its own, and those of the packages that it depends on, as real paths */
  folders: string[]
  /** by which Node finds such a package that lies elsewhere, as pnpm has it: the place of the link, and the real one of the package */
  links: {at: string; to: string}[]
}

/** Throws SANDBOX_LINK (65) where a symbolic link in one of the folders leads out of all of them: both Node and the kernel would follow it. */
export function reachOf(root: string, name: string): Reach {
  const {folders, links} = packagesOf(realpathSync(root))
  for (const folder of folders) {
    if (/[*\0]/.test(folder)) throw errors.data(`${sanitizeLine(folder)} has a * in its path, which Node would take for a wildcard`, {code: 'SANDBOX_PATH', category: 'plugin', fix: 'move it elsewhere'})
  }
  let left = maxEntries
  const isInside = (path: string): boolean => folders.some(folder => path === folder || path.startsWith(folder + sep))
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, {withFileTypes: true})) {
      if (left-- === 0) throw errors.data(`${sanitizeLine(name, 100)} has more than ${maxEntries} files`, {code: 'SANDBOX_SIZE', category: 'plugin', fix: 'it cannot be run in a sandbox'})
      const path = join(folder, entry.name)
      if (entry.isDirectory()) visit(path)
      else if (entry.isSymbolicLink() && !isInside(target(path))) {
        throw errors.data(`${sanitizeLine(name, 100)} has a link that leads out of it: ${sanitizeLine(relative(root, path))}`, {
          code: 'SANDBOX_LINK', category: 'plugin', fix: `no package of a registry has such links; remove the plugin: cgpu plugins uninstall ${sanitizeLine(name, 100)}`,
        })
      }
    }
  }
  for (const folder of folders) if (!folders.some(other => other !== folder && folder.startsWith(other + sep))) visit(folder)
  return {folders, links: links.filter(({at}) => !isInside(at))}
}

/** A link to nowhere may lead somewhere later. */
function target(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return ''
  }
}

/** The package and all that it depends on, found as Node finds them, but only where packages of it can be: in itself or installed beside it. */
function packagesOf(root: string): Reach {
  const beside = new RegExp(`^(.*\\${sep}node_modules)\\${sep}`).exec(root)?.[1]
  const may = (path: string): boolean => path.startsWith(root + sep) || (beside !== undefined && path.startsWith(beside + sep))
  const found = new Set<string>()
  const links = new Map<string, string>()
  const pending = [root]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    if (found.has(folder)) continue
    found.add(folder)
    for (const dependency of dependenciesOf(folder)) {
      const path = installed(folder, dependency)
      if (path === undefined) continue
      const real = realpathSync(path)
      if (!may(real)) continue
      pending.push(real)
      if (may(path) && lstatSync(path).isSymbolicLink()) links.set(path, real)
    }
  }
  return {folders: [...found], links: [...links].map(([at, to]) => ({at, to}))}
}

/** The host's packages are not the plugin's: it is given a stand-in for them. */
const provided = new Set(['@oclif/core', '@cgpu/plugin-sdk'])

function dependenciesOf(folder: string): string[] {
  try {
    const pjson = parseJson(readFileSync(join(folder, 'package.json'), 'utf8'))
    if (!isObject(pjson)) return []
    const all = [pjson['dependencies'], pjson['optionalDependencies'], pjson['peerDependencies']].flatMap(one => (isObject(one) ? Object.keys(one) : []))
    return all.filter(one => /^(@[\w.-]+\/)?[\w.-]+$/.test(one) && !one.split('/').includes('..') && !provided.has(one))
  } catch {
    return []
  }
}

/** Its path as Node finds it, which may be a link. */
function installed(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(path)) return path
    if (folder === dirname(folder)) return undefined
  }
}
