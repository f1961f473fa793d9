import {readdir, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {isRuntimeId, processMark, runtimeFolder} from './layout.ts'
import {alive, markedProcesses} from './processes.ts'
import {readOwner, readProcesses, readRecord} from './records.ts'
import {releaseRuntime} from './release.ts'

/** Stops what crashed commands left: see `leftover`. Also removes folders whose removal was cut short. */
export async function reapRuntimes(stateDir: string): Promise<{id: string; reason: string}[]> {
  const reaped: {id: string; reason: string}[] = []
  for (const name of await readdir(stateDir).catch(() => [])) {
    if (name.startsWith('.gone-')) await rm(join(stateDir, name), {recursive: true, force: true})
    if (!isRuntimeId(name)) continue
    const reason = await leftover(stateDir, name)
    if (reason === undefined) continue
    await releaseRuntime(stateDir, name)
    reaped.push({id: name, reason})
  }
  return reaped
}

/**
 * Why nobody will ever use this runtime again; undefined while somebody may. One whose supervisor lives is left to it,
 * and a kept one stays as long as its server runs, watched or not.
 */
async function leftover(stateDir: string, id: string): Promise<string | undefined> {
  const paths = runtimeFolder(stateDir, id)
  const [record, owner, processes] = await Promise.all([readRecord(paths.record), readOwner(paths.lease), readProcesses(paths.processes)])
  if (await alive(owner)) return undefined
  const [watched, serving] = await Promise.all([alive(processes?.supervisor), alive(processes?.server)])
  if (record === null) return watched ? undefined : 'its creator was killed before it was ready'
  if (serving && owner === null) return undefined
  if (serving) return watched ? undefined : 'its owner and its supervisor are gone'
  if (watched && owner !== null) return undefined
  if ((await markedProcesses(processMark(paths.agent))).length > 0) return undefined
  return 'its server is gone'
}
