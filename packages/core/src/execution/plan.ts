import type {Stats} from 'node:fs'
import {open, readdir, readFile, stat} from 'node:fs/promises'
import {basename, extname, isAbsolute, join, relative, resolve, sep} from 'node:path'
import {errors} from '../errors.ts'
import {errnoOf} from '../state/write-error.ts'
import {sanitizeLine} from '../text/line.ts'

/** What `cgpu run` was asked to run. `cwd` is the local folder that relative paths start from. */
export interface RunRequest {
  cwd: string
  script?: {path: string; args: string[]} | undefined
  /** a command as after `--` */
  command?: string[] | undefined
  include: string[]
  packages: string[]
  requirements?: string | undefined
  env: Record<string, string>
  remoteCwd?: string | undefined
  outputs: string[]
}

export interface PlannedFile {
  local: string
  /** relative to the runtime's working folder, `/` separated */
  remote: string
  size: number
  mode: number
}

/** A run whose local side was checked: nothing is missing, nothing was spent yet. */
export interface RunPlan {
  files: PlannedFile[]
  /** `python`: the runtime's own Python; the script's place is `files[0]` */
  interpreter: 'python' | 'bash' | 'self' | 'command'
  args: string[]
  packages: string[]
  requirements: string | undefined
  env: Record<string, string>
  remoteCwd: string | undefined
  outputs: string[]
}

const maxIncluded = 20_000
const ignoredFolders = new Set(['.git', '__pycache__', 'node_modules', '.venv', '.ipynb_checkpoints'])

/** Checks everything that can be checked on this machine. Throws with exit 64 to 66; nothing was created before. */
export async function planRun(request: RunRequest): Promise<RunPlan> {
  const files: PlannedFile[] = []
  let interpreter: RunPlan['interpreter'] = 'command'
  if (request.script) {
    const script = await plannedFile(request.cwd, request.script.path, 'script')
    interpreter = await interpreterOf(script.local)
    files.push(interpreter === 'self' ? {...script, mode: script.mode | 0o100} : script)
  } else if (!request.command?.length) {
    throw errors.usage('nothing to run', {code: 'NOTHING_TO_RUN', fix: 'cgpu run SCRIPT, or cgpu run -- COMMAND'})
  }
  for (const path of request.include) files.push(...(await included(request.cwd, path)))
  return {
    files: dedupe(files),
    interpreter,
    args: request.script?.args ?? request.command ?? [],
    packages: request.packages.map(checkPackage),
    requirements: request.requirements === undefined ? undefined : await readText(request.cwd, request.requirements),
    env: request.env,
    remoteCwd: request.remoteCwd === undefined ? undefined : checkRemoteCwd(request.remoteCwd),
    outputs: request.outputs.map(checkPattern),
  }
}

async function interpreterOf(path: string): Promise<RunPlan['interpreter']> {
  const extension = extname(path).toLowerCase()
  if (extension === '.py') return 'python'
  if (extension === '.sh' || extension === '.bash') return 'bash'
  if (extension === '.ipynb') {
    throw errors.usage(`${sanitizeLine(basename(path))} is a notebook`, {
      code: 'SCRIPT_IS_NOTEBOOK', fix: 'save it as a .py script, or run it by hand: cgpu run --include FILE -- jupyter execute FILE',
    })
  }
  const file = await open(path, 'r')
  try {
    const {buffer, bytesRead} = await file.read(Buffer.alloc(256), 0, 256, 0)
    const line = buffer.subarray(0, bytesRead).toString('latin1').split('\n', 1)[0] ?? ''
    if (/^#!.*\b(python[\d.]*|cgpu)\b/.test(line)) return 'python'
    if (line.startsWith('#!')) return 'self'
  } finally {
    await file.close()
  }
  throw errors.usage(`how should ${sanitizeLine(basename(path))} be run?`, {
    code: 'UNKNOWN_SCRIPT_TYPE', fix: `give it a first line such as #!/usr/bin/env python3, or: cgpu run --include ${sanitizeLine(basename(path))} -- COMMAND`,
  })
}

async function plannedFile(cwd: string, path: string, what: string): Promise<PlannedFile> {
  const local = resolve(cwd, path)
  const found = await statLocal(local, path, what)
  if (found.isDirectory()) {
    throw errors.usage(`${sanitizeLine(path)} is a folder`, {code: 'NOT_A_FILE', category: 'file', fix: `give the path of a ${what}`})
  }
  if (!found.isFile()) {
    throw errors.usage(`${sanitizeLine(path)} is not a regular file`, {code: 'NOT_A_FILE', category: 'file', fix: `give the path of a ${what}`})
  }
  await open(local, 'r').then((file) => file.close(), (error: unknown) => unreadable(path, error))
  return {local, remote: remotePath(cwd, local), size: found.size, mode: found.mode & 0o777}
}

async function included(cwd: string, path: string): Promise<PlannedFile[]> {
  const local = resolve(cwd, path)
  if (!(await statLocal(local, path, 'file')).isDirectory()) return [await plannedFile(cwd, path, 'file')]
  const files: PlannedFile[] = []
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, {withFileTypes: true})) {
      const child = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!ignoredFolders.has(entry.name)) await walk(child)
      } else if (entry.isFile()) files.push(await plannedFile(cwd, child, 'file'))
      if (files.length > maxIncluded) {
        throw errors.usage(`${sanitizeLine(path)} holds more than ${maxIncluded} files`, {code: 'TOO_MANY_FILES', category: 'file', fix: 'include less of it'})
      }
    }
  }
  await walk(local)
  return files
}

