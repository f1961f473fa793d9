import {join} from 'node:path'
import {resolveSettings} from '@cgpu/core/config/resolve'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {machinePython} from './machine/python.ts'

/** The Python that a local runtime would run in, by the same settings. */
export async function findLocalPython(env: NodeJS.ProcessEnv = process.env, cwd = process.cwd()): Promise<string> {
  const dirs = resolveDirs(env)
  const settings = await resolveSettings({env, cwd, configDir: dirs.config})
  return machinePython({env, cwd, stateDir: join(dirs.state, 'providers', 'local'), setting: (key) => settings.text(key)})
}
