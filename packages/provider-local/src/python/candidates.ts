import {access, constants, stat} from 'node:fs/promises'
import {delimiter, dirname, isAbsolute, join, resolve} from 'node:path'

/** Where a Python may be, and how we came to it. */
export interface Candidate {
  path: string
  source: 'project' | 'active' | 'path' | 'system'
}

export interface Surroundings {
  cwd: string
  env: NodeJS.ProcessEnv
  /** where the system's own Python is */
  systemPythons?: readonly string[]
}

const windows = process.platform === 'win32'
const usualSystemPythons = windows ? [] : ['/usr/bin/python3']

/**
 * Pythons in the order in which they are tried: the project's environment (`.venv`, `venv`, from the folder up to the
 * top of its git repository), the activated one, PATH, the system's. Only files that are there and may be run.
 */
export async function candidates({cwd, env, systemPythons}: Surroundings): Promise<Candidate[]> {
  const wanted: Candidate[] = [
    ...(await projectFolders(cwd)).flatMap((folder) => ['.venv', 'venv'].map((name): Candidate => ({path: venvPython(join(folder, name)), source: 'project'}))),
    ...(env['VIRTUAL_ENV'] ? [{path: venvPython(env['VIRTUAL_ENV']), source: 'active'} as const] : []),
    ...(env['CONDA_PREFIX'] ? [{path: condaPython(env['CONDA_PREFIX']), source: 'active'} as const] : []),
  ]
  for (const name of ['python3', 'python']) {
    const found = await onPath(name, env)
    if (found) wanted.push({path: found, source: 'path'})
  }
  for (const path of systemPythons ?? usualSystemPythons) wanted.push({path, source: 'system'})
  const there: Candidate[] = []
  for (const one of wanted) {
    if (!there.some((other) => other.path === one.path) && (await runnable(one.path))) there.push(one)
  }
  return there
}

/** What the `python` setting names: a file, a folder with an environment in it, or a name on PATH. Undefined: not there. */
export async function configured(setting: string, {cwd, env}: Surroundings): Promise<string | undefined> {
  if (!/[/\\]/.test(setting) && !isAbsolute(setting)) {
    const found = await onPath(setting, env)
    if (found) return found
  }
  const path = resolve(cwd, setting)
  for (const one of [path, venvPython(path), condaPython(path)]) if (await runnable(one)) return one
  return undefined
}

export function venvPython(venv: string): string {
  return windows ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python')
}

function condaPython(prefix: string): string {
  return windows ? join(prefix, 'python.exe') : join(prefix, 'bin', 'python')
}

/** The folder itself and its parents up to the git root; without a git root only the folder itself. */
async function projectFolders(cwd: string): Promise<string[]> {
  const folders: string[] = []
  for (let folder = cwd; ; folder = dirname(folder)) {
    folders.push(folder)
    if (await stat(join(folder, '.git')).then(() => true, () => false)) return folders
    if (dirname(folder) === folder) return [cwd]
  }
}

/** What a shell would run for `name`. */
async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    // a relative entry would make what runs depend on the folder
    if (!isAbsolute(folder)) continue
    for (const suffix of windows ? ['.exe', ''] : ['']) {
      const path = join(folder, name + suffix)
      if (await runnable(path)) return path
    }
  }
  return undefined
}

async function runnable(path: string): Promise<boolean> {
  try {
    await access(path, windows ? constants.F_OK : constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
