import {homedir, tmpdir} from 'node:os'
import {join} from 'node:path'
import {cannotWrite} from './write-error.ts'

/** Absolute folders. None is made by resolving: `ensureDir` makes one at its first use. */
export interface Dirs {
  /** settings and secrets */
  config: string
  /** data; its top level belongs to oclif, ours is `state` */
  data: string
  cache: string
  /** `data/state`: runtimes, folder defaults, what providers keep */
  state: string
}

/** Folders that someone already worked out (oclif's config); what is absent follows the environment. */
export interface DirsGiven {
  configDir?: string
  dataDir?: string
  cacheDir?: string
}

export interface Machine {
  platform: NodeJS.Platform
  home: string
}

const dirname = 'cgpu'

/** The folders that oclif would choose for `dirname: cgpu`, found without loading oclif. */
export function resolveDirs(env: NodeJS.ProcessEnv = process.env, given: DirsGiven = {}, machine: Partial<Machine> = {}): Dirs {
  const platform = machine.platform ?? process.platform
  const windows = platform === 'win32'
  const home = env['HOME'] || (windows && windowsHome(env)) || machine.home || homedir() || tmpdir()
  const dir = (category: 'config' | 'data' | 'cache'): string => {
    const base = env[`XDG_${category.toUpperCase()}_HOME`]
      || (windows && env['LOCALAPPDATA'])
      || join(home, category === 'data' ? '.local/share' : `.${category}`)
    return join(base, dirname)
  }
  const macCache = platform === 'darwin' ? join(home, 'Library', 'Caches', dirname) : undefined
  const data = env['CGPU_DATA_DIR'] || given.dataDir || dir('data')
  return {
    config: env['CGPU_CONFIG_DIR'] || given.configDir || dir('config'),
    data,
    cache: env['CGPU_CACHE_DIR'] || given.cacheDir || macCache || dir('cache'),
    state: join(data, 'state'),
  }
}

/** Makes a private folder (0700) and its parents. Throws CANNOT_WRITE. Returns the path. */
export async function ensureDir(path: string): Promise<string> {
  try {
    const {mkdir} = await import('node:fs/promises')
    await mkdir(path, {recursive: true, mode: 0o700})
  } catch (error) {
    throw cannotWrite(path, error)
  }
  return path
}

function windowsHome(env: NodeJS.ProcessEnv): string | undefined {
  const {HOMEDRIVE: drive, HOMEPATH: path} = env
  return drive && path ? join(drive, path) : env['USERPROFILE']
}
