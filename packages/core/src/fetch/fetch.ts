import {createHash} from 'node:crypto'
import type {AgentClient, JobStatus} from '../agent/client.ts'
import {type CgpuError, errors} from '../errors.ts'
import {followLog, withAgent} from '../execution/follow-log.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {isObject} from '../state/json.ts'
import {sanitizeLine} from '../text/line.ts'
import {type FetchPlan, nameOf, shownAddress} from './plan.ts'

export interface FetchRequest {
  /** what the user typed: with the target it tells one fetch from another */
  address: string
  plan: FetchPlan
  /** a path on the machine; a folder where it ends with `/`, is empty, or is one */
  to: string
  signal?: AbortSignal | undefined
  /** bytes; total is undefined where nobody says */
  onProgress?: (done: number, total: number | undefined) => void
  onNotice?: (message: string) => void
}

export interface Fetched {
  /** the address without its secrets, as it was asked for */
  from: string
  /** absolute, on the machine */
  path: string
  size: number
  sha256: string
  /** bytes that were there from an earlier attempt */
  resumed: number
}

/** A result that nobody has seen is told if it is no older; after that the file is fetched anew. */
const freshSeconds = 3600

/**
 * Has a machine fetch a file, by a job of its own that goes on without us: whoever asks for the same again meanwhile gets its
 * progress and its end. Ctrl-C stops it, with what came kept for the next time; any other end of ours leaves it. Throws CgpuError.
 */
export async function fetchOnMachine(session: RuntimeSession, request: FetchRequest): Promise<Fetched> {
  const {address, to, signal, onNotice} = request
  const run = `fetch-${createHash('sha256').update(`${address}\0${to}`).digest('hex').slice(0, 24)}`
  const begun = await withAgent(session, (agent) => begin(agent, run, request))
  if (begun === 'runs') onNotice?.('it is being fetched already; this is how far it is')
  if (begun === 'done') onNotice?.('it was fetched meanwhile')
  const heard = new Heard(request)
  const status = await followLog(session, run, {
    offset: 0, signal, onRecord: ({stream, payload}) => (stream === 'stdout' ? heard.stdout(payload) : stream === 'stderr' ? heard.stderr(payload) : undefined),
  }).catch(async (error: unknown) => {
    if (!signal?.aborted) throw error
    throw await leave(session, run, signal)
  })
  await withAgent(session, (agent) => agent.remove(run)).catch(() => undefined) // the next fetch removes it
  return heard.result(status)
}

/** Starts it, unless it runs or came to a good end that nobody has seen. */
async function begin(agent: AgentClient, run: string, {address, plan, to, signal}: FetchRequest): Promise<'started' | 'runs' | 'done'> {
  let known = await agent.status(run, {signal})
  // it was stopped a moment ago: what it leaves is gone on with
  if (known.cancelled === true && isUnderWay(known)) known = await agent.follow(run, {onRecord: () => undefined, signal})
  if (isUnderWay(known)) return 'runs'
  if (known.state === 'exited' && (await isUnseen(agent, known, signal))) return 'done'
  if (known.state !== 'unknown') await agent.remove(run, {signal})
  const file = await agent.part('fetch').ready(signal)
  const {executable, home, platform} = agent.hello
  const order = {to, key: address, name: plan.name ?? nameOf(address), ways: plan.ways, fix: plan.fix}
  // by the environment, which the agent keeps off the disk and off every command line
  const {attached} = await agent.start({run, argv: [executable, `${home}${platform === 'win32' ? '\\' : '/'}${file}.py`], env: {CGPU_FETCH: JSON.stringify(order)}}, {signal})
  return attached ? 'runs' : 'started'
}

const isUnderWay = ({state}: JobStatus): boolean => state === 'running' || state === 'starting'

/** It ended well after its client had gone, and what it fetched is still there. */
async function isUnseen(agent: AgentClient, known: JobStatus, signal: AbortSignal | undefined): Promise<boolean> {
  if (known.exitCode !== 0 || known.endedAt === null || Date.now() / 1000 - known.endedAt > freshSeconds) return false
  const heard = new Heard({})
  await agent.follow(known.id, {onRecord: ({stream, payload}) => (stream === 'stdout' ? heard.stdout(payload) : undefined), signal})
  const {path, size, mtime} = heard.last
  if (typeof path !== 'string') return false
  const there = await agent.stat(path, {signal})
  return there.size === size && there.mtime === mtime
}

