import {Command} from '@oclif/core/command'
import {boolean} from '@oclif/core/flags'
import type {ArgInput, FlagInput, Input, OutputArgs, OutputFlags, ParserOutput} from '@oclif/core/interfaces'
import type {CgpuError} from '@cgpu/core/errors'
import {isOwnFailure, leaveDebugLog, traces} from './debug-log.ts'
import {takeEarlyWarnings} from './early-warnings.ts'
import {success} from './envelope.ts'
import {envArguments, isTruthy, withEnv} from './env-flags.ts'
import {exitRequest, exitStatus, toCgpuError} from './problem.ts'
import {splitRemoteArgs, type SplitArgs} from './remote-args.ts'
import {reportError} from './report.ts'
import {inert} from './text.ts'

type FlagOutput = OutputFlags<FlagInput>
type ArgOutput = OutputArgs<ArgInput>

const group = {helpGroup: 'GLOBAL'}

/** The flags that every command has. */
export const globalFlags = withEnv({
  json: boolean({...group, summary: 'print one JSON object, also on failure'}),
  quiet: boolean({...group, char: 'q', summary: 'print results and errors only'}),
  verbose: boolean({...group, char: 'v', summary: 'explain what happens, with redacted wire traces and stacks'}),
})

/** A program and its arguments as they stand on the command line, with cgpu's own flags parsed. */
export type RemoteParse<F extends FlagOutput, B extends FlagOutput> = Pick<ParserOutput<F, B>, 'flags' | 'metadata'> & Omit<SplitArgs, 'own'>

/** oclif takes what is piped in for an argument that is missing. With cgpu stdin is the program's, or a value that `-` asks for. */
function leaveStdin<F extends FlagOutput, B extends FlagOutput, A extends ArgOutput>(options: Input<F, B, A>): Input<F, B, A> {
  const args = Object.fromEntries(Object.entries(options.args ?? {}).map(([name, arg]) => [name, {...arg, ignoreStdin: true}]))
  // what a class inherits is not its own property: a spread would lose it
  const {baseFlags, enableJsonFlag, flags, strict} = options
  return {...options, baseFlags, enableJsonFlag, flags, strict, args} as Input<F, B, A> // as it was, but for stdin
}

/**
 * The base of every command. `run` returns the value that `--json` prints in the envelope; text goes through `log`.
 * A thrown CgpuError becomes its message, its fix and its exit status; anything else is reported as a bug (exit 70).
 */
export abstract class CgpuCommand<T = unknown> extends Command {
  static override baseFlags: FlagInput = globalFlags
  static override enableJsonFlag = true
  /** True where everything behind the first positional argument or `--` belongs to a remote program. */
  static remoteArgs = false
  /** True where plugins have no say: it works also when one of them is broken. */
  static standalone = false
  /** Commands for the SEE ALSO of its help, without `cgpu`: `runtime list`. */
  static seeAlso: string[] = []
  /** True where `this.config` must be oclif's whole one: all plugins, all commands. */
  static fullConfig = false

  readonly #warnings: string[] = []
  #answered = false
  #own: string[] | undefined
  #explains: boolean | undefined
  #failure: CgpuError | undefined
  /** as typed: oclif's parser puts what it parsed in its place */
  readonly #typed: readonly string[] = [...this.argv]

  abstract override run(): Promise<T>

  /** Runs the command whole: parse, run, report. For the CLI's own entry point. */
  async execute(): Promise<void> {
    await this._run()
  }

