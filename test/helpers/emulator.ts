import assert from 'node:assert/strict'
import {processesOf} from '../contract/processes-of.ts'
import {AdminClient, type Emulator, type EmulatorOptions, type LogEntry, parseScenario, type ScenarioInput, startEmulator} from '@cgpu/emulator'
import {cgpu, type CliOptions, type CliResult, envelope, type SealedHome, sealedHome} from './cli.ts'
import {testPython} from './jupyter-server.ts'
import {nothingLeft, until} from './workbench.ts'

export interface TestEmulatorOptions extends Pick<EmulatorOptions, 'seed' | 'namespaces' | 'port'> {
  /** as a scenario file would say it */
  scenario?: ScenarioInput
}

/** A sealed home that uses the emulator, and short ways to run cgpu in it. */
export interface EmulatorHome {
  home: SealedHome
  /** runs the built CLI to its end, in the home's working folder */
  cli: (args: readonly string[], options?: Partial<CliOptions>) => Promise<CliResult>
  /** the same with --json; `data` of the envelope. Fails when the command did. */
  data: <T>(args: readonly string[], options?: Partial<CliOptions>) => Promise<T>
}

export interface TestEmulator {
  /** what CGPU_COLAB_EMULATOR is set to */
  url: string
  /** in this process: its world, clock, faults and log can be reached directly */
  emulator: Emulator
  admin: AdminClient
  /** an access token, of the first account when none is named */
  token(email?: string): string
  /** A new home whose `cgpu` calls use the emulator; `signedIn: false` leaves CGPU_TOKEN and CGPU_PROVIDER out. Removed by `stop`. */
  home(options?: {signedIn?: boolean; account?: string}): Promise<EmulatorHome>
  /** requests to Google's side since `since` (an entry's id), answered or not */
  controlCalls(since?: number): LogEntry[]
  /** requests to machines */
  runtimeCalls(since?: number): LogEntry[]
  /** waits until such a request was answered */
  called(path: string | RegExp): Promise<LogEntry>
  /** Ends machines and homes' processes, checks that none is left, removes what was written. */
  stop(): Promise<void>
}

/** An emulated Colab in this process, whose machines run the tests' Python. The same seed gives the same names and tokens. */
export async function startTestEmulator({scenario = {}, seed = 'test', ...options}: TestEmulatorOptions = {}): Promise<TestEmulator> {
  const emulator = await startEmulator({...options, seed, scenario: {name: 'test', scenario: parseScenario(scenario, 'test')}, python: () => Promise.resolve(testPython)})
  const homes: SealedHome[] = []
  return {
    url: emulator.url,
    emulator,
    admin: new AdminClient(emulator),
    token: (email) => emulator.token(email),
    async home({signedIn = true, account} = {}) {
      const home = await sealedHome()
      homes.push(home)
      Object.assign(home.env, {CGPU_COLAB_EMULATOR: emulator.url, CGPU_PYTHON: testPython, ...(signedIn ? {...emulator.env(), CGPU_TOKEN: emulator.token(account)} : {})})
      const cli: EmulatorHome['cli'] = (args, more = {}) => cgpu(args, {home, ...more})
      return {
        home,
        cli,
        async data<T>(args: readonly string[], more?: Partial<CliOptions>) {
          // behind the script of a run it would be the script's own
          const result = await cli(args[0] === 'run' ? ['run', '--json', ...args.slice(1)] : [...args, '--json'], more)
          const answer = envelope<T>(result)
          assert.ok(answer.ok, result.stdout)
          return answer.data
        },
      }
    },
    controlCalls: (since = 0) => emulator.log.query({site: 'control', since}),
    runtimeCalls: (since = 0) => emulator.log.query({site: 'runtime:*', since}),
    async called(path) {
      let found: LogEntry | undefined
      await until(() => {
        found = emulator.log.query().find((one) => one.ms !== null && (typeof path === 'string' ? one.path.includes(path) : path.test(one.path)))
        return found !== undefined
      }, () => `nobody called ${String(path)}; there were:\n${emulator.log.query().map((one) => `${one.method} ${one.path}`).join('\n')}`)
      assert.ok(found)
      return found
    },
    async stop() {
      await emulator.close()
      try {
        for (const home of homes) await nothingLeft(home)
        await until(() => processesOf(emulator.folder).length === 0, () => `the emulator left processes: ${processesOf(emulator.folder).join(', ')}`)
      } finally {
        for (const home of homes) await home.remove()
      }
    },
  }
}
