import {accessSync, constants, existsSync, lstatSync, readlinkSync} from 'node:fs'
import {delimiter, isAbsolute, join} from 'node:path'

/** The `bwrap` on PATH, on Linux. Whether the system lets it work is seen when it is used. */
export function bubblewrap(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (process.platform !== 'linux') return undefined
  const folders = (env['PATH'] ?? '').split(delimiter).filter(folder => isAbsolute(folder))
  return folders.map(folder => join(folder, 'bwrap')).find(path => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export interface Wrapped {
  /** files and folders that are there, to be read only */
  readable: readonly string[]
  links: readonly {at: string; to: string}[]
  cwd: string
  env: Readonly<Record<string, string>>
}

/** bwrap's arguments: a system of its own with what Node needs to start, nothing else that is readable, and no network. */
export function bubblewrapArgs({readable, links, cwd, env}: Wrapped): string[] {
  const system = ['/bin', '/sbin', '/lib', '/lib32', '/lib64'].flatMap(path => {
    if (!existsSync(path)) return []
    return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
  })
  return [
    '--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL',
    '--ro-bind', '/usr', '/usr', ...system, '--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache', '--dev', '/dev', '--proc', '/proc',
    ...readable.flatMap(path => ['--ro-bind', path, path]), ...links.flatMap(({at, to}) => ['--symlink', to, at]), '--chdir', cwd,
    '--clearenv', ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]), '--',
  ]
}
