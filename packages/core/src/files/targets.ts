import {statSync} from 'node:fs'
import type {JupyterServer} from '@cgpu/jupyter'
import type {AgentClient} from '../agent/client.ts'
import {cannotWrite} from '../state/write-error.ts'
import type {Target} from './copy.ts'
import {type ContentsOptions, contentsPath, lookAt} from './contents.ts'
import {LocalSink} from './local-sink.ts'
import {RemoteSink} from './remote-sink.ts'

/** A path on this machine. Throws CANNOT_WRITE when it can be none. */
export function localTarget(path: string): Target {
  try {
    const found = statSync(path, {throwIfNoEntry: false})
    return {path, place: found?.isDirectory() ? 'folder' : found && 'other', sink: async base => new LocalSink(base)}
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

/** A path on a machine; '' is its working folder. */
export async function remoteTarget(agent: AgentClient, {name, path, signal}: {name: string; path: string; signal?: AbortSignal | undefined}): Promise<Target> {
  const found = await agent.stat(path || '.', {signal})
  const place = !found.exists ? undefined : found.type === 'directory' ? 'folder' : 'other'
  return {path, place, sink: async (base, there) => new RemoteSink(agent, {name, base, exists: there !== undefined, signal})}
}

/** A path on a machine that no agent can be on. */
export async function contentsTarget(server: JupyterServer, {name, path, signal}: ContentsOptions): Promise<Target> {
  const below = contentsPath(name, path)
  const found = below === '' ? {type: 'directory'} : await lookAt(server, below, signal)
  const place = found && (found.type === 'directory' ? 'folder' : 'other')
  return {path, place, sink: async (base, there) => {
    const {ContentsSink} = await import('./contents-sink.ts')
    return new ContentsSink(server, {name, path: base, exists: there !== undefined, signal})
  }}
}
