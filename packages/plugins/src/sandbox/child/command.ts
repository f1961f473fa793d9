import {type Definition, valuesOf} from './definitions.ts'
import {tell} from './host.ts'
import type {Given} from './main.ts'

interface Statics {
  baseFlags?: Record<string, Definition>
  flags?: Record<string, Definition>
  args?: Record<string, Definition>
}

interface Options {
  flags?: Record<string, Definition>
  args?: Record<string, Definition>
}

class ExitError extends Error {
  readonly code = 'EEXIT'
  readonly oclif: {exit: number}

  constructor(status: number) {
    super(`EEXIT: ${status}`)
    this.oclif = {exit: status}
  }
}

let given: Given | undefined

/** Stands in for oclif's Command, as far as a command without the rest of cgpu can be one. */
export class Command {
  static baseFlags: Record<string, Definition> = {}
  static flags: Record<string, Definition> = {}
  static args: Record<string, Definition> = {}
  static id = ''

  readonly argv: string[]
  readonly config: Record<string, unknown>
  readonly id: string
  readonly #given: Given

  constructor(argv: string[] = [], config: Record<string, unknown> = {}) {
    if (!given) throw new Error('a command is made by cgpu')
    this.#given = given
    this.argv = argv
    this.config = config
    this.id = given.id
  }

  static async run(this: new (argv: string[], config: Record<string, unknown>) => Command, argv: string[] = []): Promise<unknown> {
    return new this(argv, configOf(given)).execute()
  }

  get ctor(): Statics {
    return this.constructor as Statics
  }

  async run(): Promise<unknown> {
    return undefined
  }

  async execute(): Promise<unknown> {
    let failure: Error | undefined
    try {
      await this.init()
      return await this.run()
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      return await this.catch(failure)
    } finally {
      await this.finally(failure)
    }
  }

  protected async init(): Promise<void> {}

  protected async catch(error: Error): Promise<unknown> {
    throw error
  }

  protected async finally(_error: Error | undefined): Promise<void> {}

  protected async parse(options: Options = {}): Promise<{flags: Record<string, unknown>; args: Record<string, unknown>; argv: string[]; metadata: {flags: Record<string, unknown>}}> {
    const statics = this.ctor
    const {flags: flagValues, args: argValues, json, quiet, verbose, rest} = this.#given
    const flags = await valuesOf({sign: '--', id: this.id}, {...statics.baseFlags, ...(options.flags ?? statics.flags)}, flagValues, this)
    const args = await valuesOf({sign: '', id: this.id}, options.args ?? statics.args ?? {}, argValues, this)
    return {flags: {json, quiet, verbose, ...flags}, args, argv: rest, metadata: {flags: {}}}
  }

  protected async parseRemote(options: Options = {}): Promise<{flags: Record<string, unknown>; rest: string[]; separator: boolean; metadata: {flags: Record<string, unknown>}}> {
    const {flags, metadata} = await this.parse({...options, args: {}})
    return {flags, metadata, rest: this.#given.rest, separator: this.#given.separator}
  }

  log(message = '', ...args: unknown[]): void {
    if (!this.jsonEnabled()) console.log(message, ...args)
  }

  logToStderr(message = '', ...args: unknown[]): void {
    if (!this.jsonEnabled()) console.error(message, ...args)
  }

  warn(input: Error | string): Error | string {
    tell({type: 'warn', text: typeof input === 'string' ? input : input.message})
    return input
  }

  error(input: Error | string, options: {exit?: number | false; code?: string} = {}): never {
    const {exit = 2, code} = options
    throw Object.assign(typeof input === 'string' ? new Error(input) : input, {oclif: {exit}, ...(code === undefined ? {} : {code})})
  }

  exit(status = 0): never {
    throw new ExitError(status)
  }

  jsonEnabled(): boolean {
    return this.#given.json
  }

  protected get quiet(): boolean {
    return this.#given.quiet
  }

  protected get verbose(): boolean {
    return this.#given.verbose
  }
}

/** Of oclif's config what tells nothing of the user's computer. */
function configOf(of: Given | undefined): Record<string, unknown> {
  return {name: 'cgpu', bin: 'cgpu', version: of?.version ?? '', topicSeparator: ' ', platform: process.platform, arch: process.arch, plugins: new Map(), pjson: {oclif: {}}}
}

/** Runs a class with a `run`: a command, or one with a static `run` of its own. */
export async function runCommand(command: {prototype: unknown; run?: (argv: string[], config: unknown) => unknown} & (new (argv: string[], config: unknown) => unknown), of: Given): Promise<unknown> {
  given = of
  if (command.prototype instanceof Command) return new (command as unknown as new (argv: string[], config: unknown) => Command)(of.argv, configOf(of)).execute()
  if (typeof command.run === 'function') return command.run(of.argv, configOf(of))
  const made = new command(of.argv, configOf(of)) as {run(): unknown} // found by this method
  return made.run()
}
