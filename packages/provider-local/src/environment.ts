import {delimiter, dirname, join} from 'node:path'
import type {RuntimeFolder} from './layout.ts'
import type {Probed} from './python/probe.ts'

/** Variables that would make a server or kernel act on another server's behalf, or that are cgpu's own settings. */
const foreign = /^(JUPYTER|JPY_|CGPU_)/

/** The user's environment without what belongs to other Jupyter servers and to cgpu itself. */
export function cleanEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name.toUpperCase())))
}

/** What is added for the server, its kernels and jobs. No secrets: everything on the machine may see it. */
export function serverEnv(paths: RuntimeFolder, python: Probed, env: NodeJS.ProcessEnv, visibleDevices?: string): Record<string, string> {
  const kernelPaths = [join(paths.server, 'share'), env['JUPYTER_PATH'], userDataDir(env)].filter((path) => path !== undefined && path !== '')
  return {
    CGPU_AGENT_HOME: paths.agent,
    // nothing of the user's Jupyter settings is read; their kernelspecs are found all the same
    JUPYTER_NO_CONFIG: '1',
    JUPYTER_CONFIG_DIR: paths.server,
    JUPYTER_DATA_DIR: join(paths.server, 'data'),
    JUPYTER_RUNTIME_DIR: join(paths.server, 'run'),
    JUPYTER_PATH: kernelPaths.join(delimiter),
    IPYTHONDIR: join(paths.server, 'ipython'),
    PYDEVD_DISABLE_FILE_VALIDATION: '1',
    // `pip` and other programs of the chosen Python come first, as if its environment were activated
    PATH: [dirname(python.executable), env['PATH']].filter(Boolean).join(delimiter),
    ...(python.prefix === python.basePrefix ? {} : {VIRTUAL_ENV: python.prefix}),
    ...(visibleDevices === undefined ? {} : {CUDA_VISIBLE_DEVICES: visibleDevices}),
  }
}

/** Where the user's own kernelspecs are (R, Julia, other environments). */
function userDataDir(env: NodeJS.ProcessEnv): string | undefined {
  if (env['JUPYTER_DATA_DIR']) return env['JUPYTER_DATA_DIR']
  const home = env['HOME']
  if (process.platform === 'win32') return env['APPDATA'] ? join(env['APPDATA'], 'jupyter') : undefined
  if (!home) return undefined
  if (process.platform === 'darwin') return join(home, 'Library', 'Jupyter')
  return join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'jupyter')
}
