import {CgpuError, ExitCode} from '@cgpu/core/errors'
import {WorkCommand} from '../work-command.ts'
import {type CommandSink, commandSink} from './command-sink.ts'
import {failureOfCode} from './exec-result.ts'
import {interruptible, type Interruption} from './interruptible.ts'

export type {CommandSink} from './command-sink.ts'

/** The base of commands that stream a remote program's output. */
export abstract class StreamCommand<T = unknown> extends WorkCommand<T> {
  #sink: CommandSink | undefined
  readonly #openedAt = performance.now()

  /** Where the events go: `--json` collects, `--output ndjson` prints a line an event, else people read along. */
  protected async sink(options: {output: string | undefined; imageDir: string}): Promise<CommandSink> {
    const kind = this.jsonEnabled() ? 'json' : options.output === 'ndjson' ? 'ndjson' : 'text'
    this.#sink = await commandSink(kind, {quiet: this.quiet, imageDir: options.imageDir, onWarning: (message) => void this.warn(message)})
    return this.#sink
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
