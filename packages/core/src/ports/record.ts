import {readdir, readFile, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {writeAtomic} from '../state/atomic.ts'
import {ensureDir} from '../state/dirs.ts'
import {isObject, parseJson} from '../state/json.ts'
import {isOfOther, livesHere, parseMark, type ProcessMark} from '../state/self.ts'
import type {Traffic} from './forwards.ts'
import {describeForward, type ForwardSpec} from './spec.ts'

/** A process that forwards ports, as others may read of it. */
export interface ForwardRecord extends Traffic {
  id: string
  /** the runtime's name */
  runtime: string
  process: ProcessMark
  createdAt: string
  /** it was left running by the command that began it */
  background: boolean
  /** `failed`: it ended, and `reason` says why */
  state: 'starting' | 'open' | 'reconnecting' | 'failed'
  reason?: string
  forwards: ForwardSpec[]
}

/** As `cgpu port list` shows it. */
export interface ForwardView extends Traffic {
  id: string
  runtime: string
  pid: number
  createdAt: string
  background: boolean
  /** `elsewhere`: of another computer that shares this home */
  state: ForwardRecord['state'] | 'elsewhere'
  reason: string | null
  forwards: {local: string; remote: string; reverse: boolean}[]
}

const suffix = '.json'
/** what a failed one had to say is kept for so long */
const keptMs = 24 * 3_600_000

/** The processes that forward ports: a small file each, written by that process only. */
export class ForwardStore {
  readonly #folder: string

  /** `state` is the `state/` folder of cgpu's data folder */
  constructor(state: string) {
    this.#folder = join(state, 'ports')
  }

  logOf(id: string): string {
    return join(this.#folder, `${id}.log`)
  }

  async makeFolder(): Promise<void> {
    await ensureDir(this.#folder)
  }

  async put(record: ForwardRecord): Promise<void> {
    await this.makeFolder()
    await writeAtomic(join(this.#folder, record.id + suffix), JSON.stringify({version: 1, ...record}))
  }

  async get(id: string): Promise<ForwardRecord | undefined> {
    const value = await readFile(join(this.#folder, id + suffix), 'utf8').then(parseJson).catch(() => undefined)
    return parse(value)
  }

  async remove(id: string): Promise<void> {
    for (const path of [join(this.#folder, id + suffix), this.logOf(id)]) await unlink(path).catch(() => undefined)
  }

  /** Newest first. One whose process is gone without a word is shown as failed; what failed long ago is forgotten. */
  async list(now = Date.now()): Promise<ForwardRecord[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const ids = names.filter((name) => name.endsWith(suffix) && !name.startsWith('.')).map((name) => name.slice(0, -suffix.length))
    const records: ForwardRecord[] = []
    for (const record of await Promise.all(ids.map((id) => this.get(id)))) {
      if (!record) continue
      const seen = isOfOther(record.process) || livesHere(record.process) || record.state === 'failed' ? record : {...record, state: 'failed' as const, reason: 'its process was killed', open: 0}
      if (seen.state === 'failed' && now - Date.parse(record.createdAt) > keptMs) await this.remove(record.id)
      else records.push(seen)
    }
    return records.sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  /** Ids of those of a runtime whose process was killed, here: the machine may hold connections for them. */
  async left(runtime: string, now = Date.now()): Promise<string[]> {
    const records = await this.list(now)
    return records.filter((one) => one.runtime === runtime && !isOfOther(one.process) && !livesHere(one.process)).map(({id}) => id)
  }

  /** Ends the process of a record, and only that one, and forgets it. False: it was over, or is not this computer's. */
  async end({id, process: mark}: ForwardRecord): Promise<boolean> {
    const lived = livesHere(mark)
    for (let waited = 0; livesHere(mark); waited += 50) {
      if (waited === 0) process.kill(mark.pid, 'SIGTERM')
      if (waited === 5_000) process.kill(mark.pid, 'SIGKILL')
      await delay(50)
    }
    if (!isOfOther(mark)) await this.remove(id)
    return lived
  }
}

export function viewOf({process: mark, reason, forwards, state, ...rest}: ForwardRecord): ForwardView {
  const pairs = forwards.map((forward) => {
    const {from, to} = describeForward(forward)
    return forward.reverse ? {local: to, remote: from, reverse: true} : {local: from, remote: to, reverse: false}
  })
  return {...rest, pid: mark.pid, state: isOfOther(mark) ? 'elsewhere' : state, reason: reason ?? null, forwards: pairs}
}

const states = ['starting', 'open', 'reconnecting', 'failed'] as const

/** Undefined for what is no record: it is not ours to remove. */
function parse(value: unknown): ForwardRecord | undefined {
  if (!isObject(value) || !Array.isArray(value['forwards'])) return undefined
  const mark = parseMark(value['process'])
  const {id, runtime, createdAt} = value
  const state = states.find((one) => one === value['state'])
  const forwards = value['forwards'].map(forwardOf)
  if (!mark || !state || typeof id !== 'string' || typeof runtime !== 'string' || typeof createdAt !== 'string' || forwards.includes(undefined)) return undefined
  const count = (name: keyof Traffic): number => (typeof value[name] === 'number' ? value[name] : 0)
  return {
    id, runtime, process: mark, createdAt, background: value['background'] === true, state,
    ...(typeof value['reason'] === 'string' ? {reason: value['reason']} : {}),
    forwards: forwards.filter((one) => one !== undefined),
    open: count('open'), connections: count('connections'), bytesSent: count('bytesSent'), bytesReceived: count('bytesReceived'),
  }
}

function forwardOf(value: unknown): ForwardSpec | undefined {
  if (!isObject(value)) return undefined
  const {local, remote} = value
  if (!isObject(local) || !isObject(remote)) return undefined
  if (typeof local['address'] !== 'string' || typeof local['port'] !== 'number' || typeof remote['host'] !== 'string' || typeof remote['port'] !== 'number') return undefined
  return {local: {address: local['address'], port: local['port']}, remote: {host: remote['host'], port: remote['port']}, ...(value['reverse'] === true ? {reverse: true} : {})}
}
