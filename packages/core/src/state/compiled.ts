import {existsSync, mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {resolveDirs} from './dirs.ts'

/**
 * Where Node keeps what V8 compiled: with this user's caches. Its own choice is a folder below that of temporary files, which somebody else may
 * have made before; and whoever can write there chooses what runs. As bin/run.js does it.
 */
export function compiledFolder(env: NodeJS.ProcessEnv = process.env): string {
  const folder = join(resolveDirs(env).cache, 'compiled')
  try {
    if (!existsSync(folder)) mkdirSync(folder, {recursive: true, mode: 0o700})
  } catch {
    // then nothing is kept
  }
  return folder
}
