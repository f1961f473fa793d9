import {readdir} from 'node:fs/promises'
import {join} from 'node:path'

/** The names of the emulators that run, of those below this data folder. */
export async function runningNames(dataDir: string): Promise<string[]> {
  const {findRunning} = await import('@cgpu/emulator/daemon')
  const folder = join(dataDir, 'state', 'emulators')
  const names = await readdir(folder).catch(() => [])
  const running = await Promise.all(names.map(async (name) => ((await findRunning(join(folder, name))) ? [name] : [])))
  return running.flat().sort()
}
