import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, ExitCode} from '@cgpu/core/errors'
import type {EventListener} from '@cgpu/core/execution/events'
import {resolveDirs} from '@cgpu/core/state/dirs'
import type {Begun} from '../history/begun.ts'
import type {Ended, RecorderOptions} from '../history/record.ts'
import {prepareHooks} from '../shell/lean-config.ts'
import {WorkCommand} from '../work-command.ts'
import {type CommandSink, commandSink} from './command-sink.ts'
import {failureOfCode} from './exec-result.ts'
import {interruptible, type Interruption} from './interruptible.ts'

export type {CommandSink} from './command-sink.ts'

/** The base of commands that stream a remote program's output. */
export abstract class StreamCommand<T = unknown> extends WorkCommand<T> {
  #sink: CommandSink | undefined
  /** hears of every event, besides the sink */
  #listener: EventListener | undefined
  readonly #openedAt = performance.now()

  /** Where the events go: `--json` collects, `--output ndjson` prints a line an event, else people read along. */
  protected async sink(options: {output: string | undefined; imageDir: string}): Promise<CommandSink> {
    const kind = this.jsonEnabled() ? 'json' : options.output === 'ndjson' ? 'ndjson' : 'text'
    const sink = await commandSink(kind, {quiet: this.quiet, imageDir: options.imageDir, onWarning: (message) => void this.warn(message)})
    // while the machine is waited for
    void import('../history/record.ts').then(({prepare}) => prepare())
    prepareHooks(this.config, 'execution:', (message) => void this.warn(message))
    this.#sink = {
      ...sink,
      onEvent: (event) => {
        void this.#listener?.(event)
        return sink.onEvent(event)
      },
    }
    return this.#sink
  }

  /** Does the work and keeps it in the history, unless that is off. A history that cannot be written is a warning. */
  protected async recorded<R>(cgpu: Cgpu, begun: Begun, work: () => Promise<R>, ended: (result: R) => Ended): Promise<R> {
    if (!cgpu.settings.on('history')) return work()
    const {Recorder} = await import('../history/record.ts')
    const recorder = await Recorder.begin(begun, this.#recorderOptions())
    this.#listener = recorder.onEvent
    try {
      const result = await work()
      await recorder.ended(ended(result))
      return result
    } catch (error) {
      await recorder.failed(error)
      throw error
    } finally {
      this.#listener = undefined
    }
  }

  #recorderOptions(): RecorderOptions {
    const {configDir, dataDir, cacheDir, version} = this.config
    return {stateDir: resolveDirs(process.env, {configDir, dataDir, cacheDir}).state, version, onWarning: (message) => void this.warn(message)}
  }

  override jsonEnabled(): boolean {
    return super.jsonEnabled() || this.ownFlagValue('output') === 'json'
  }

  protected override notice(message: string): void {
    if (this.#sink?.kind !== 'ndjson') super.notice(message)
  }

  /** What was begun on the terminal is ended before the error is reported; a stream of events always ends with `finished`. */
  protected override async catch(thrown: Error): Promise<void> {
    const sink = this.#sink
    if (sink?.kind === 'text') await sink.end()
    await super.catch(thrown)
    if (sink?.kind !== 'ndjson') return
    const code = thrown instanceof CgpuError ? thrown.code : 'INTERNAL'
    await sink.end({
      id: '', exitStatus: Number(process.exitCode ?? ExitCode.internal), durationSeconds: (performance.now() - this.#openedAt) / 1000,
      status: code === 'INTERRUPTED' ? 'interrupted' : 'error', error: {code, message: thrown.message},
    })
  }

  /** Runs to the end, or until the second Ctrl-C, a SIGTERM, a SIGHUP or a closed stdout, which leave the work as it is. */
  protected async interruptible<R>(work: Promise<R>, {first, leave}: Interruption): Promise<R> {
    return interruptible(work, {...(first ? {first} : {}), leave, notice: (message) => this.notice(message)})
  }

  /** A remote failure as the JSON error: the program's own status, and the whole result in its details. */
  protected failWith(exit: number, message: string, code: string, details: Record<string, unknown>): never {
    throw failureOfCode(exit, message, code, details)
  }
}
