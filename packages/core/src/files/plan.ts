import {linkStaysInside} from './names.ts'
import type {Entry, Origin, Seen} from './side.ts'

/** Something of a source, and where it goes below the target's folder. */
export interface Item {
  /** which of the sources */
  from: number
  origin: Origin
  to: string
  entry: Entry
}

export interface Plan {
  folders: Item[]
  files: Item[]
  links: Item[]
  /** files that are there already */
  same: Item[]
  /** what is not copied, and why: no failure */
  left: {item: Item; why: string}[]
  /** what cannot be read */
  unreadable: Item[]
  /** of the files */
  bytes: number
}

/** What is to be done, from what there is; without any effect. `seen` is what stands in the files' places, by `to`. */
export function planOf(items: Item[], seen: ReadonlyMap<string, Seen>): Plan {
  const plan: Plan = {folders: [], files: [], links: [], same: [], left: [], unreadable: [], bytes: 0}
  for (const item of items) {
    const {entry} = item
    if (entry.kind === 'folder') plan.folders.push(item)
    else if (entry.kind === 'unreadable') plan.unreadable.push(item)
    else if (entry.kind === 'other') plan.left.push({item, why: 'it is not a regular file'})
    else if (entry.kind === 'link') {
      if (linkStaysInside(entry.path, entry.link ?? '')) plan.links.push(item)
      else plan.left.push({item, why: 'it is a link that leads out of the folder; --follow copies what it points to'})
    } else if (isSame(entry, seen.get(item.to))) plan.same.push(item)
    else {
      plan.files.push(item)
      plan.bytes += entry.size
    }
  }
  return plan
}

/** By size and time, as far as the file system over there keeps times; FAT has two seconds. */
export function isSame({size, mtime}: Entry, seen: Seen | undefined): boolean {
  if (seen?.kind !== 'file' || seen.size !== size) return false
  // of microseconds a double is one off
  if (Math.abs(seen.mtime - mtime) <= 2) return true
  return [1e3, 1e6, 2e6].some(step => seen.mtime % step === 0 && Math.floor(mtime / step) * step === seen.mtime)
}

/** Two of them would become the same file, or a file's place is needed for a folder. Undefined when none are. */
export function clash(items: Item[]): string | undefined {
  const kinds = new Map<string, boolean>()
  for (const {to, entry} of items) {
    if (entry.kind === 'unreadable') continue
    const folder = entry.kind === 'folder'
    const before = kinds.get(to)
    if (before !== undefined && !(before && folder)) return to
    kinds.set(to, folder)
  }
  return undefined
}

export interface Batch {
  from: number
  base: string
  items: Item[]
}

/** What is larger goes by itself, in pieces. */
export const smallBytes = 1 << 20
const batchFiles = 1000
const batchNameBytes = 512 << 10

/** Small files of one folder of a source, as many as `room` bytes hold when it is asked for the next. */
export function* batches(files: Item[], room: () => number): Generator<Batch> {
  let batch: Batch | undefined
  let bytes = 0
  let names = 0
  for (const item of files) {
    const {from, origin, entry, to} = item
    const size = 3 * (origin.path.length + to.length)
    const full = batch && (bytes + entry.size > room() || names + size > batchNameBytes || batch.items.length === batchFiles)
    if (batch && (full || batch.from !== from || batch.base !== origin.base)) {
      yield batch
      batch = undefined
    }
    if (!batch) {
      batch = {from, base: origin.base, items: []}
      bytes = names = 0
    }
    batch.items.push(item)
    bytes += entry.size
    names += size
  }
  if (batch) yield batch
}
