import {lstat, open, readdir, readFile} from 'node:fs/promises'
import {join, relative} from 'node:path'
import {isObject, type JsonObject} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import type {BundleInput} from './bundle.ts'

/** Of a file that may grow without end. */
const tailBytes = 256 * 1024

/** The last lines of a file; none where there is no file. A line whose beginning was cut off is left out. */
async function lastLines(path: string, count: number, bytes = tailBytes): Promise<string[]> {
  try {
    const file = await open(path, 'r')
    try {
      const {size} = await file.stat()
      const from = Math.max(0, size - bytes)
      const {buffer, bytesRead} = await file.read(Buffer.alloc(Math.min(size, bytes)), 0, undefined, from)
      const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
      return (from > 0 ? lines.slice(1) : lines).filter((line) => line !== '').slice(-count)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

/** What the user installed or linked, read without loading any of it: a bundle is wanted most when one of them is broken. */
export async function installedPlugins({root, dirs}: BundleInput): Promise<string[]> {
  const [own, user] = await Promise.all([readObject(join(root, 'package.json')), readObject(join(dirs.data, 'package.json'))])
  const bundled = pluginsOf(own).filter((one) => typeof one === 'string').map((name) => `${name} (comes along)`)
  const versions = isObject(user['dependencies']) ? user['dependencies'] : {}
  const installed = pluginsOf(user).filter(isObject).map(({name, type, tag, root: folder}) =>
    [text(name), text(versions[text(name)]) || text(tag), `(${text(type)})`, text(folder)].filter(Boolean).join(' '))
  return [...bundled, ...(await lockedPlugins(dirs.data)), ...installed]
}

/** Of plugins.lock.json; a broken one shows among the state files. */
async function lockedPlugins(dataDir: string): Promise<string[]> {
  const lock = await readObject(join(dataDir, 'plugins.lock.json')).catch((): JsonObject => ({}))
  const plugins = isObject(lock['plugins']) ? Object.values(lock['plugins']).filter(isObject) : []
  return plugins.map(({name, version, source, integrity}) => [text(name), text(version), `(${text(source)})`, text(integrity)].filter(Boolean).join(' '))
}

const pluginsOf = ({oclif}: JsonObject): unknown[] => (isObject(oclif) && Array.isArray(oclif['plugins']) ? oclif['plugins'] : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

async function readObject(path: string): Promise<JsonObject> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isObject(value) ? value : {}
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return {}
    throw error
  }
}

/** Of a line of the history: what says how it went. With code also what was run; what was printed never. */
const plainKeys = ['id', 't', 'at', 'kind', 'status', 'exitStatus', 'category', 'durationSeconds', 'stdoutBytes', 'stderrBytes', 'peakMemoryBytes', 'version', 'detached', 'kernel']
const codeKeys = ['command', 'message', 'cwd', 'packages', 'requirements', 'outputs', 'given', 'spec', 'envNames']

/** The last executions, a line each: what is known of an id from all of its lines. */
export async function historyEntries({dirs, code}: BundleInput): Promise<string[]> {
  const folder = join(dirs.state, 'history')
  // those that were set aside are named by their time, so they sort by it and before the current one
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jsonl')).sort()
  const current = names.filter((name) => !/\d{4}/.test(name))
  const found = new Map<string, JsonObject>()
  for (const name of [...names.filter((one) => !current.includes(one)).slice(-1), ...current]) {
    for (const line of await lastLines(join(folder, name), 1000, 4 * tailBytes)) {
      const entry = historyLine(line, code)
      if (entry) found.set(String(entry['id']), {...found.get(String(entry['id'])), ...entry})
    }
  }
  return [...found.values()].slice(-50).toReversed().map((entry) => JSON.stringify(entry))
}

function historyLine(line: string, code: boolean): JsonObject | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // torn by a crash
  }
  if (!isObject(value) || typeof value['id'] !== 'string') return undefined
  const {runtime, accelerator, at, t} = value
  const error = text(value['code'])
  const {t: _, at: __, ...plain} = Object.fromEntries(Object.entries(value).filter(([key, one]) => (plainKeys.includes(key) && typeof one !== 'object') || (code && codeKeys.includes(key))))
  return {
    ...plain, [t === 'end' ? 'endedAt' : t === 'begin' ? 'startedAt' : 'at']: at,
    ...(isObject(runtime) ? {runtime: text(runtime['name']), provider: text(runtime['provider'])} : {}),
    ...(isObject(accelerator) ? {accelerator: text(accelerator['id'])} : {}),
    // an error's code is in capitals; anything else of that name is somebody's program
    ...(/^[A-Z][A-Z0-9_]*$/.test(error) ? {error} : {}),
  }
}

export async function daemonLog({dirs}: BundleInput): Promise<string[]> {
  return lastLines(join(dirs.state, 'daemon', 'daemon.log'), 200)
}

/** Every file with its size and mode. */
export async function stateFiles({dirs}: BundleInput): Promise<string[]> {
  const entries = await readdir(dirs.state, {recursive: true, withFileTypes: true}).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  })
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort()
  // runtimes of this machine have their whole working folder below: a listing of it helps nobody
  const most = 500
  const lines = await Promise.all(paths.slice(0, most).map(async (path) => {
    const {mode, size, mtime} = await lstat(path)
    return `${(mode & 0o777).toString(8).padStart(3, '0')}  ${String(size).padStart(9)}  ${mtime.toISOString()}  ${relative(dirs.state, path)}`
  }))
  return [...lines, ...(paths.length > most ? [`and ${paths.length - most} more`] : [])]
}
