import type {Root} from './side.ts'

/** What the target's path is now. */
export type Place = 'folder' | 'other' | undefined

export interface Landing {
  /** the folder that everything goes below */
  base: string
  /** of each root, below the base; '' for the contents of a folder */
  names: string[]
}

/** Whether a folder's contents are meant, not the folder: as rsync has it, and for what has no name of its own. */
export function meansContents(spelled: string): boolean {
  return /(?:^|[/\\])\.{0,2}$/.test(spelled)
}

/**
 * Where sources go. A folder `a` becomes `TARGET/a`, and the contents of `a/` become TARGET's, whether TARGET is there or not, so
 * that the same command again means the same. A single file goes into a folder, and else gets the target's name.
 */
export function landing(roots: {root: Root; spelled: string}[], target: {path: string; place: Place}, several: boolean): Landing {
  const {path, place} = target
  const [first] = roots
  const inside = several || roots.length > 1 || first?.root.entry.kind === 'folder' || place === 'folder' || meansContents(path)
  if (inside) return {base: path, names: roots.map(({root, spelled}) => (root.entry.kind === 'folder' && meansContents(spelled) ? '' : baseName(root.path)))}
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  // a backslash separates on Windows only, and may be part of a name elsewhere
  const at = path.includes('/') || !/^[a-z]:\\|^\\\\/i.test(path) ? path.lastIndexOf('/') : slash
  return {base: at < 0 ? '.' : path.slice(0, at) || '/', names: [path.slice(at + 1)]}
}

export function baseName(path: string): string {
  return (/^[a-z]:\\|^\\\\/i.test(path) ? path.split(/[/\\]/) : path.split('/')).at(-1) ?? ''
}
