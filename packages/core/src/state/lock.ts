import {link, open, readFile, rename, stat, unlink, utimes} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {tempSuffix} from './atomic.ts'
import {makeFolder} from './make-folder.ts'
import {isAlive, processStartTime} from './process.ts'
import {hostId} from './self.ts'
import {uniqueTag} from './token.ts'
import {cannotWrite, errnoOf} from './write-error.ts'

export interface LockOptions {
  /** how long to wait for another holder; default 10_000 */
  timeoutMs?: number
  signal?: AbortSignal
}

/** What a lock file holds. `token` names this very lock, so that it can be stolen only once. */
interface Holder {
  pid: number
  startTime?: string | undefined
  host: string
  token: string
}

/** A living holder touches its lock this often; one on another machine is given up after `foreignStaleMs`. */
const touchMs = 5_000
const foreignStaleMs = 30_000

/**
 * Runs `fn` while holding the lock file `path`, one holder at a time over all processes of this machine.
 * The lock of a dead process on this host is stolen at once; one from another host (a shared home folder) when
 * it was not touched for 30 s. Throws LOCK_TIMEOUT (exit 72) naming the holder, or CANNOT_WRITE (exit 73).
 */
export async function withLock<T>(path: string, fn: () => T | Promise<T>, options: LockOptions = {}): Promise<T> {
  const me = await describeMe()
  await acquire(path, me, options)
  const touching = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined)
  }, touchMs)
  touching.unref()
  try {
    return await fn()
  } finally {
    clearInterval(touching)
    await release(path, me)
  }
}

async function acquire(path: string, me: Holder, options: LockOptions): Promise<void> {
  const deadline = performance.now() + (options.timeoutMs ?? 10_000)
  for (let wait = 1; ; wait = Math.min(wait * 1.5, 40)) {
    options.signal?.throwIfAborted()
    try {
      if (await tryAcquire(path, me)) return
    } catch (error) {
      throw cannotWrite(path, error)
    }
    if (performance.now() > deadline) throw await timedOut(path)
    await delay(wait * (0.5 + Math.random()), undefined, options.signal ? {signal: options.signal} : {})
  }
}

/**
 * One attempt. A dead holder's lock is replaced only by whoever holds the lock named by its token: as a token is never
 * used twice, two stealers cannot take turns at removing each other's new lock. That second lock may in turn be
 * left by a dead stealer, hence the recursion.
 */
async function tryAcquire(path: string, me: Holder, depth = 0): Promise<boolean> {
  // the common case of waiting: seen without leaving a trace, should this process be killed now
  const current = await readHolder(path)
  if (current !== 'gone' && current?.host === me.host && (await isAlive(current.pid, current.startTime))) return false
  const temp = beside(path, `${me.token}.new`)
  try {
    await writeHolder(temp, me)
    if (await createFrom(temp, path)) return true
    const holder = await readHolder(path)
    if (holder === 'gone' || !(await isDead(path, holder, temp, me))) return false
    const right = beside(path, holder?.token ?? 'broken')
    if (depth >= 3 || !(await tryAcquire(right, me, depth + 1))) return false
    try {
      const now = await readHolder(path)
      if (now === 'gone' || now?.token !== holder?.token || !(await isDead(path, now, temp, me))) return false
      await rename(temp, path)
      return true
    } finally {
      await release(right, me)
    }
  } finally {
    await unlink(temp).catch(() => undefined)
  }
}

/** Named like a temp file, so that what a killed process leaves is collected with those. */
function beside(path: string, tag: string): string {
  return join(dirname(path), `.${basename(path)}.${tag}${tempSuffix}`)
}

async function writeHolder(temp: string, me: Holder): Promise<void> {
  const write = async (): Promise<void> => {
    const file = await open(temp, 'w', 0o600)
    try {
      await file.writeFile(JSON.stringify(me))
    } finally {
      await file.close()
    }
  }
  await write().catch(async (error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error
    await makeFolder(dirname(temp))
    await write()
  })
}

/** Makes `path` with the content of `temp` in one step, so that no one ever reads a lock without its holder. */
async function createFrom(temp: string, path: string): Promise<boolean> {
  try {
    await link(temp, path)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return false
    // a file system without hard links: two steps, and an empty lock counts as broken once it has some age
    if (errno !== 'EPERM' && errno !== 'ENOTSUP' && errno !== 'EOPNOTSUPP' && errno !== 'ENOSYS' && errno !== 'EMLINK') throw error
  }
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(await readFile(temp))
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

async function isDead(path: string, holder: Holder | undefined, temp: string, me: Holder): Promise<boolean> {
  if (holder?.host === me.host) return !(await isAlive(holder.pid, holder.startTime))
  try {
    // both times come from the file system's own clock, which on a network share is not ours
    const age = (await stat(temp)).mtimeMs - (await stat(path)).mtimeMs
    return age > (holder === undefined ? 1_000 : foreignStaleMs)
  } catch {
    return false
  }
}

/** Undefined: the file holds something else (broken). */
async function readHolder(path: string): Promise<Holder | 'gone' | undefined> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'gone'
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (typeof value !== 'object' || value === null) return undefined
  const {pid, startTime, host, token} = value as Record<string, unknown> // an object: fields are checked below
  if (typeof pid !== 'number' || typeof host !== 'string' || typeof token !== 'string' || !/^[0-9a-f]{16}$/.test(token)) return undefined
  return {pid, startTime: typeof startTime === 'string' ? startTime : undefined, host, token}
}

async function release(path: string, me: Holder): Promise<void> {
  const holder = await readHolder(path).catch(() => undefined)
  if (holder !== undefined && holder !== 'gone' && holder.token === me.token) await unlink(path).catch(() => undefined)
}

async function timedOut(path: string): Promise<Error> {
  const holder = await readHolder(path).catch(() => undefined)
  const known = holder !== undefined && holder !== 'gone'
  const who = known ? `process ${holder.pid} on ${sanitizeLine(holder.host.split('/')[0] ?? '')}` : 'another process'
  return errors.conflict(`${who} is holding the lock ${sanitizeLine(path)}`, {
    code: 'LOCK_TIMEOUT', category: 'file', retryable: true,
    fix: known ? `wait for process ${holder.pid} to end, or end it, then try again` : 'try again',
    details: {path, pid: known ? holder.pid : null},
  })
}

let self: Promise<Pick<Holder, 'pid' | 'startTime' | 'host'>> | undefined

async function describeMe(): Promise<Holder> {
  self ??= (async () => ({
    pid: process.pid,
    // asking Windows for it takes half a second: there the pid alone must do
    startTime: process.platform === 'win32' ? undefined : await processStartTime(process.pid),
    host: hostId(),
  }))()
  return {...(await self), token: uniqueTag()}
}
