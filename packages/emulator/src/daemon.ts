import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {open, readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {z} from 'zod'
import {CgpuError, errors} from '@cgpu/core/errors'
import {ensureDir} from '@cgpu/core/state/dirs'
import {withLock} from '@cgpu/core/state/lock'
import {isAlive, processStartTime} from '@cgpu/core/state/process'
import type {Emulator} from './emulator.ts'
import {writePrivate} from './write-private.ts'

/** How an emulator in a process of its own is started. Paths are absolute. */
export interface DaemonOptions {
  /** its own folder: state file, log, and what the emulator writes */
  folder: string
  port?: number | undefined
  seed?: string | undefined
  /** a name or a file */
  scenario?: string | undefined
  record?: {file: string; upstream: string; keepEmails?: boolean} | undefined
  replay?: string | undefined
  /** it ends when this process does */
  ownerPid?: number | undefined
}

const runningSchema = z.object({
  url: z.string(),
  adminUrl: z.string(),
  adminToken: z.string(),
  pid: z.int(),
  startTime: z.string().optional(),
  folder: z.string(),
  clientConfig: z.string(),
  scenario: z.string(),
  seed: z.string(),
  env: z.record(z.string(), z.string()),
})
/** A running emulator, as its state file (0600) tells of it. */
export type RunningEmulator = z.infer<typeof runningSchema>

const stateFile = (folder: string): string => join(folder, 'emulator.json')
const startLimitMs = 20_000
const stopLimitMs = 45_000

/** The emulator that runs in this folder, if one does. */
export async function findRunning(folder: string): Promise<RunningEmulator | undefined> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(stateFile(folder), 'utf8'))
  } catch {
    return undefined
  }
  const parsed = runningSchema.safeParse(value)
  if (!parsed.success) return undefined
  return (await isAlive(parsed.data.pid, parsed.data.startTime)) ? parsed.data : undefined
}

/** Starts an emulator in the background, or tells of the one that runs there. Throws what starting it threw, or EMULATOR_START_FAILED (70). */
export async function startDaemon(options: DaemonOptions): Promise<{running: RunningEmulator; started: boolean}> {
  await ensureDir(options.folder)
  return withLock(join(options.folder, 'start.lock'), async () => {
    const before = await findRunning(options.folder)
    if (before) return {running: before, started: false}
    await clear(options.folder)
    await spawnDaemon(options)
    const running = await findRunning(options.folder)
    if (!running) throw startFailed(options.folder, 'it ended at once')
    return {running, started: true}
  }, {timeoutMs: startLimitMs + 5_000})
}

/** Ends it and its machines. False: none was running. Throws EMULATOR_STUCK (72). */
export async function stopDaemon(folder: string): Promise<boolean> {
  const running = await findRunning(folder)
  if (!running) return false
  process.kill(running.pid, 'SIGTERM')
  const deadline = performance.now() + stopLimitMs
  while (await isAlive(running.pid, running.startTime)) {
    if (performance.now() > deadline) {
      throw errors.conflict(`the emulator (process ${running.pid}) does not end`, {code: 'EMULATOR_STUCK', fix: `kill -9 ${running.pid}`})
    }
    await delay(20)
  }
  await rm(stateFile(folder), {force: true})
  return true
}

/** Leaves word of an emulator of this process for `findRunning`, until it closes. */
export async function announce(emulator: Emulator): Promise<RunningEmulator> {
  const {url, adminUrl, adminToken, folder, clientConfig} = emulator
  const {scenario, seed} = emulator.status()
  const startTime = await processStartTime(process.pid)
  const running: RunningEmulator = {
    url, adminUrl, adminToken, pid: process.pid, ...(startTime === undefined ? {} : {startTime}), folder, clientConfig, scenario, seed, env: emulator.env(),
  }
  await writePrivate(stateFile(folder), `${JSON.stringify(running, null, 2)}\n`)
  emulator.onClose(() => rm(stateFile(folder), {force: true}))
  return running
}

/** What an emulator before left in its folder: every start begins anew. */
export async function clear(folder: string): Promise<void> {
  for (const name of ['drive', 'machines', 'requests.jsonl', 'emulator.json']) await rm(join(folder, name), {recursive: true, force: true, maxRetries: 5})
}

/** What the new process says, once. */
export type StartMessage = {ready: true} | {ready: false; error: {message: string; code: string; exit: number; fix?: string | undefined; details?: Record<string, unknown> | undefined}}

async function spawnDaemon(options: DaemonOptions): Promise<void> {
  const logPath = join(options.folder, 'emulator.log')
  const log = await open(logPath, 'w', 0o600)
  const child = spawn(process.execPath, entry(), {cwd: options.folder, detached: true, stdio: ['ignore', log.fd, log.fd, 'ipc']})
  try {
    const message = await new Promise<StartMessage>((resolve, reject) => {
      const timer = setTimeout(() => reject(startFailed(options.folder, `it was not ready within ${startLimitMs / 1000} s`)), startLimitMs)
      child.once('message', (one) => resolve(one as StartMessage)) // our own process, of the same version
      child.once('error', reject)
      child.once('exit', (status) => reject(startFailed(options.folder, `its process ended with status ${status}`)))
      child.once('message', () => clearTimeout(timer)).once('exit', () => clearTimeout(timer))
      child.send(options)
    })
    if (!message.ready) throw asError(message.error)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    if (child.connected) child.disconnect()
    child.unref()
    await log.close()
  }
}

/** What node runs as the emulator's process: its bundle, which starts sooner, but where there is only the source. */
function entry(): string[] {
  if (import.meta.url.endsWith('.ts')) return ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', fileURLToPath(new URL('process.ts', import.meta.url))]
  const bundled = fileURLToPath(new URL('fast/process.js', import.meta.url))
  return [existsSync(bundled) ? bundled : fileURLToPath(new URL('process.js', import.meta.url))]
}

function asError({message, code, exit, fix, details}: Extract<StartMessage, {ready: false}>['error']): CgpuError {
  return new CgpuError(message, {code, category: 'usage', exit, fix, ...(details === undefined ? {} : {details})})
}

function startFailed(folder: string, why: string): CgpuError {
  return new CgpuError(`the emulator did not start: ${why}`, {code: 'EMULATOR_START_FAILED', category: 'internal', exit: 70, fix: `see ${join(folder, 'emulator.log')}`})
}
