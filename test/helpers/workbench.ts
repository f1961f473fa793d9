import assert from 'node:assert/strict'
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {processesOf} from '../contract/processes-of.ts'
import {cgpu, type CliOptions, type CliResult, envelope, sealedHome, type SealedHome} from './cli.ts'
import {knowTestPython} from './known-python.ts'
import {startJupyter, type StartJupyterOptions, type TestJupyter, testPython} from './jupyter-server.ts'

/** A sealed home whose local runtimes start the tests' Python, and short ways to use it. */
export interface Workbench {
  home: SealedHome
  /** runs the built CLI to its end, in the home's working folder */
  cli(args: readonly string[], options?: Partial<CliOptions>): Promise<CliResult>
  /** the same with --json; `data` of the envelope. Fails when the command did. */
  data<T>(args: readonly string[], options?: Partial<CliOptions>): Promise<T>
  /** writes a file of the working folder; returns its path */
  file(name: string, content: string | Uint8Array, mode?: number): Promise<string>
  /** has it called by `remove`, the last one first */
  onRemove(stop: () => Promise<unknown>): void
  /** Releases every runtime, stops what was added, waits until no process of this home is left, and removes it. */
  remove(): Promise<void>
}

export async function workbench(): Promise<Workbench> {
  const home = await sealedHome()
  Object.assign(home.env, {CGPU_PYTHON: testPython})
  await knowTestPython(home)
  const stops: (() => Promise<unknown>)[] = []
  const cli: Workbench['cli'] = (args, options = {}) => cgpu(args, {home, ...options})
  return {
    home,
    cli,
    async data<T>(args: readonly string[], options?: Partial<CliOptions>) {
      // behind the script of a run it would be the script's own
      const result = await cli(args[0] === 'run' ? ['run', '--json', ...args.slice(1)] : [...args, '--json'], options)
      const answer = envelope<T>(result)
      assert.ok(answer.ok, result.stdout)
      return answer.data
    },
    async file(name, content, mode = 0o644) {
      const path = join(home.cwd, name)
      await mkdir(dirname(path), {recursive: true})
      await writeFile(path, content, {mode})
      return path
    },
    onRemove: (stop) => void stops.unshift(stop),
    async remove() {
      try {
        // from elsewhere: a test may have spoilt the project file
        await cli(['stop', '--all', '--yes'], {cwd: home.path})
      } finally {
        for (const stop of stops) await stop()
      }
      try {
        await nothingLeft(home)
      } finally {
        await home.remove()
      }
    },
  }
}

/** A Jupyter server that someone else started, in a home of its own: the agent keeps its files there. Stopped with the bench. */
export async function jupyterFor(bench: Workbench, options: StartJupyterOptions = {}): Promise<TestJupyter> {
  const home = await mkdtemp(join(tmpdir(), 'cgpu-elsewhere-'))
  const server = await startJupyter({...options, env: {HOME: home, ...options.env}})
  bench.onRemove(async () => {
    await server.stop()
    await rm(home, {recursive: true, force: true, maxRetries: 5})
  })
  return server
}

/** Where the commands have to work alike: a name for the test, and what makes its runtime `there`. */
export const places: {place: string; make: (bench: Workbench) => Promise<void>}[] = [
  {
    place: 'a local runtime',
    async make(bench) {
      const made = await bench.cli(['runtime', 'create', '--name', 'there'])
      assert.equal(made.status, 0, made.stderr)
    },
  },
  {
    place: 'a Jupyter server started by someone else',
    async make(bench) {
      const server = await jupyterFor(bench)
      const added = await bench.cli(['runtime', 'add', server.url, '--token-stdin', '--name', 'there'], {input: server.token})
      assert.equal(added.status, 0, added.stderr)
    },
  },
]

/** Waits until no process of this home is left; which are there otherwise. */
export async function nothingLeft(home: SealedHome): Promise<void> {
  await until(() => processesOf(home.path).length === 0, () => `processes are left: ${processesOf(home.path).join(', ')}`)
}

/**
 * Waits until the condition holds, at most 20 s; looks again after 50 ms, or as long as looking took, for what tells nobody when it
 * changes: who looks by a command leaves half of a processor to what is waited for.
 */
export async function until(condition: () => boolean | Promise<boolean>, what: () => string, ms = 20_000): Promise<void> {
  const deadline = performance.now() + ms
  for (;;) {
    const looked = performance.now()
    if (await condition()) return
    const now = performance.now()
    assert.ok(now < deadline, what())
    await new Promise((resolve) => setTimeout(resolve, Math.max(50, now - looked)))
  }
}

/** A failure as people see it: the status, one line of error, one of what to do, no stack. */
export function assertRefused(result: CliResult, status: number | readonly number[], what = ''): void {
  const allowed = typeof status === 'number' ? [status] : status
  const told = `${what}\nstatus ${result.status}\nstdout: ${result.stdout}\nstderr: ${result.stderr}`
  assert.ok(result.status !== null && allowed.includes(result.status), told)
  const lines = result.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('warning: '))
  assert.equal(lines.filter((line) => line.startsWith('error: ')).length, 1, told)
  assert.equal(lines.filter((line) => line.startsWith('fix: ')).length, 1, told)
  assert.equal(lines.length, 2, told)
  assert.doesNotMatch(result.stderr, /^\s+at /m, told)
  assert.equal(result.stdout, '', told)
}
