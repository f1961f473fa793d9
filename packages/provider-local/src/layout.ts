import {join} from 'node:path'

/** `local` ids are made here and name a folder: nothing else may reach the file system. */
const idPattern = /^rt-[0-9a-f]{10}$/

export function isRuntimeId(id: string): boolean {
  return idPattern.test(id)
}

/** What lies in the folder of one runtime (0700). The supervisor, `python/cgpu_local.py`, reads and writes it too. */
export interface RuntimeFolder {
  folder: string
  /** the server's root and the working folder of kernels and jobs */
  work: string
  /** the agent's own files: CGPU_AGENT_HOME */
  agent: string
  /** the server's configuration (with its token), kernelspec and run-time files */
  server: string
  /** written once, when the runtime is finished; with the token, 0600 */
  record: string
  /** `{"owner": {"pid", "startTime"} | null}`: null is a kept runtime */
  lease: string
  /** for the supervisor: what to start and how */
  launch: string
  /** by the supervisor: its own and the server's pid, the port */
  processes: string
  log: string
  /** there: somebody wants this runtime stopped */
  stop: string
  /** there: the supervisor has begun to stop it, `keep` is too late */
  closing: string
}

export function runtimeFolder(stateDir: string, id: string): RuntimeFolder {
  const folder = join(stateDir, id)
  return {
    folder,
    work: join(folder, 'work'),
    agent: join(folder, 'agent'),
    server: join(folder, 'server'),
    record: join(folder, 'runtime.json'),
    lease: join(folder, 'lease.json'),
    launch: join(folder, 'launch.json'),
    processes: join(folder, 'processes.json'),
    log: join(folder, 'server.log'),
    stop: join(folder, 'stop'),
    closing: join(folder, 'closing'),
  }
}

/** In the environment of every process of a runtime, and of no other: how they are found again. */
export function processMark(agentHome: string): string {
  return `CGPU_AGENT_HOME=${agentHome}`
}
