import type {RunRequest} from '../execution/plan.ts'
import type {RestartPolicy} from '../execution/run.ts'
import {isObject} from '../state/json.ts'
import {parseMark, type ProcessMark} from '../state/self.ts'

/** What was asked for, so that it can be asked for again: paths instead of contents, and names of variables, never values. `secretNames`: as `--secret` has them. */
export type JobRequest = Omit<RunRequest, 'env'> & {envNames: string[]; secretNames: string[]; restarts?: RestartPolicy}

/** The machine that a job would be given anew. As `cgpu runtime create` takes it. */
export interface JobSpec {
  provider: string
  /** `gpu`, `tpu` (with a model or `true`), `high-ram`, `image`: settings by name */
  settings: Record<string, string | boolean>
}

/**
 * What this machine remembers of a job; the machine that runs it knows better. Kept until `job rm`, so that a job whose machine
 * is gone can still be told of.
 */
export interface JobRecord {
  id: string
  createdAt: string
  runtime: {id: string; name: string; provider: string}
  /** where the account of its runtime is, when that is not the usual place */
  realm?: string
  /** the runtime was made for this job: released when it is over */
  releases: boolean
  request: JobRequest
  spec: JobSpec
  /** says whether an idempotency key was used for the same request before; without a key, its id */
  fingerprint: string
  /** left running on purpose, or by a client that ended: whoever sees its end brings its outputs back */
  detached: boolean
  /** who starts it, and follows it unless it is detached: while that lives, nobody else settles it */
  starter?: ProcessMark
  /** tries to give it another machine that got one: each is a restart */
  moves?: number
  /** those of them that came to nothing */
  failedMoves?: number
  /** absolute, where outputs go */
  outputDir: string
  /** the program's folder on the machine, once it is known */
  remoteCwd?: string
  /** left open for whoever attaches; `ended`: one of them gave its end */
  stdin?: 'open' | 'ended'
  retryOf?: string
  /** as it was last seen */
  seen?: JobSeen
  /** outputs were brought back */
  collectedAt?: string
  /** that, and the runtime was released where that was to be done */
  settledAt?: string
}

export interface JobSeen {
  at: string
  /** starting, running, exited, lost */
  state: string
  exitStatus: number | null
  signal: string | null
  reason?: string
  /** unix seconds by the machine's clock */
  startedAt: number | null
  endedAt: number | null
  stdoutBytes: number
  stderrBytes: number
}

const text = (value: unknown): value is string => typeof value === 'string'
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter(text) : [])
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** Parses a record file. Undefined when it is not one. */
export function parseJobRecord(value: unknown): JobRecord | undefined {
  if (!isObject(value)) return undefined
  const {id, createdAt, runtime, request, spec, fingerprint, outputDir} = value
  if (!text(id) || !text(createdAt) || !isObject(runtime) || !isObject(request) || !isObject(spec) || !text(outputDir)) return undefined
  const {id: runtimeId, name, provider} = runtime
  if (!text(runtimeId) || !text(name) || !text(provider) || !text(spec['provider'])) return undefined
  const optional = Object.fromEntries(['realm', 'remoteCwd', 'retryOf', 'collectedAt', 'settledAt'].filter((key) => text(value[key])).map((key) => [key, value[key]]))
  const seen = parseSeen(value['seen'])
  const starter = parseMark(value['starter'])
  const {stdin} = value
  const counts = Object.fromEntries(['moves', 'failedMoves'].filter((key) => number(value[key]) !== null).map((key) => [key, value[key]]))
  return {
    id, createdAt, runtime: {id: runtimeId, name, provider}, releases: value['releases'] === true, request: parseRequest(request),
    spec: {provider: spec['provider'], settings: parseSettings(spec['settings'])}, fingerprint: text(fingerprint) ? fingerprint : '',
    detached: value['detached'] === true, outputDir, ...optional, ...(seen ? {seen} : {}),
    ...(starter ? {starter} : {}), ...(stdin === 'open' || stdin === 'ended' ? {stdin} : {}), ...counts,
  }
}

function parseRequest(value: Record<string, unknown>): JobRequest {
  const {cwd, script, command, requirements, remoteCwd} = value
  return {
    cwd: text(cwd) ? cwd : '.',
    ...(isObject(script) && text(script['path']) ? {script: {path: script['path'], args: texts(script['args'])}} : {command: texts(command)}),
    include: texts(value['include']), packages: texts(value['packages']), outputs: texts(value['outputs']),
    envNames: texts(value['envNames']), secretNames: texts(value['secretNames']),
    ...(text(requirements) ? {requirements} : {}), ...(text(remoteCwd) ? {remoteCwd} : {}), ...parseRestarts(value['restarts']),
  }
}

function parseRestarts(value: unknown): Pick<JobRequest, 'restarts'> {
  if (!isObject(value) || typeof value['max'] !== 'number') return {}
  const {max, checkpoint, resume} = value
  return {restarts: {max, ...(text(checkpoint) ? {checkpoint} : {}), ...(text(resume) ? {resume} : {})}}
}

function parseSettings(value: unknown): JobSpec['settings'] {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string | boolean] => text(entry[1]) || typeof entry[1] === 'boolean'))
}

function parseSeen(value: unknown): JobSeen | undefined {
  if (!isObject(value) || !text(value['at']) || !text(value['state'])) return undefined
  const {signal, reason} = value
  return {
    at: value['at'], state: value['state'], exitStatus: number(value['exitStatus']), signal: text(signal) ? signal : null,
    ...(text(reason) ? {reason} : {}), startedAt: number(value['startedAt']), endedAt: number(value['endedAt']),
    stdoutBytes: number(value['stdoutBytes']) ?? 0, stderrBytes: number(value['stderrBytes']) ?? 0,
  }
}

/** The words of the command line that the remote program was given. */
export function commandOf({script, command}: Pick<JobRequest, 'script' | 'command'>): string[] {
  return script ? [script.path, ...script.args] : (command ?? [])
}

/** True when nothing will happen any more. */
export function isOver(state: string | undefined): boolean {
  return state === 'exited' || state === 'lost'
}
