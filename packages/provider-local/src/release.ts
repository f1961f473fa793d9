import {readdir, readFile, rename, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import {processMark, type RuntimeFolder, runtimeFolder} from './layout.ts'
import {alive, markedProcesses, send} from './processes.ts'
import {readProcesses} from './records.ts'

const pollMs = 15
/** the supervisor's own stop takes up to 4 s: see STOP_S in cgpu_local.py */
const supervisorMs = 8_000
const gentleMs = 2_000
const killMs = 5_000

/**
 * Stops everything that a runtime started and removes its folder. Idempotent; works whatever half of it is left. Once
 * begun it is carried through: an abort would leave half a runtime.
 */
export async function releaseRuntime(stateDir: string, id: string): Promise<void> {
  const paths = runtimeFolder(stateDir, id)
  if (!(await exists(paths.folder))) return
  await askSupervisor(paths)
  await stopLeft(paths)
  await removeFolder(stateDir, id, paths)
}

/** The supervisor stops all gracefully and ends; one that does not is killed. */
async function askSupervisor(paths: RuntimeFolder): Promise<void> {
  // a file, as Windows has no signal to handle; and a supervisor that only now starts sees it
  await writeFile(paths.stop, '').catch(() => undefined)
  const supervisor = (await readProcesses(paths.processes))?.supervisor
  if (!supervisor || !(await alive(supervisor))) return
  if (process.platform !== 'win32') send(supervisor.pid, 'SIGTERM')
  if (await until(async () => !(await alive(supervisor)), supervisorMs)) return
  send(supervisor.pid, 'SIGKILL')
  await until(async () => !(await alive(supervisor)), killMs)
}

/** For what the supervisor did not stop, or could not: it was dead. */
async function stopLeft(paths: RuntimeFolder): Promise<void> {
  const mark = processMark(paths.agent)
  const left = async (): Promise<Set<number>> => {
    const server = (await readProcesses(paths.processes))?.server
    return new Set([...(await markedProcesses(mark)), ...(server && (await alive(server)) ? [server.pid] : [])])
  }
  const first = await left()
  if (first.size === 0) return
  const server = (await readProcesses(paths.processes))?.server
  if (server && first.has(server.pid)) send(server.pid, 'SIGTERM')
  for (const group of await jobGroups(paths.agent)) if (first.has(group)) send(-group, 'SIGTERM')
  await until(async () => (await left()).size === 0, gentleMs)
  await until(async () => {
    const now = await left()
    for (const pid of now) send(pid, 'SIGKILL')
    return now.size === 0
  }, killMs)
}

/** Process groups of the agent's jobs that may be running (docs/agent-protocol.md). */
async function jobGroups(agent: string): Promise<number[]> {
  const runs = join(agent, 'runs')
  const groups: number[] = []
  for (const name of await readdir(runs).catch(() => [])) {
    try {
      const status = parseJson(await readFile(join(runs, name, 'status.json'), 'utf8'))
      if (!isObject(status) || (status['state'] !== 'running' && status['state'] !== 'starting')) continue
      if (typeof status['pgid'] === 'number' && Number.isSafeInteger(status['pgid']) && status['pgid'] > 1) groups.push(status['pgid'])
    } catch {
      // no status yet, or a broken one: its processes carry the mark
    }
  }
  return groups
}

/** Renamed first, so that no command ever meets half a runtime. */
async function removeFolder(stateDir: string, id: string, paths: RuntimeFolder): Promise<void> {
  const trash = join(stateDir, `.gone-${id}-${process.pid}`)
  try {
    await rename(paths.folder, trash)
  } catch (error) {
    // another command, or the supervisor, was first
    if (errnoOf(error) === 'ENOENT') return
    await rm(paths.folder, {recursive: true, force: true, maxRetries: 5})
    return
  }
  await rm(trash, {recursive: true, force: true, maxRetries: 5})
}

async function until(done: () => Promise<boolean>, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms
  for (;;) {
    if (await done()) return true
    if (performance.now() > deadline) return false
    await delay(pollMs)
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false)
}
