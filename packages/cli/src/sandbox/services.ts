import type {Config} from '@oclif/core/config'
import type {Cgpu} from '@cgpu/core/cgpu'
import {callCgpu} from '@cgpu/plugin-sdk'
import type {Services} from '@cgpu/plugins/sandbox/broker/broker'
import {StreamCommand} from '../run/stream-command.ts'
import {openSecrets} from '../run/secrets.ts'

interface Ways {
  warn(text: string): void
  notice(text: string): void
  /** the command was ended */
  signal: AbortSignal
}

/** What a plugin may ask of cgpu, done with the user's settings. */
export class PluginServices extends StreamCommand<void> implements Services {
  readonly #ways: Ways
  #cgpu: Promise<Cgpu> | undefined

  constructor(config: Config, ways: Ways) {
    super([], config)
    this.#ways = ways
  }

  async run(): Promise<void> {}

  override warn(input: Error | string): Error | string {
    this.#ways.warn(typeof input === 'string' ? input : input.message)
    return input
  }

  override notice(text: string): void {
    this.#ways.notice(text)
  }

  call(args: readonly string[], {input, signal}: {input: string; signal: AbortSignal}): Promise<unknown> {
    return callCgpu(args, {input, signal: AbortSignal.any([signal, this.#ways.signal])})
  }

  async runtime(): Promise<string> {
    return (await (await this.#opened()).runtimes.select()).name
  }

  async secret(name: string): Promise<string | undefined> {
    return openSecrets(this.secretPlaces(await this.#opened())).find(name)
  }

  #opened(): Promise<Cgpu> {
    return (this.#cgpu ??= this.open({}))
  }
}