  protected override async _run<R>(): Promise<R> {
    const result = await super._run<R>()
    if (!this.#answered && this.jsonEnabled()) this.logJson(this.toSuccessJson(result))
    const failed = this.#failure !== undefined && isOwnFailure(Number(process.exitCode ?? 0))
    if ((failed || this.#verbose) && this.leavesDebugLog) await this.#leaveDebugLog()
    return result
  }

  protected override async init(): Promise<void> {
    for (const message of takeEarlyWarnings()) this.warn(message)
    await super.init()
  }

  /** Reports and sets the exit status; the error ends here, so that nothing else prints it again. */
  protected override async catch(thrown: Error): Promise<void> {
    this.parsed = true
    const leave = exitRequest(thrown)
    if (leave !== undefined) {
      process.exitCode = leave
      return
    }
    const error = toCgpuError(thrown, {command: this.#spokenName(), flagNames: Object.keys(this.#flags())})
    process.exitCode = exitStatus(error)
    const verbose = this.#has('verbose', 'v')
    const json = this.jsonEnabled()
    this.#answered = true
    this.#failure = error
    reportError(error, {command: this.id ?? '', json, verbose, warnings: this.#warnings})
  }

  /** Lets a remote program's status be cgpu's own: `run` still returns its result. */
  protected exitWith(status: number): void {
    process.exitCode = status
  }

  /** A line of the result on stdout; with --json nothing, as the envelope is the result. */
  override log(message = ''): void {
    if (!this.jsonEnabled()) process.stdout.write(`${message}\n`)
  }

  protected override warnIfCommandDeprecated(): void {
    // oclif's resolves every command id to find out; only a deprecated one is worth that
    if (this.ctor.state === 'deprecated' || this.ctor.deprecateAliases) super.warnIfCommandDeprecated()
  }

  override jsonEnabled(): boolean {
    return this.#has('json')
  }

  protected get quiet(): boolean {
    return this.#has('quiet', 'q')
  }

  protected get verbose(): boolean {
    return this.#has('verbose', 'v')
  }

  /** A line for people on stderr: not with --quiet, not with --json. */
  protected notice(message: string): void {
    if (!this.quiet && !this.jsonEnabled()) process.stderr.write(`${inert(message)}\n`)
  }

  /** False for commands that show debug logs: theirs would push out those that are looked for. */
  protected get leavesDebugLog(): boolean {
    return true
  }

  /** True where what follows the first positional argument is code or a program: it is kept apart in debug logs. */
  protected get carriesCode(): boolean {
    return (this.ctor as unknown as typeof CgpuCommand).remoteArgs // typed as oclif's; `remoteArgs` is ours
  }

  /** A line on stderr with --verbose, and in the debug log. */
  protected trace(message: string): void {
    traces.push(message)
    if (this.#verbose) process.stderr.write(`${inert(message)}\n`)
  }

  override warn(input: Error | string): Error | string {
    const message = inert(typeof input === 'string' ? input : input.message)
    this.#warnings.push(message)
    traces.push(`warning: ${message}`)
    if (!this.jsonEnabled() && !this.quiet) process.stderr.write(`warning: ${message}\n`)
    return input
  }

  protected override logJson(json: unknown): void {
    this.#answered = true
    process.stdout.write(`${JSON.stringify(json)}\n`)
  }

  protected override toSuccessJson(result: unknown): unknown {
    return success(this.id ?? '', result ?? null, this.#warnings)
  }

  protected override toErrorJson(thrown: unknown): never {
    // oclif's own would serialise the parser's context: this command, the config, package.json. `catch` reports instead.
    throw thrown
  }

  protected override async parse<F extends FlagOutput, B extends FlagOutput, A extends ArgOutput>(
    options?: Input<F, B, A>,
    argv: string[] = this.argv,
  ): Promise<ParserOutput<F, B, A>> {
    return super.parse<F, B, A>(leaveStdin(options ?? (this.ctor as unknown as Input<F, B, A>)), [...envArguments(this.#flags(), argv), ...argv]) // a command is its own input
  }

  /** For `remoteArgs` commands: parses cgpu's flags and hands the program and its arguments over untouched. */
  protected async parseRemote<F extends FlagOutput, B extends FlagOutput>(options: Input<F, B, ArgOutput>): Promise<RemoteParse<F, B>> {
    const {own, rest, separator} = splitRemoteArgs(this.argv, this.#flags())
    // what a class inherits is not its own property: a spread would lose the global flags
    const baseFlags = this.ctor.baseFlags as NonNullable<Input<F, B, ArgOutput>['baseFlags']> // typed as any command's
    const {flags, metadata} = await this.parse<F, B, ArgOutput>({...options, args: {}, baseFlags}, own)
    return {flags, metadata, rest, separator}
  }

  /** The value of a flag before (or without) parsing: from cgpu's own arguments, else from its variable. */
  protected ownFlagValue(name: string): string | undefined {
    const own = this.#ownArgv()
    const last = own.findLastIndex((token) => token === `--${name}` || token.startsWith(`--${name}=`))
    const token = own[last]
    if (token !== undefined) return token.includes('=') ? token.slice(token.indexOf('=') + 1) : own[last + 1]
    const variable = this.#flags()[name]?.env
    return variable === undefined ? undefined : process.env[variable] || undefined
  }

  #flags(): FlagInput {
    const ctor = this.ctor
    return {...ctor.baseFlags, ...ctor.flags}
  }

  /** What is certainly cgpu's part of argv, known before and without parsing, so that errors of parsing obey --json. */
  #ownArgv(): string[] {
    if (this.#own) return this.#own
    let own = this.argv
    const end = own.indexOf('--')
    if (end !== -1) own = own.slice(0, end)
    // the statics of a command are typed as oclif's; `remoteArgs` is ours
    if ((this.ctor as unknown as typeof CgpuCommand).remoteArgs) {
      try {
        own = splitRemoteArgs(this.argv, this.#flags()).own
      } catch {
        // an unknown flag: where the program begins is unclear, so whatever asks for JSON gets it
      }
    }
    return (this.#own = own)
  }

  /** Asked once a line, and a connection traces thousands. */
  get #verbose(): boolean {
    return (this.#explains ??= this.verbose)
  }

  async #leaveDebugLog(): Promise<void> {
    const {dataDir, version} = this.config
    const {own, rest} = this.carriesCode ? this.#splitArgv() : {own: this.#typed, rest: []}
    await leaveDebugLog({command: this.id ?? '', argv: own, program: rest, version, exitStatus: Number(process.exitCode ?? 0), error: this.#failure, dataDir})
  }

  #splitArgv(): {own: readonly string[]; rest: readonly string[]} {
    try {
      return splitRemoteArgs(this.#typed, this.#flags())
    } catch {
      return {own: [], rest: this.#typed} // an unknown flag: where the program begins is unclear
    }
  }

  #has(name: 'json' | 'quiet' | 'verbose', char?: string): boolean {
    const own = this.#ownArgv()
    if (own.includes(`--${name}`)) return true
    if (char !== undefined && own.some((token) => /^-[a-zA-Z]+$/.test(token) && token.includes(char) && this.#onlySwitches(token))) return true
    return isTruthy(process.env[globalFlags[name].env ?? ''])
  }

  /** `-qv` holds switches; the `q` of `-rqueue` is part of a value. */
  #onlySwitches(token: string): boolean {
    const switches = new Set(Object.values(this.#flags()).filter((flag) => flag.type === 'boolean').map((flag) => flag.char as string | undefined)) // a char is a letter
    return token.slice(1).split('').every((letter) => switches.has(letter))
  }

  #spokenName(): string {
    const id = this.id?.replaceAll(':', ' ')
    return id ? `${this.config.bin} ${id}` : this.config.bin
  }
}
