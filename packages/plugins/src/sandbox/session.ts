import type {Writable} from 'node:stream'
import {CgpuError, type ErrorCategory, errorCategories, errors, ExitCode} from '@cgpu/core/errors'
import {isObject, type JsonObject} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import {Channel} from './channel.ts'
import {type Means, networkDenied} from './enforcement.ts'
import {launch, type Launched} from './launch.ts'
import type {SandboxTerms} from './levels.ts'
import {passOn} from './output.ts'
import {type Reach, reachOf} from './reach.ts'

/** Answers what the plugin asks for. `signal`: it waits no more. Throws what it is to be told. */
export type Broker = (method: string, params: unknown, signal: AbortSignal) => Promise<unknown>

export interface SandboxOptions {
  name: string
  root: string
  terms: SandboxTerms
  means: Means
  broker: Broker
  stdout: Writable
  stderr: Writable
  /** of each stream; the plugin is ended when it prints more */
  maxOutputBytes: number
  /** `warn`, `notice`, `trace`, `status` */
  onTold: (kind: string, message: JsonObject) => void
}

const startMs = 10_000
/** after its result, to end by itself */
const endMs = 1_000
const maxCalls = 64

/** An untrusted plugin's process. Nothing of the plugin runs before `command` or `hook`. */
export class Sandbox {
  readonly #options: SandboxOptions
  readonly #child: Launched
  readonly #channel: Channel
  readonly #ready = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<Error>()
  readonly #result = Promise.withResolvers<unknown>()
  readonly #hooks = new Map<number, PromiseWithResolvers<unknown>>()
  #hookCalls = 0
  /** what it waits for */
  readonly #calls = new Map<number, AbortController>()
  #started = false
  #why: string | undefined
  #stderr = ''
  readonly #onStderr = (chunk: Buffer): void => void (this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(0, 1000))

