import {join} from 'node:path'
import {type JsonObject, isObject} from '@cgpu/core/state/json'
import {JsonFile} from '@cgpu/core/state/json-file'

/** The process that a runtime belongs to until it is kept. */
export interface Owner {
  pid: number
  startTime?: string
}

/** What the last answer said of a machine, to be shown when Colab cannot be asked. */
export interface LastSeen {
  accelerator: string
  variant: string
  url: string
}

/** A machine that cgpu asked for: written before it is asked for, kept until Colab says that it is gone. */
export interface Made {
  /** notebook hash, or P's runtime id: finds the machine when the answer was lost */
  key: string
  account: string
  createdAt: string
  /** null: kept, ends by release only */
  owner: Owner | null
  /** absent while Colab has not answered */
  endpoint?: string
  name?: string
  /** its Jupyter server has answered once */
  ready?: boolean
  idleTimeoutSeconds?: number
  last?: LastSeen
}

/** A machine that others made. Colab tells no creation time: it is when cgpu first saw it. */
export interface Seen {
  account: string
  firstSeen: string
  name?: string
  last?: LastSeen
}

export interface Records {
  /** by key */
  made: Record<string, Made>
  /** by endpoint */
  seen: Record<string, Seen>
}

export function recordsFile(stateDir: string, onWarning?: (message: string) => void): JsonFile<Records> {
  return new JsonFile<Records>({
    path: join(stateDir, 'runtimes.json'), version: 1, initial: () => ({made: {}, seen: {}}), parse, onWarning,
  })
}

export function madeAt(records: Records, endpoint: string): Made | undefined {
  return Object.values(records.made).find((one) => one.endpoint === endpoint)
}

export function accountAt(records: Records, endpoint: string): string | undefined {
  return madeAt(records, endpoint)?.account ?? (Object.hasOwn(records.seen, endpoint) ? records.seen[endpoint]?.account : undefined)
}

function parse(value: JsonObject): Records | undefined {
  const made = entries(value['made'], parseMade)
  const seen = entries(value['seen'], parseSeen)
  return made && seen ? {made, seen} : undefined
}

function entries<T>(value: unknown, parseOne: (key: string, one: JsonObject) => T | undefined): Record<string, T> | undefined {
  if (!isObject(value)) return undefined
  const found: Record<string, T> = {}
  for (const [key, one] of Object.entries(value)) {
    const parsed = isObject(one) ? parseOne(key, one) : undefined
    if (!parsed) return undefined
    found[key] = parsed
  }
  return found
}

function parseMade(key: string, value: JsonObject): Made | undefined {
  const {account, createdAt, owner, endpoint, name, ready, idleTimeoutSeconds} = value
  if (typeof account !== 'string' || !isTime(createdAt)) return undefined
  return {
    key, account, createdAt, owner: parseOwner(owner), ready: ready === true, ...parseLast(value['last']),
    ...(typeof endpoint === 'string' ? {endpoint} : {}), ...(typeof name === 'string' ? {name} : {}),
    ...(typeof idleTimeoutSeconds === 'number' ? {idleTimeoutSeconds} : {}),
  }
}

function parseSeen(_: string, value: JsonObject): Seen | undefined {
  const {account, firstSeen, name} = value
  if (typeof account !== 'string' || !isTime(firstSeen)) return undefined
  return {account, firstSeen, ...(typeof name === 'string' ? {name} : {}), ...parseLast(value['last'])}
}

function parseLast(value: unknown): {last?: LastSeen} {
  if (!isObject(value)) return {}
  const {accelerator, variant, url} = value
  return typeof accelerator === 'string' && typeof variant === 'string' && typeof url === 'string' ? {last: {accelerator, variant, url}} : {}
}

/** What cannot be read as an owner counts as kept: nothing is released on a guess. */
function parseOwner(value: unknown): Owner | null {
  if (!isObject(value) || !Number.isSafeInteger(value['pid'])) return null
  const {pid, startTime} = value
  return {pid: pid as number, ...(typeof startTime === 'string' ? {startTime} : {})} // a number: checked above
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
