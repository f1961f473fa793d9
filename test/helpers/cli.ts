import {spawn, type ChildProcess} from 'node:child_process'
import {mkdir, mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

export const repoRoot = fileURLToPath(new URL('../..', import.meta.url))
export const cgpuBin = join(repoRoot, 'bin', 'run.js')

/** A home of its own: nothing of the developer's is read or written. */
export interface SealedHome {
  path: string
  configDir: string
  dataDir: string
  cacheDir: string
  /** an empty folder to work in */
  cwd: string
  env: Record<string, string>
  remove(): Promise<void>
}

export async function sealedHome(): Promise<SealedHome> {
  const path = await mkdtemp(join(tmpdir(), 'cgpu-home-'))
  const at = (name: string): string => join(path, name)
  const [configDir, dataDir, cacheDir, cwd] = [at('config'), at('data'), at('cache'), at('work')]
  await mkdir(cwd)
  const env = {
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    HOME: path, LANG: 'C.UTF-8', NO_COLOR: '1', OCLIF_COLUMNS: '80',
    CGPU_CONFIG_DIR: configDir, CGPU_DATA_DIR: dataDir, CGPU_CACHE_DIR: cacheDir,
    // the keyring of whoever runs the tests is none of their business
    CGPU_KEYRING: 'off',
    // nor is a process to be left behind; the daemon's own tests switch it on
    CGPU_DAEMON: 'off',
    // compiled once for all homes
    ...(process.env['NODE_COMPILE_CACHE'] === undefined ? {} : {NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE']}),
    // Windows cannot start a process without it
    ...(process.env['SYSTEMROOT'] === undefined ? {} : {SYSTEMROOT: process.env['SYSTEMROOT']}),
  }
  return {path, configDir, dataDir, cacheDir, cwd, env, remove: () => rm(path, {recursive: true, force: true, maxRetries: 5})}
}

export interface CliOptions {
  home: SealedHome
  env?: Record<string, string>
  input?: string | Uint8Array
  cwd?: string
  /** sent when what was printed so far matches */
  signalAfter?: {signal: NodeJS.Signals; stream: 'stdout' | 'stderr'; match: RegExp}
  /** node's own arguments */
  nodeArgs?: string[]
  /** the child is killed and the call fails after so long; default 60_000 ms */
  timeoutMs?: number
}

export interface CliResult {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** stdout as it came */
  bytes: Buffer
}

/** Starts the built CLI; the caller waits for it and stops it. */
export function startCgpu(args: readonly string[], {home, env = {}, cwd, nodeArgs = []}: CliOptions): ChildProcess {
  // as the shebang of bin/run.js starts it
  return spawn(process.execPath, [...nodeArgs, '--', cgpuBin, ...args], {cwd: cwd ?? home.cwd, env: {...home.env, ...env}, stdio: ['pipe', 'pipe', 'pipe']})
}

/** Runs the built CLI to its end. */
export async function cgpu(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const {input, signalAfter, timeoutMs = 60_000} = options
  const child = startCgpu(args, options)
  const chunks = {stdout: [] as Buffer[], stderr: [] as Buffer[]}
  let signalled = false
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      chunks[name].push(chunk)
      if (signalled || signalAfter?.stream !== name || !signalAfter.match.test(Buffer.concat(chunks[name]).toString('utf8'))) return
      signalled = true
      child.kill(signalAfter.signal)
    })
  }
  child.stdin?.on('error', () => {}) // a command that reads nothing closes it
  child.stdin?.end(input)
  const {promise, resolve, reject} = Promise.withResolvers<CliResult>()
  const text = (name: 'stdout' | 'stderr'): string => Buffer.concat(chunks[name]).toString('utf8')
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`cgpu ${args.join(' ')} did not end within ${timeoutMs} ms\nstdout: ${text('stdout')}\nstderr: ${text('stderr')}`))
  }, timeoutMs)
  child.on('error', reject)
  child.on('close', (status, signal) => {
    clearTimeout(timer)
    resolve({status, signal, stdout: text('stdout'), stderr: text('stderr'), bytes: Buffer.concat(chunks.stdout)})
  })
  return promise
}

export interface Envelope<T> {
  schema: number
  ok: boolean
  command: string
  data: T
  error: {code: string; category: string; message: string; fix: string | null; retryable: boolean; details?: Record<string, unknown>}
  warnings: string[]
}

/** The one line of `--json`, parsed. Throws when stdout holds anything else. */
export function envelope<T = unknown>(result: CliResult): Envelope<T> {
  const lines = result.stdout.split('\n')
  if (lines.length !== 2 || lines[1] !== '') throw new Error(`expected one line on stdout, got:\n${result.stdout}\nstderr: ${result.stderr}`)
  return JSON.parse(lines[0] ?? '') as Envelope<T> // the tests check what is in it
}
