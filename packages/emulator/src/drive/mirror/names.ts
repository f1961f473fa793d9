import {extname} from 'node:path'

const mostBytes = 200

/** The name that a file system takes: Drive allows `/` in names, and any length. */
export function diskName(name: string): string {
  const plain = name.replaceAll(/[/\u0000-\u001f\u007f]/g, '_')
  const safe = plain === '' || plain === '.' || plain === '..' || plain.endsWith(ownSuffix) ? `${plain.replaceAll('.', '_')}_` : plain
  return shortened(safe)
}

/** Ends the names of files that are not to be mirrored. */
export const ownSuffix = '.cgpu-tmp'

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= mostBytes) return name
  const extension = extname(name).slice(0, 20)
  const stem = Array.from(name.slice(0, name.length - extname(name).length))
  let bytes = Buffer.byteLength(stem.join('') + extension)
  while (bytes > mostBytes) bytes -= Buffer.byteLength(stem.pop() ?? extension)
  return stem.join('') + extension
}

/** `a.txt`, `a (1).txt`, `a (2).txt`… */
export function numbered(base: string, number: number): string {
  if (number === 0) return base
  const extension = extname(base)
  return `${base.slice(0, base.length - extension.length)} (${number})${extension}`
}

/** Whether a disk name may stand for this base. */
export function standsFor(disk: string, base: string): boolean {
  if (disk === base) return true
  const extension = extname(base)
  const stem = base.slice(0, base.length - extension.length)
  return disk.startsWith(`${stem} (`) && disk.endsWith(`)${extension}`) && /^[1-9]\d{0,8}$/.test(disk.slice(stem.length + 2, disk.length - extension.length - 1))
}

/**
 * Names for the files of one folder. Who has a fitting name keeps it; the others, in the order given, get the first
 * that is free.
 */
export function allocate(files: {id: string; name: string}[], held: (id: string) => string | undefined): Map<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const {id, name} of files) {
    const before = held(id)
    if (before === undefined || taken.has(before) || !standsFor(before, diskName(name))) continue
    names.set(id, before)
    taken.add(before)
  }
  const lowest = new Map<string, number>()
  for (const {id, name} of files) {
    if (names.has(id)) continue
    const base = diskName(name)
    let number = lowest.get(base) ?? 0
    while (taken.has(numbered(base, number))) number++
    lowest.set(base, number + 1)
    names.set(id, numbered(base, number))
    taken.add(numbered(base, number))
  }
  return names
}