async function leave(session: RuntimeSession, run: string, signal: AbortSignal): Promise<unknown> {
  const reason: unknown = signal.reason
  const name = isObject(reason) && isObject(reason['details']) ? reason['details']['signal'] : undefined
  if (name !== 'SIGINT') return errors.interrupted('left; the machine goes on with it', {code: 'INTERRUPTED', fix: 'run the same command again to see how far it is'})
  const over = AbortSignal.timeout(5000)
  await withAgent(session, async (agent) => {
    await agent.stop(run, {graceSeconds: 2, signal: over})
    await agent.follow(run, {onRecord: () => undefined, signal: over})
  }).catch(() => undefined)
  return errors.interrupted('stopped; what came so far is kept on the machine', {code: 'INTERRUPTED', fix: 'run the same command again to go on'})
}

/** What the job says. */
class Heard {
  readonly #request: Partial<FetchRequest>
  readonly #decoder = new TextDecoder()
  #rest = ''
  #error = ''
  last: Record<string, unknown> = {}

  constructor(request: Partial<FetchRequest>) {
    this.#request = request
  }

  stdout(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, {stream: true})).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
  }

  stderr(bytes: Uint8Array): void {
    this.#error = (this.#error + Buffer.from(bytes).toString()).slice(-2000)
  }

  result(status: JobStatus | undefined): Fetched {
    const {event, path, size, sha256, resumed} = this.last
    if (event === 'done' && typeof path === 'string' && typeof size === 'number' && typeof sha256 === 'string') {
      return {from: shownAddress(this.#request.address ?? ''), path, size, sha256, resumed: Number(resumed) || 0}
    }
    if (event === 'failed') throw problemOf(this.last)
    const why = status?.reason === 'oom' ? 'the machine had no memory left' : (this.#error.trim().split('\n').at(-1) ?? '') || `status ${status?.exitCode ?? 'unknown'}`
    throw errors.lost(`the machine did not finish fetching it: ${sanitizeLine(why, 300)}`, {code: 'FETCH_LOST', fix: 'run the same command again to go on'})
  }

  #line(line: string): void {
    let event: unknown
    try {
      event = JSON.parse(line)
    } catch {
      return
    }
    if (!isObject(event)) return
    const {onProgress, onNotice} = this.#request
    switch (event['event']) {
      case 'progress':
        onProgress?.(Number(event['done']) || 0, typeof event['total'] === 'number' ? event['total'] : undefined)
        return
      case 'retry':
        return onNotice?.(`${sanitizeLine(String(event['message']), 300)}; trying again in ${Math.ceil(Number(event['seconds']) || 0)} s`)
      case 'notice':
        return onNotice?.(sanitizeLine(String(event['message']), 300))
      case 'done':
      case 'failed':
        this.last = event
    }
  }
}

/** The job's own code and words in the user's terms. */
function problemOf({code, message, fix}: Record<string, unknown>): CgpuError {
  const text = sanitizeLine(String(message), 600)
  const own = typeof fix === 'string' ? sanitizeLine(fix, 400) : undefined
  switch (code) {
    case 'DENIED':
      return errors.auth(text, {code: 'FETCH_DENIED', fix: own ?? 'check who may read it'})
    case 'NOT_FOUND':
      return errors.notFound(text, {code: 'FETCH_NOT_FOUND', category: 'file', fix: own ?? 'check the address'})
    case 'NOT_A_FILE':
    case 'NO_NAME':
    case 'BAD_URL':
      return errors.usage(text, {code: 'FETCH_NOT_A_FILE', category: 'file', fix: own ?? 'check the address and the target'})
    case 'REFUSED':
      return errors.vetoed(text, {code: 'FETCH_REFUSED', category: 'network', fix: 'if you trust where it leads, give that address itself'})
    case 'TOOL_MISSING':
    case 'TOOL_FAILED':
      return errors.notFound(text, {code: `FETCH_${code}`, category: 'runtime', fix: own ?? 'run the program on the machine to see why: cgpu shell'})
    case 'BUSY':
      return errors.conflict(text, {code: 'FETCH_BUSY', category: 'file', fix: 'wait until the other one is over: cgpu job list'})
    case 'NO_SPACE':
      return errors.quota(text, {code: 'REMOTE_DISK_FULL', category: 'capacity', fix: 'remove files there (cgpu fs du shows what takes the space), or take a machine with a larger disk'})
    case 'NOT_ALLOWED':
      return errors.usage(`on the machine: ${text}`, {code: 'REMOTE_DENIED', category: 'file', fix: 'choose a path that you may use there'})
    case 'IO':
      return errors.network(`on the machine: ${text}`, {code: 'REMOTE_IO', category: 'file', fix: 'check the path and the disk of the machine'})
    case 'NO_HOST':
      return errors.network(text, {code: 'FETCH_FAILED', fix: own ?? 'check the address, as the machine sees it'})
    default:
      return errors.network(text, {code: 'FETCH_FAILED', retryable: true, fix: own ?? 'run the same command again: it goes on where it was'})
  }
}
