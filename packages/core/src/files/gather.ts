import {errors, type CgpuError} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import type {Filter} from './filter.ts'
import {baseName, landing, type Landing, type Place} from './landing.ts'
import type {Item} from './plan.ts'
import type {Root, Source} from './side.ts'

export interface Named {
  source: Source
  /** the path as it was typed: a slash at its end means what is in the folder */
  spelled: string
}

/** All that the sources stand for, and where it goes. `kinds` tells what a single file or folder is that was named. */
export async function gather(sources: Named[], target: {path: string; place: Place}, filter: Filter): Promise<{base: string; items: Item[]; single: boolean}> {
  const found = await Promise.all(sources.map(async ({source, spelled}, from) => {
    const {roots, pattern} = await source.roots()
    return {from, pattern, roots: roots.map(root => ({root, spelled, from, source}))}
  }))
  const roots = found.flatMap(one => one.roots)
  const several = sources.length > 1 || found.some(one => one.pattern)
  const {base, names}: Landing = landing(roots, target, several)
  const [first] = roots
  const single = roots.length === 1 && first?.root.entry.kind !== 'folder'
  if (single && first && !several) refuseOdd(first.root, first.source)
  const items: Item[] = []
  for (const [i, {root, from, source}] of roots.entries()) {
    const name = names[i] ?? ''
    if (root.entry.kind !== 'folder') {
      const path = baseName(root.path)
      const folder = root.path.slice(0, root.path.length - path.length)
      if (filter.keeps(path, false)) items.push({from, origin: {base: folder, path}, to: name, entry: {...root.entry, path}})
      continue
    }
    if (name !== '') items.push({from, origin: {base: root.path, path: ''}, to: name, entry: {...root.entry, path: name}})
    for await (const entries of source.walk(root.path, path => filter.keeps(path, true))) {
      for (const entry of entries) {
        if (!filter.keeps(entry.path || '.', entry.kind === 'folder') && entry.path !== '') continue
        const to = name === '' ? entry.path : entry.path === '' ? name : `${name}/${entry.path}`
        items.push({from, origin: {base: root.path, path: entry.path}, to, entry})
      }
    }
  }
  return {base, items: filter.selective ? needed(items) : items, single}
}

/** Without the folders in which nothing is wanted. */
function needed(items: Item[]): Item[] {
  const wanted = new Set<string>()
  for (const {entry, to} of items) {
    if (entry.kind === 'folder') continue
    for (let at = to.lastIndexOf('/'); at > 0 && !wanted.has(to.slice(0, at)); at = to.lastIndexOf('/', at - 1)) wanted.add(to.slice(0, at))
  }
  return items.filter(({entry, to}) => entry.kind !== 'folder' || wanted.has(to))
}

/** What was named by itself is not left out silently. */
function refuseOdd({path, entry}: Root, source: Source): void {
  const name = sanitizeLine(source.label(path))
  if (entry.kind === 'unreadable') throw unreadable(name, entry.reason)
  if (entry.kind !== 'file') {
    throw errors.usage(`${name} is not a regular file`, {code: 'NOT_A_FILE', category: 'file', fix: 'copy files and folders; what a device or a pipe gives: cgpu cp - NAME:PATH < IT'})
  }
}

export function unreadable(name: string, reason = 'unknown'): CgpuError {
  return errors.notFound(`cannot read ${name}: ${sanitizeLine(reason)}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path and its permissions'})
}
