import {copyFile, mkdir, readFile, rename, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {makeFolder} from '@cgpu/core/state/make-folder'
import {findPython} from '../../packages/provider-local/src/python/find.ts'
import {repoRoot, type SealedHome} from './cli.ts'
import {testPython} from './jupyter-server.ts'

const known = join(repoRoot, 'node_modules/.cache/cgpu-test-known/pythons.json')

/**
 * The home knows the tests' Python as one does that has used it before: being asked, Python imports a server, 0.6 s for each home.
 * Whether what is known still holds is checked by what cgpu checks it with.
 */
export async function knowTestPython({dataDir, cwd, env}: SealedHome): Promise<void> {
  const stateDir = join(dataDir, 'state', 'providers', 'local')
  await makeFolder(stateDir)
  const copy = join(stateDir, 'pythons.json')
  await copyFile(known, copy).catch(() => undefined) // the first one asks
  const before = await readFile(copy, 'utf8').catch(() => '')
  await findPython({env, cwd, stateDir, setting: (key) => (key === 'python' ? testPython : undefined)})
  const after = await readFile(copy, 'utf8')
  if (after === before) return
  await mkdir(dirname(known), {recursive: true})
  // whole at any time: other suites read it
  const mine = `${known}.${process.pid}`
  await writeFile(mine, after)
  await rename(mine, known)
}
