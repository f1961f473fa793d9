import {mkdir} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import type {AgentClient} from '../agent/client.ts'
import {resolveInside, safeRelative} from '../script/paths.ts'
import {cannotWrite} from '../state/write-error.ts'
import type {EventListener} from './events.ts'

export interface Artifact {
  /** local path */
  path: string
  size: number
  sha256: string
}

export interface CollectOptions {
  /** below `cwd`, as `cgpu run --outputs` takes them */
  patterns: readonly string[]
  /** absolute folder on the machine */
  cwd: string
  /** unix seconds by the machine's clock: what was written before is not brought back */
  since: number
  outputDir: string
  onEvent: EventListener
  signal?: AbortSignal | undefined
}

/** Brings back what matches and was written since the program began: not what lay there before. */
export async function collectOutputs(agent: AgentClient, options: CollectOptions): Promise<{outputs: Artifact[]; missing: string[]}> {
  const {patterns, cwd, since, outputDir, onEvent, signal} = options
  const outputs: Artifact[] = []
  const missing: string[] = []
  const seen = new Set<string>()
  for (const pattern of patterns) {
    const found = await agent.glob({patterns: [pattern], root: cwd, since, signal})
    if (found.length === 0) missing.push(pattern)
    for (const file of found) {
      if (seen.has(file.path)) continue
      seen.add(file.path)
      const local = await localPlace(outputDir, file.path)
      const {size, sha256} = await agent.download(remoteJoin(cwd, file.path), local, {
        signal,
        onProgress: (done, total) => void onEvent({type: 'progress', message: `downloading ${file.path}`, done, total}),
      })
      const artifact = {path: join(outputDir, file.path), size, sha256}
      outputs.push(artifact)
      await onEvent({type: 'artifact', ...artifact})
    }
  }
  return {outputs, missing}
}

/** Where a file goes below the folder, which no link leads out of; the folders on the way are made. */
export async function localPlace(outputDir: string, path: string): Promise<string> {
  try {
    await mkdir(outputDir, {recursive: true})
    const local = await resolveInside(outputDir, safeRelative(path))
    await mkdir(dirname(local), {recursive: true})
    return local
  } catch (error) {
    throw cannotWrite(join(outputDir, path), error)
  }
}

/** Joins paths on the machine, which may not be of this machine's kind. */
export function remoteJoin(folder: string, path: string): string {
  if (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path)) return path
  const separator = /^[A-Za-z]:\\/.test(folder) ? '\\' : '/'
  return `${folder.replace(/[\\/]$/, '')}${separator}${path}`
}
