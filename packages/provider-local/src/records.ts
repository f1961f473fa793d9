import {readFile} from 'node:fs/promises'
import {errnoOf, isShortOfFiles} from '@cgpu/core/state/write-error'
import {isObject, parseJson, type JsonObject} from '@cgpu/core/state/json'
import type {Accelerator, RuntimeSpec} from '@cgpu/core/provider'

/** A process, told from later ones with its pid. `startTime` is absent where the system does not say. */
export interface ProcessRef {
  pid: number
  startTime?: string | undefined
}

/** runtime.json: a finished runtime. */
export interface RuntimeRecord {
  version: 1
  id: string
  createdAt: string
  token: string
  port: number
  python: string
  pythonVersion: string
  accelerator: Accelerator
  spec: RuntimeSpec
}

/** processes.json, by the supervisor. `state`: starting, ready, or ended when the server is gone. */
export interface ProcessesRecord {
  supervisor: ProcessRef
  server: ProcessRef | undefined
  port: number | undefined
  state: string
}

/** Null when there is none, undefined when it is broken. */
export async function readRecord(path: string): Promise<RuntimeRecord | null | undefined> {
  const value = await readObject(path)
  if (!value) return value
  const {id, createdAt, token, port, python, pythonVersion, accelerator, spec} = value
  const known =
    typeof id === 'string' && typeof createdAt === 'string' && typeof token === 'string' && Number.isInteger(port)
    && typeof python === 'string' && typeof pythonVersion === 'string' && isAccelerator(accelerator) && isObject(spec)
  // checked above, field by field; `spec` is what this package wrote and nothing depends on it
  return known ? (value as unknown as RuntimeRecord) : undefined
}

/** Null when there is none, undefined when it is broken. */
export async function readProcesses(path: string): Promise<ProcessesRecord | null | undefined> {
  const value = await readObject(path)
  if (!value) return value
  const supervisor = processRef(value['supervisor'])
  if (!supervisor) return undefined
  const {port, state} = value
  return {
    supervisor,
    server: processRef(value['server']),
    port: typeof port === 'number' ? port : undefined,
    state: typeof state === 'string' ? state : '',
  }
}

/** The owner, or null for a kept runtime; undefined when there is no (readable) lease. */
export async function readOwner(path: string): Promise<ProcessRef | null | undefined> {
  const value = await readObject(path)
  if (!value) return undefined
  return value['owner'] === null ? null : processRef(value['owner'])
}

export function processRef(value: unknown): ProcessRef | undefined {
  if (!isObject(value)) return undefined
  const {pid, startTime} = value
  if (!Number.isSafeInteger(pid) || typeof pid !== 'number' || pid <= 1) return undefined
  return {pid, ...(typeof startTime === 'string' ? {startTime} : {})}
}

function isAccelerator(value: unknown): value is Accelerator {
  return isObject(value) && typeof value['id'] === 'string' && typeof value['name'] === 'string' && typeof value['kind'] === 'string'
}

async function readObject(path: string): Promise<JsonObject | null | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null
    // says nothing about this runtime, which is neither gone nor broken by it
    if (isShortOfFiles(error)) throw error
    return undefined
  }
  try {
    const value = parseJson(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