  private constructor(options: SandboxOptions, reach: Reach) {
    this.#options = options
    const {root, means} = options
    this.#child = launch(root, reach, means)
    const {process: child, channel} = this.#child
    this.#channel = new Channel(channel, message => this.#take(message), why => this.#end(why))
    child.stderr?.on('data', this.#onStderr)
    for (const {promise} of [this.#ready, this.#ended, this.#result]) promise.catch(() => {}) // whoever waits is told
    const over = (status: number | null, signal: string | null): void => {
      if (this.#why === undefined && status === 0) this.#result.resolve(undefined)
      const error = this.#problem(status, signal)
      this.#ended.resolve(error)
      for (const waiting of [this.#ready, this.#result, ...this.#hooks.values()]) waiting.reject(error)
    }
    child.once('close', over)
    child.once('error', () => over(null, null))
  }

  /** Throws SANDBOX_NETWORK (64), SANDBOX_LINK (65), SANDBOX_FAILED (65). */
  static async start(options: SandboxOptions): Promise<Sandbox> {
    const {name, root, terms, means} = options
    if (!networkDenied(means) && !terms.acceptsNetwork) throw networkOpen(name, means)
    // a plugin's process may send this one SIGUSR1, which would open Node's debugger to it
    if (process.platform !== 'win32' && process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => {})
    const sandbox = new Sandbox(options, reachOf(root, name))
    const late = setTimeout(() => sandbox.#end(`did not start within ${startMs / 1000} s`), startMs)
    try {
      await sandbox.#ready.promise
      return sandbox
    } catch (error) {
      // what comes before the plugin's code is ours: bubblewrap is there, and the system (a container, mostly) does not let it work
      if (means.bwrap === undefined || sandbox.#why !== undefined) throw error
      return await Sandbox.start({...options, means: {...means, bwrap: undefined}})
    } finally {
      clearTimeout(late)
    }
  }

  /** What the command returns. `given`: what the host parsed. */
  async command(file: string, given: JsonObject): Promise<unknown> {
    this.#channel.send({do: 'command', root: this.#options.root, file, given})
    try {
      const result = await this.#result.promise
      await this.#leave()
      return result
    } catch (error) {
      await this.#leave()
      throw error
    }
  }

  /** What the hook returns. One that takes longer than `ms` ends the whole process: it may hang in a loop. */
  async hook(event: string, files: readonly string[], options: JsonObject, ms: number): Promise<unknown> {
    const id = ++this.#hookCalls
    const waiting = Promise.withResolvers<unknown>()
    this.#hooks.set(id, waiting)
    this.#channel.send({do: 'hook', id, root: this.#options.root, files: [...files], event, options})
    const late = setTimeout(() => this.#end(`took too long in ${event}`), ms)
    try {
      return await waiting.promise
    } finally {
      clearTimeout(late)
      this.#hooks.delete(id)
    }
  }

  get alive(): boolean {
    return this.#child.process.exitCode === null && this.#child.process.signalCode === null && this.#why === undefined
  }

  /** Whatever it does. */
  kill(): void {
    this.#child.kill()
  }

  /** Lets this process end before the plugin's does. */
  unref(): void {
    const {process: child, channel} = this.#child
    child.unref()
    for (const stream of [channel, child.stdout, child.stderr]) if (stream && 'unref' in stream && typeof stream.unref === 'function') stream.unref()
  }

  #end(why: string): void {
    this.#why ??= why
    this.kill()
  }

  async #leave(): Promise<void> {
    const late = setTimeout(() => this.kill(), endMs)
    await this.#ended.promise
    clearTimeout(late)
  }

  #take(message: JsonObject): void {
    const {type, id} = message
    if (type === 'ready') {
      if (!this.#started) this.#passOutputOn()
      this.#started = true
      this.#ready.resolve()
    } else if (type === 'result') this.#result.resolve(message['result'])
    else if (type === 'failed') this.#fail(message['error'])
    else if (type === 'hooked' && typeof id === 'number') {
      const waiting = this.#hooks.get(id)
      if (isObject(message['error'])) waiting?.reject(failureOf(message['error'], this.#options.name))
      else waiting?.resolve(message['result'])
    } else if (type === 'call' && typeof id === 'number' && typeof message['method'] === 'string') void this.#answer(id, message['method'], message['params'])
    else if (type === 'cancel' && typeof id === 'number') this.#calls.get(id)?.abort()
    else if (typeof type === 'string') this.#options.onTold(type, message)
  }

  /** What was printed before is Node's or bubblewrap's. */
  #passOutputOn(): void {
    const {stdout, stderr, maxOutputBytes: maxBytes} = this.#options
    const {process: child} = this.#child
    const onFlood = (): void => this.#end(`printed more than ${maxBytes} bytes`)
    child.stderr?.off('data', this.#onStderr)
    if (child.stdout) passOn(child.stdout, stdout, {maxBytes, onFlood})
    if (child.stderr) passOn(child.stderr, stderr, {maxBytes, onFlood})
  }

  /** Of the command, or of a hook that left something behind. */
  #fail(error: unknown): void {
    const failure = failureOf(isObject(error) ? error : {}, this.#options.name)
    this.#result.reject(failure)
    for (const waiting of this.#hooks.values()) waiting.reject(failure)
  }

  async #answer(id: number, method: string, params: unknown): Promise<void> {
    if (this.#calls.size >= maxCalls || this.#calls.has(id)) return this.#end(`asked for more than ${maxCalls} things at once`)
    const abort = new AbortController()
    this.#calls.set(id, abort)
    try {
      this.#channel.send({answer: id, result: (await this.#options.broker(method, params, abort.signal)) ?? null})
    } catch (error) {
      const {message, code, exit, fix, category, retryable} = error instanceof CgpuError ? error : errors.data('cgpu could not do it', {code: 'SANDBOX_CALL'})
      this.#channel.send({answer: id, error: {message, code, exit, category, retryable, ...(fix === undefined ? {} : {fix})}})
    } finally {
      this.#calls.delete(id)
    }
  }

  #problem(status: number | null, signal: string | null): Error {
    const name = sanitizeLine(this.#options.name, 100)
    const how = this.#why ?? (signal === null ? `ended with status ${status ?? 'unknown'}` : `was ended by ${signal}`)
    if (!this.#started && this.#why === undefined) {
      return errors.data(`the sandbox for ${name} could not be started: ${sanitizeLine(this.#stderr.trim(), 300) || how}`, {code: 'SANDBOX_FAILED', category: 'plugin', fix: 'see docs/plugins-sandbox.md'})
    }
    // 134: Node ran out of memory, seen from outside of bubblewrap
    const byItself = this.#why === undefined && signal === null && status !== 134
    const fix = byItself ? 'report it to its author' : 'its memory and its output are limited: see docs/plugins-sandbox.md'
    return errors.data(`${name} ${how}`, {code: 'PLUGIN_ENDED', category: 'plugin', fix, details: {plugin: name, exitStatus: status, signal}})
  }
}

function networkOpen(plugin: string, {platform}: Means): CgpuError {
  const name = sanitizeLine(plugin, 100)
  const way = platform === 'linux' ? 'install bubblewrap (apt-get install bubblewrap), or use Node 26 or later' : 'use Node 26 or later'
  return errors.usage(`${name} is not trusted, and its network access cannot be denied on this machine: it is not run`, {
    code: 'SANDBOX_NETWORK', category: 'plugin', fix: `${way}; or accept that it uses the network: cgpu plugins trust ${name} --accept-network`, details: {plugin: name},
  })
}

/** What the plugin threw, with nothing in it that is not plain. A bug of the plugin's is not one of cgpu's. */
function failureOf({message, code, exit, fix, category, retryable, name}: JsonObject, plugin: string): Error {
  const text = sanitizeLine(typeof message === 'string' ? message : 'it failed', 1000)
  const status = typeof exit === 'number' && Number.isInteger(exit) && exit >= 0 && exit < 256 ? exit : undefined
  if (code === 'EEXIT') return Object.assign(new Error(text), {code, oclif: {exit: status ?? 0}})
  const known = errorCategories.find(one => one === category) satisfies ErrorCategory | undefined
  if (status === undefined) {
    const kind = typeof name === 'string' && name !== 'Error' ? `${sanitizeLine(name, 60)}: ` : ''
    return new CgpuError(`${sanitizeLine(plugin, 100)} failed: ${kind}${text}`, {code: 'PLUGIN_FAILED', category: 'plugin', exit: ExitCode.data, fix: 'report it to its author', details: {plugin}})
  }
  return new CgpuError(text, {
    code: typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'COMMAND_FAILED', category: known ?? 'plugin', exit: status, retryable: retryable === true,
    ...(typeof fix === 'string' ? {fix: sanitizeLine(fix, 500)} : {}),
  })
}
