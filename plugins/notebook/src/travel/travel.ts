import {mkdir, realpath, stat} from 'node:fs/promises'
import {basename, dirname, isAbsolute, join, relative, resolve, sep} from 'node:path'
import {cgpu, CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress} from '../addresses/address.ts'

export interface TravelFlags {
  cwd?: string | undefined
  include?: string[] | undefined
  fetch?: string[] | undefined
  /** where what is fetched comes */
  'fetch-to'?: string | undefined
}

/** What is to go to a runtime. */
export interface Sent {
  /** absolute, here */
  path: string
  /** below the folder of the run, with `/`; '' is that folder */
  folder: string
}

/** What goes to the runtime before a run, and what comes back after it, by `cgpu cp`. */
export interface Travel {
  send(runtime: string, signal: AbortSignal): Promise<void>
  /** Returns the paths that came. What a pattern finds nothing for is told by `onWarning`. */
  fetch(runtime: string): Promise<string[]>
}

/**
 * Looks at what is to be sent before a machine is needed. Undefined: nothing travels. Includes are named from this folder, and lie in the run's folder as they
 * do beside the notebook; what is fetched comes beside the executed copy, or where that is said. Throws INCLUDE_OUTSIDE, FETCH_OUTSIDE (64), FILE_NOT_FOUND (66).
 */
export async function planTravel({notebook, output, flags: {cwd, include = [], fetch = [], 'fetch-to': fetchTo}, onWarning}: {notebook: string; output: string; flags: TravelFlags; onWarning: (message: string) => void}): Promise<Travel | undefined> {
  if (include.length === 0 && fetch.length === 0) return undefined
  const from = folderOf(notebook)
  const to = fetchTo === undefined ? folderOf(output) : resolve(fetchTo)
  const sent = await Promise.all(include.map((path) => toSend(path, from)))
  for (const pattern of fetch) refuseOutside(pattern)
  const place = (runtime: string, below: string): string => `${runtime}:${[cwd?.replace(/\/+$/, ''), below].filter((part) => part !== undefined && part !== '' && part !== '.').join('/')}`
  return {
    async send(runtime, signal) {
      for (const [folder, paths] of Map.groupBy(sent, (one) => one.folder)) {
        const target = place(runtime, folder)
        await cgpu.call(['cp', '--quiet', ...paths.map(({path}) => path), target.endsWith(':') ? target : `${target}/`], {signal})
      }
    },
    async fetch(runtime) {
      const came: string[] = []
      for (const pattern of fetch) came.push(...await fetchOne(pattern, {runtime, root: place(runtime, ''), to, onWarning}))
      return came
    },
  }
}

/** The folder of this computer that a notebook or a copy belongs to. */
export const folderOf = (place: string): string => (place === '-' || isAddress(place) ? process.cwd() : dirname(resolve(place)))

/** Throws INCLUDE_OUTSIDE (64), FILE_NOT_FOUND (66). */
export async function toSend(path: string, from: string): Promise<Sent> {
  const absolute = resolve(path)
  const below = relative(from, absolute)
  if (below === '' || below.startsWith('..') || isAbsolute(below)) {
    throw errors.usage(`--include ${sanitizeLine(path, 200)}: it does not lie below ${sanitizeLine(from, 200)}, the folder of the notebook`, {code: 'INCLUDE_OUTSIDE', category: 'file', fix: 'carry it yourself: cgpu cp FILE NAME:'})
  }
  await stat(absolute).catch((error: unknown) => {
    throw errors.notFound(`--include ${sanitizeLine(path, 200)}: there is no such file`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'give the path of a file or folder', cause: error})
  })
  const folder = dirname(below).split(sep).join('/')
  return {path: absolute, folder: folder === '.' ? '' : folder}
}

/** Throws FETCH_OUTSIDE (64). */
export function refuseOutside(pattern: string): void {
  if (pattern !== '' && !/^[/~]/.test(pattern) && !pattern.split('/').includes('..')) return
  throw errors.usage(`--fetch ${sanitizeLine(pattern, 200)}: it does not lie below the folder of the run`, {code: 'FETCH_OUTSIDE', category: 'file', fix: 'fetch it yourself: cgpu cp NAME:PATH .'})
}

interface Fetching {
  runtime: string
  /** NAME: and the run's folder */
  root: string
  /** where it comes */
  to: string
  onWarning: (message: string) => void
}

/** The runtime finds what matches; each file comes to the same place below `to`. */
async function fetchOne(pattern: string, {runtime, root, to, onWarning}: Fetching): Promise<string[]> {
  const prefix = root.endsWith(':') ? root : `${root}/`
  let found: {path: string}[]
  try {
    found = await cgpu.call<{path: string}[]>(['fs', 'stat', '--quiet', `${prefix}${pattern}`])
  } catch (error) {
    if (!(error instanceof CgpuError) || !error.code.endsWith('NOT_FOUND')) throw error
    onWarning(`--fetch ${sanitizeLine(pattern, 200)}: nothing matches on ${runtime}`)
    return []
  }
  const came: string[] = []
  for (const [folder, entries] of Map.groupBy(found.map(({path}) => ({path, below: belowOf(path, prefix.slice(runtime.length + 1))})), ({below}) => dirname(below))) {
    const target = await folderBelow(to, folder)
    await cgpu.call(['cp', '--quiet', ...entries.map(({path}) => `${runtime}:${path}`), `${target}/`])
    came.push(...entries.map(({path}) => join(target, basename(path))))
  }
  return came
}

/** Makes the folder below `to`, `folder` with slashes. Throws CANNOT_WRITE (73) where a link leads out of it. */
export async function folderBelow(to: string, folder: string): Promise<string> {
  const target = join(to, ...folder.split('/'))
  await mkdir(target, {recursive: true})
  if (!relative(await realpath(to), await realpath(target)).startsWith('..')) return target
  throw errors.cannotWrite(`${sanitizeLine(target)} leads out of ${sanitizeLine(to)}`, {code: 'CANNOT_WRITE', fix: 'remove the link, or give another place with -o'})
}

/** What a machine tells is not believed: a path that leads out of the run's folder is none. `folder`: of the run, with a slash at its end, or ''. */
function belowOf(path: string, folder: string): string {
  const below = path.startsWith(folder) ? path.slice(folder.length) : ''
  if (below !== '' && !below.startsWith('/') && !below.split('/').includes('..')) return below
  throw errors.data(`the runtime names a file outside of the run's folder: ${sanitizeLine(path, 200)}`, {code: 'UNSAFE_NAME', category: 'file', fix: 'fetch it yourself: cgpu cp NAME:PATH .'})
}
