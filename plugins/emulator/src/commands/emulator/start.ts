import {resolve} from 'node:path'
import {boolean, integer, string} from '@oclif/core/flags'
import type {DaemonOptions, RunningEmulator} from '@cgpu/emulator'
import {errors, sanitizeLine, withEnv} from '@cgpu/plugin-sdk'
import {EmulatorCommand, nameFlag} from '../../emulator-command.ts'

/** Starts an emulated Colab on this machine. */
export default class EmulatorStart extends EmulatorCommand<RunningEmulator & {name: string}> {
  static override description = 'Listens on loopback only and goes on in the background. Where it runs already, it is told of as it is. With --env, `eval "$(cgpu emulator start --env)"` makes cgpu in this shell use it instead of Google.'
  static override examples = [
    {command: '<%= config.bin %> emulator start', description: 'in the background, until it is stopped'},
    {command: 'eval "$(<%= config.bin %> emulator start --env)"', description: 'and have this shell use it'},
    {command: '<%= config.bin %> emulator start --name ladder --scenario capacity-ladder --seed 7', description: 'a second one, where some accelerators are taken'},
  ]
  static override flags = {
    ...nameFlag,
    ...withEnv({
      env: boolean({summary: 'print lines that set the environment, for eval', env: 'CGPU_EMULATOR_ENV', exclusive: ['foreground']}),
      foreground: boolean({summary: 'stay until interrupted'}),
      'keep-emails': boolean({summary: 'do not replace e-mail addresses in the recording', dependsOn: ['record']}),
      'parent-pid': integer({min: 1, summary: 'end when this process does: of a test runner, a shell', helpValue: 'PID'}),
      port: integer({min: 1, max: 65_535, summary: 'where it listens; default: any free port', helpValue: 'PORT'}),
      record: string({summary: 'hand calls on to --upstream, and keep them without secrets', helpValue: 'FILE', dependsOn: ['upstream'], exclusive: ['replay', 'scenario']}),
      replay: string({summary: 'answer from a recording', helpValue: 'FILE', exclusive: ['scenario']}),
      scenario: string({summary: 'a scenario that comes with it (cgpu emulator scenario list), or a file', helpValue: 'NAME|FILE'}),
      seed: string({summary: 'the same seed gives the same names, tokens and chances', helpValue: 'TEXT'}),
      upstream: string({summary: 'what --record hands calls on to: an origin, or google', helpValue: 'URL', dependsOn: ['record']}),
    }),
  }
  static override seeAlso = ['emulator status', 'emulator stop', 'emulator scenario list']
  static override summary = 'start an emulated Colab on this machine'

  async run(): Promise<RunningEmulator & {name: string}> {
    const {flags} = await this.parse(EmulatorStart)
    const options = this.#options(flags)
    if (flags.scenario !== undefined) {
      // a mistake in it is told here, before a process is started for it
      const {loadScenario} = await import('@cgpu/emulator/scenario/load')
      await loadScenario(options.scenario ?? '')
    }
    if (flags.foreground) return {name: flags.name, ...(await this.#stay(flags.name, options))}
    const {startDaemon} = await import('@cgpu/emulator/daemon')
    const {running, started} = await startDaemon(options)
    const asked = (['port', 'record', 'replay', 'scenario', 'seed'] as const).filter((flag) => flags[flag] !== undefined)
    if (!started && asked.length > 0) this.warn(`the emulator ${flags.name} runs already, so --${asked.join(', --')} changed nothing; stop it first: cgpu emulator stop${option(flags.name)}`)
    if (flags.env) for (const [name, value] of Object.entries(running.env)) this.log(`export ${name}='${value}'`)
    else this.#tell(flags.name, running, started)
    return {name: flags.name, ...running}
  }

  #options({name, port, seed, scenario, record, upstream, replay, 'keep-emails': keepEmails, 'parent-pid': ownerPid}: StartFlags): DaemonOptions {
    const isName = scenario !== undefined && /^[\w-]+$/.test(scenario)
    return {
      folder: this.folderOf(name), port, seed, ownerPid,
      scenario: scenario === undefined || isName ? scenario : resolve(scenario),
      record: record === undefined || upstream === undefined ? undefined : {file: resolve(record), upstream, keepEmails: keepEmails ?? false},
      replay: replay === undefined ? undefined : resolve(replay),
    }
  }

  async #stay(name: string, options: DaemonOptions): Promise<RunningEmulator> {
    const [{announce, findRunning}, {runEmulator}] = await Promise.all([import('@cgpu/emulator/daemon'), import('@cgpu/emulator/run')])
    const before = await findRunning(options.folder)
    if (before) {
      throw errors.conflict(`the emulator ${name} runs already, as process ${before.pid}`, {code: 'EMULATOR_RUNNING', fix: `stop it first: cgpu emulator stop${option(name)}`})
    }
    const emulator = await runEmulator(options)
    const running = await announce(emulator)
    this.#tell(name, running, true)
    await emulator.closed
    return running
  }

  #tell(name: string, running: RunningEmulator, started: boolean): void {
    this.log(`emulator ${name} ${started ? 'runs' : 'runs already'} at ${running.url} (${sanitizeLine(running.scenario)})`)
    this.notice(`use it in this shell: eval "$(cgpu emulator start${option(name)} --env)"`)
    this.notice(`or sign in: CGPU_COLAB_EMULATOR=${running.url} cgpu auth login --client-config ${running.clientConfig}`)
  }
}

/** What follows a command that is about the emulator of this name. */
const option = (name: string): string => (name === 'default' ? '' : ` --name ${name}`)

interface StartFlags {
  name: string
  port?: number | undefined
  seed?: string | undefined
  scenario?: string | undefined
  record?: string | undefined
  upstream?: string | undefined
  replay?: string | undefined
  'keep-emails'?: boolean | undefined
  'parent-pid'?: number | undefined
}
