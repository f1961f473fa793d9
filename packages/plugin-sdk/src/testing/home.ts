import {spawn} from 'node:child_process'
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, dirname, join, resolve} from 'node:path'
import type {ErrorBody} from '../envelope.ts'
import {cgpuProgram} from './program.ts'

export interface CgpuResult {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface CgpuOptions {
  env?: Record<string, string>
  /** its stdin; default: empty */
  input?: string
  cwd?: string
  /** sent when what was printed so far matches */
  signalAfter?: {signal: NodeJS.Signals; match: RegExp}
  /** it is killed and the call fails after so long; default 120_000 ms */
  timeoutMs?: number
}

/** What cgpu prints with --json. */
export type TestEnvelope<T> = {ok: true; data: T; warnings: string[]} | {ok: false; error: ErrorBody; warnings: string[]}

export interface TestEmulatorInfo {
  url: string
  adminUrl: string
  adminToken: string
  /** makes commands use it; set in the home's `env` already */
  env: Record<string, string>
}

/** A home of its own for cgpu: nothing of the developer's is read or written, no keyring is asked, no daemon left behind. */
export interface TestHome {
  path: string
  /** an empty folder, in which commands run */
  cwd: string
  /** of the commands; may be changed */
  env: Record<string, string>
  /** Runs cgpu to its end. */
  cgpu(args: readonly string[], options?: CgpuOptions): Promise<CgpuResult>
  /** The same with --json. Throws when stdout is not one line of JSON. */
  json<T = unknown>(args: readonly string[], options?: CgpuOptions): Promise<TestEnvelope<T>>
  /** Links a plugin, as `cgpu plugins link FOLDER` does, without npm. It has to be built. */
  link(folder: string): Promise<void>
  /** Starts an emulated Colab; runtimes are made there from now on. It ends with `remove`, or with this process. */
  emulator(options?: {scenario?: string; seed?: string}): Promise<TestEmulatorInfo>
  /** Makes a runtime: of this computer, or of the emulator once there is one. It is released by `remove`. */
  runtime(options?: {name?: string; gpu?: string}): Promise<{id: string; name: string; provider: string}>
  /** Releases runtimes, ends the emulator and removes the folder. */
  remove(): Promise<void>
}

/** `program`: what starts cgpu; see `cgpuProgram` for the default. */
export async function testHome({program = cgpuProgram()}: {program?: readonly string[]} = {}): Promise<TestHome> {
  const path = await mkdtemp(join(tmpdir(), 'cgpu-test-'))
  const [config, data, cache, cwd] = ['config', 'data', 'cache', 'work'].map((name) => join(path, name)) as [string, string, string, string]
  await Promise.all([mkdir(cwd), mkdir(data)])
  const inherited = Object.fromEntries(['CGPU_PYTHON', 'SYSTEMROOT', 'CGPU_TEST_BIN'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))) as Record<string, string> // those that are set
  const env: Record<string, string> = {
    ...inherited,
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    HOME: path, LANG: 'C.UTF-8', NO_COLOR: '1', CGPU_CONFIG_DIR: config, CGPU_DATA_DIR: data, CGPU_CACHE_DIR: cache, CGPU_KEYRING: 'off', CGPU_DAEMON: 'off',
  }
  const used = {emulator: false, runtime: false}
  const home: TestHome = {
    path, cwd, env,
    cgpu: (args, options = {}) => runProgram(program, args, {cwd, ...options, env: {...env, ...options.env}}),
    async json<T>(args: readonly string[], options?: CgpuOptions) {
      // behind the program of a run, --json would be that program's
      const result = await home.cgpu(args[0] === undefined ? ['--json'] : jsonArgs(args), options)
      try {
        return JSON.parse(result.stdout) as TestEnvelope<T> // as documented
      } catch {
        throw new Error(`expected one line of JSON of cgpu ${args.join(' ')}, got:\n${result.stdout}\n${result.stderr}`)
      }
    },
    link: (folder) => linkPlugin(data, resolve(folder)),
    async emulator({scenario, seed} = {}) {
      used.emulator = true
      const flags = [...(scenario === undefined ? [] : ['--scenario', scenario]), ...(seed === undefined ? [] : ['--seed', seed])]
      const started = dataOf(await home.json<TestEmulatorInfo>(['emulator', 'start', '--parent-pid', String(process.pid), ...flags]))
      Object.assign(env, started.env)
      return started
    },
    async runtime({name, gpu} = {}) {
      used.runtime = true
      const flags = [...(name === undefined ? [] : ['--name', name]), ...(gpu === undefined ? [] : ['--gpu', gpu])]
      return dataOf(await home.json<{id: string; name: string; provider: string}>(['runtime', 'create', ...flags]))
    },
    async remove() {
      // a plugin that is tested may be one that breaks every command
      await writeFile(join(data, 'package.json'), JSON.stringify({private: true, oclif: {schema: 1, plugins: []}}))
      if (used.runtime) await home.cgpu(['stop', '--all', '--yes'], {cwd: path})
      if (used.emulator) await home.cgpu(['emulator', 'stop', '--all'], {cwd: path})
      await rm(path, {recursive: true, force: true, maxRetries: 5})
    },
  }
  return home
}

/** cgpu's own flags stand before what belongs to a remote program. */
function jsonArgs(args: readonly string[]): string[] {
  const end = args.indexOf('--')
  if (args[0] === 'run') return ['run', '--json', ...args.slice(1)]
  return end === -1 ? [...args, '--json'] : [...args.slice(0, end), '--json', ...args.slice(end)]
}

function dataOf<T>(envelope: TestEnvelope<T>): T {
  if (envelope.ok) return envelope.data
  throw new Error(`${envelope.error.code}: ${envelope.error.message}${envelope.error.fix === null ? '' : `\nfix: ${envelope.error.fix}`}`)
}

async function linkPlugin(dataDir: string, root: string): Promise<void> {
  const {name, oclif} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {name?: string; oclif?: unknown} // npm's own format
  if (name === undefined || oclif === undefined) throw new Error(`${root} holds no plugin: its package.json needs "name" and "oclif"`)
  const path = join(dataDir, 'package.json')
  const before = await readFile(path, 'utf8').then((text) => (JSON.parse(text) as {oclif: {plugins: {name: string}[]}}).oclif.plugins, () => [])
  const plugins = [...before.filter((one) => one.name !== name), {type: 'link', name, root}]
  await writeFile(path, JSON.stringify({private: true, oclif: {schema: 1, plugins}}))
}

function runProgram([program = '', ...first]: readonly string[], args: readonly string[], {cwd, env, input, signalAfter, timeoutMs = 120_000}: CgpuOptions & {env: Record<string, string>}): Promise<CgpuResult> {
  const child = spawn(program, [...first, ...args], {cwd, env, stdio: ['pipe', 'pipe', 'pipe'], shell: program.endsWith('.cmd')})
  const text = {stdout: '', stderr: ''}
  let signalled = false
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      if (signalled || !signalAfter?.match.test(text[name])) return
      signalled = true
      child.kill(signalAfter.signal)
    })
  }
  child.stdin.on('error', () => {}) // a command that reads nothing closes it
  child.stdin.end(input)
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail(new Error(`cgpu ${args.join(' ')} did not end within ${timeoutMs} ms\n${text.stdout}\n${text.stderr}`))
    }, timeoutMs)
    child.on('error', fail)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      done({status, signal, ...text})
    })
  })
}
