import {homedir} from 'node:os'
import * as Args from '@oclif/core/args'
import type {Command} from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import type {ArgInput, FlagInput} from '@oclif/core/interfaces'
import {errors} from '@cgpu/core/errors'
import type {JsonObject} from '@cgpu/core/state/json'
import {CgpuCommand, takeEarlyWarnings} from '@cgpu/plugin-sdk'
import type {Broker, Sandbox} from '@cgpu/plugins/sandbox/session'
import type {StaticCommand, StaticInput} from '@cgpu/plugins/sandbox/static-plugin'
import {type Held, own} from './stand-in.ts'

const maxOutputBytes = 64 * 1024 * 1024
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A command of an untrusted plugin: parsed here, run in its sandbox. */
abstract class SandboxedCommand extends CgpuCommand {
  protected abstract readonly held: Held
  protected abstract readonly command: StaticCommand

  async run(): Promise<unknown> {
    const given = await this.#given()
    const [{Sandbox: Child}, {meansHere}] = await Promise.all([import('@cgpu/plugins/sandbox/session'), import('@cgpu/plugins/sandbox/enforcement')])
    const {name, root, terms} = this.held
    const abort = new AbortController()
    const sandbox = await Child.start({
      name, root, terms, means: meansHere(), maxOutputBytes, stdout: this.jsonEnabled() ? process.stderr : process.stdout, stderr: process.stderr,
      broker: async (method, params, signal) => (await this.#services(abort.signal))(method, params, signal), onTold: (kind, message) => this.#hear(kind, message),
    })
    try {
      return await this.#watched(sandbox, abort, sandbox.command(this.command.file, given))
    } finally {
      sandbox.kill()
    }
  }

  async #given(): Promise<JsonObject> {
    const {id, remoteArgs} = this.command
    const shared = {id, version: this.config.version, argv: this.argv, json: this.jsonEnabled(), quiet: this.quiet, verbose: this.verbose}
    if (remoteArgs) {
      const {flags, metadata, rest, separator} = await this.parseRemote(this.ctor)
      return {...shared, flags: given(flags, metadata.flags), args: {}, rest, separator}
    }
    const {flags, args, argv, metadata} = await this.parse(this.ctor)
    return {...shared, flags: given(flags, metadata.flags), args, rest: argv, separator: false}
  }

  /** Ctrl-C, a closed terminal and the end of this process end the plugin at once; what cgpu does for it on a machine is interrupted. */
  async #watched<T>(sandbox: Sandbox, abort: AbortController, work: Promise<T>): Promise<T> {
    const {promise: stopped, reject} = Promise.withResolvers<never>()
    const kill = (): void => sandbox.kill()
    const stop = (signal: NodeJS.Signals): void => {
      abort.abort()
      kill()
      reject(errors.interrupted('interrupted', {code: 'INTERRUPTED', details: {signal}}))
    }
    for (const signal of signals) process.on(signal, stop)
    process.once('exit', kill)
    try {
      return await Promise.race([work, stopped])
    } finally {
      for (const signal of signals) process.off(signal, stop)
      process.off('exit', kill)
      work.catch(() => {}) // it was ended, and said so
    }
  }

  #opened: Promise<Broker> | undefined

  #services(signal: AbortSignal): Promise<Broker> {
    return (this.#opened ??= this.#open(signal))
  }

  async #open(signal: AbortSignal): Promise<Broker> {
    const [{answerCall}, {PluginServices}, {grantsOf}] = await Promise.all([import('@cgpu/plugins/sandbox/broker/broker'), import('./services.ts'), import('./grants.ts')])
    const granted = await grantsOf(this.held, this.config.dataDir)
    for (const warning of takeEarlyWarnings()) this.warn(warning)
    const services = new PluginServices(this.config, {warn: (text) => void this.warn(text), notice: (text) => this.notice(text), signal})
    const options = {plugin: this.held.name, granted, services, cwd: process.cwd(), home: homedir(), env: process.env}
    return (method, params, waiting) => answerCall(method, params, options, waiting)
  }

  /** What the plugin tells about its work. All of it is text of somebody else. */
  #hear(kind: string, message: JsonObject): void {
    const text = typeof message['text'] === 'string' ? message['text'].slice(0, 10_000) : ''
    if (kind === 'warn') this.warn(text)
    else if (kind === 'notice') this.notice(text)
    else if (kind === 'trace') this.trace(text)
    else if (kind === 'status' && Number.isInteger(message['status'])) this.exitWith(Number(message['status']) & 0xff)
  }
}

/** What was typed. Defaults are the plugin's own to find. */
function given(flags: Readonly<Record<string, unknown>>, metadata: Readonly<Record<string, {setFromDefault?: boolean | undefined} | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => metadata[name]?.setFromDefault !== true))
}

/** A command class for oclif. */
export function commandClass(held: Held, command: StaticCommand): Command.Class {
  const made = class extends SandboxedCommand {
    static override id = command.id
    static override aliases = command.aliases
    static override args = inputs(command.args, Args.string, Args.boolean) as ArgInput // those builders made them
    static override examples = command.examples
    static override flags = inputs(own(command.flags), Flags.string, Flags.boolean) as FlagInput // as above
    static override hidden = command.hidden
    static override remoteArgs = command.remoteArgs
    static override strict = command.strict
    protected override readonly held = held
    protected override readonly command = command
  }
  return made
}

function inputs(all: readonly StaticInput[], text: (options: never) => unknown, yes: (options: never) => unknown): Record<string, unknown> {
  return Object.fromEntries(all.map(({name, isSwitch, settings}) => [name, (isSwitch ? yes : text)(settings as never)]))
}