/** Inside the current folder a file keeps its relative path; one from elsewhere lands by its name. */
function remotePath(cwd: string, local: string): string {
  const path = relative(cwd, local)
  const outside = path === '' || path.startsWith('..') || isAbsolute(path)
  return outside ? basename(local) : path.split(sep).join('/')
}

async function statLocal(local: string, path: string, what: string): Promise<Stats> {
  if (path === '') throw errors.usage(`the path of a ${what} cannot be empty`, {code: 'INVALID_PATH', category: 'file', fix: `give the path of a ${what}`})
  try {
    return await stat(local)
  } catch (error) {
    return unreadable(path, error, what)
  }
}

function unreadable(path: string, error: unknown, what = 'file'): never {
  const shown = sanitizeLine(path, 200)
  const errno = errnoOf(error)
  if (errno === 'EACCES' || errno === 'EPERM') {
    throw errors.notFound(`${shown} cannot be read: permission denied`, {code: 'FILE_UNREADABLE', category: 'file', fix: `chmod u+r ${shown}`})
  }
  throw errors.notFound(`there is no ${what} ${shown === '' ? '""' : shown}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path', cause: error})
}

async function readText(cwd: string, path: string): Promise<string> {
  const {local, size} = await plannedFile(cwd, path, 'requirements file')
  if (size > 1 << 20) {
    throw errors.data(`${sanitizeLine(path)} is too big for a requirements file`, {code: 'REQUIREMENTS_INVALID', category: 'file', fix: 'keep it under 1 MiB'})
  }
  return readFile(local, 'utf8')
}

/** A name with an optional version or extras, or a URL: never an option of pip's own. */
function checkPackage(name: string): string {
  const trimmed = name.trim()
  if (/^[A-Za-z0-9][^\0-\x1f\x7f]{0,299}$/.test(trimmed)) return trimmed
  throw errors.usage(`${JSON.stringify(trimmed).slice(0, 80)} is not the name of a package`, {
    code: 'INVALID_PACKAGE', fix: 'give names as pip takes them: --packages "numpy==2.1, pandas"',
  })
}

/** A folder on the machine: only the machine knows whether it is there. */
function checkRemoteCwd(path: string): string {
  if (path.trim() !== '' && path.length <= 4096 && !/[\0-\x1f\x7f]/.test(path)) return path
  throw errors.usage(`${JSON.stringify(path).slice(0, 80)} cannot be a folder to run in`, {
    code: 'INVALID_PATH', category: 'file', fix: 'give --cwd a path below the working folder of the runtime',
  })
}

/** Outputs are looked for below the run's folder only. */
function checkPattern(pattern: string): string {
  const parts = pattern.split(/[/\\]/)
  const bad = pattern === '' || pattern.length > 1000 || /[\0-\x1f\x7f]/.test(pattern) || pattern.startsWith('/') || /^[A-Za-z]:/.test(pattern) || parts.includes('..')
  if (!bad) return pattern
  throw errors.usage(`${JSON.stringify(pattern).slice(0, 80)} cannot be an output`, {
    code: 'INVALID_OUTPUT', fix: 'give a path or pattern below the folder of the run, such as "results/*.csv"',
  })
}

function dedupe(files: PlannedFile[]): PlannedFile[] {
  const byRemote = new Map<string, PlannedFile>()
  for (const file of files) {
    const other = byRemote.get(file.remote)
    if (other && other.local !== file.local) {
      throw errors.usage(`${sanitizeLine(other.local)} and ${sanitizeLine(file.local)} would both become ${sanitizeLine(file.remote)}`, {
        code: 'FILES_COLLIDE', category: 'file', fix: 'include them from a common folder, or rename one',
      })
    }
    if (!other) byRemote.set(file.remote, file)
  }
  return [...byRemote.values()]
}
