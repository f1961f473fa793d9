import {connect} from 'node:net'
import type {ProviderRuntime} from '@cgpu/core/provider'
import {isShortOfFiles} from '@cgpu/core/state/write-error'
import {runtimeFolder} from './layout.ts'
import {alive} from './processes.ts'
import {readOwner, readProcesses, readRecord} from './records.ts'

const answerMs = 1_000

/**
 * One runtime as it is at this moment; null when its folder is gone. The truth is the server's process (that very one,
 * not a later one with its pid) and a port that accepts.
 */
export async function lookAt(stateDir: string, id: string): Promise<ProviderRuntime | null> {
  const paths = runtimeFolder(stateDir, id)
  const [record, processes] = await Promise.all([readRecord(paths.record), readProcesses(paths.processes)])
  if (record) {
    const up = (await alive(processes?.server)) && (await accepts(record.port))
    return {
      id,
      state: up ? 'ready' : 'unreachable',
      accelerator: record.accelerator,
      createdAt: record.createdAt,
      endpointUrl: endpointUrl(record.port),
      details: {
        folder: paths.folder, python: record.python, pythonVersion: record.pythonVersion,
        ...(processes?.server ? {pid: processes.server.pid} : {}),
      },
    }
  }
  const {stat} = await import('node:fs/promises')
  const folder = await stat(paths.folder).catch(() => null)
  if (!folder) return null
  return {
    id,
    // a folder that nobody is finishing: the leftover of a crash, or a broken record
    state: record === null && (await alive(await readOwner(paths.lease))) ? 'creating' : 'unreachable',
    accelerator: {id: 'cpu', kind: 'cpu', name: 'CPU', available: true},
    createdAt: folder.birthtime.toISOString(),
    endpointUrl: endpointUrl(processes?.port ?? 0),
    details: {folder: paths.folder},
  }
}

export function endpointUrl(port: number): string {
  return `http://127.0.0.1:${port}/`
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({port, host: '127.0.0.1', timeout: answerMs})
    const done = (answer: boolean) => (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', done(true))
    socket.once('timeout', done(false))
    socket.once('error', (error) => (isShortOfFiles(error) ? reject(error) : done(false)()))
  })
}
