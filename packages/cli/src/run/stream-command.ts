import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, ExitCode} from '@cgpu/core/errors'
import type {EventListener} from '@cgpu/core/execution/events'
import {resolveDirs} from '@cgpu/core/state/dirs'
import type {Begun} from '../history/begun.ts'
import type {Ended, RecorderOptions} from '../history/record.ts'
import {WorkCommand} from '../work-command.ts'
import {CaptureSink, type Captured} from '../stream/capture-sink.ts'
import type {EventSink} from '../stream/sink.ts'

export type CommandSink = EventSink & {kind: 'text' | 'json' | 'ndjson'; captured?: () => Captured}

export interface Interruption {
  /** what the first Ctrl-C does; absent: it leaves */
  first?: () => Promise<void>
  /** what is said when it is left; asked then, as it depends on how far the work is */
  leave: (signal: string) => string
}

/** The base of commands that stream a remote program's output. */
export abstract class StreamCommand<T = unknown> extends WorkCommand<T> {
  #sink: CommandSink | undefined
  /** hears of every event, besides the sink */
  #listener: EventListener | undefined
  readonly #openedAt = performance.now()

  /** Where the events go: `--json` collects, `--output ndjson` prints a line an event, else people read along. */
  protected async sink(options: {output: string | undefined; imageDir: string}): Promise<CommandSink> {
    const sink = onceEnded(await this.#makeSink(options))
    void import('../history/record.ts').then(({prepare}) => prepare()) // while the machine is waited for
    this.#sink = {
      ...sink,
      onEvent: (event) => {
        void this.#listener?.(event)
        return sink.onEvent(event)
      },
    }
    return this.#sink
  }

  async #makeSink({output, imageDir}: {output: string | undefined; imageDir: string}): Promise<CommandSink> {
    if (this.jsonEnabled()) {
      const capture = new CaptureSink((message) => void this.warn(message))
      return {kind: 'json', onEvent: capture.onEvent, end: () => capture.end(), captured: () => capture.result()}
    }
    if (output === 'ndjson') {
      const {NdjsonSink} = await import('../stream/ndjson-sink.ts')
      const lines = new NdjsonSink()
      return {kind: 'ndjson', onEvent: lines.onEvent, end: (finish) => lines.end(finish)}
    }
    const [{TextSink}, {Progress}] = await Promise.all([import('../stream/text-sink.ts'), import('../render/progress.ts')])
    const text = new TextSink({quiet: this.quiet, progress: new Progress({quiet: this.quiet}), imageDir})
    return {kind: 'text', onEvent: text.onEvent, end: () => text.end()}
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

  /** Tells the history how a job ended that another process began. */
  protected async recordedEnd(cgpu: Cgpu, id: string, result: Ended): Promise<void> {
    if (!cgpu.settings.on('history')) return
    const {recordJobEnd} = await import('../history/record.ts')
    await recordJobEnd(id, result, this.#recorderOptions())
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
    let asked = false
    return new Promise<R>((resolve, reject) => {
      const left = (exit: number, signal: string): void =>
        reject(new CgpuError(`left; ${leave(signal)}`, {code: 'INTERRUPTED', category: 'runtime', exit, details: {signal}}))
      const onInt = (): void => {
        if (asked || !first) return left(ExitCode.interrupted, 'SIGINT')
        asked = true
        this.notice('interrupting; Ctrl-C again leaves')
        first().catch(() => undefined)
      }
      const onTerm = (): void => left(143, 'SIGTERM')
      const onHup = (): void => left(129, 'SIGHUP')
      const onPipe = (): void => left(141, 'SIGPIPE')
      const off = (): void => {
        process.off('SIGINT', onInt).off('SIGTERM', onTerm).off('SIGHUP', onHup)
        process.off('cgpu:stdout-closed', onPipe) // bin/run.js emits it; node's types know only its own events
      }
      process.on('SIGINT', onInt).on('SIGTERM', onTerm).on('SIGHUP', onHup)
      process.on('cgpu:stdout-closed' as 'exit', onPipe)
      work.then(resolve, reject).finally(off)
    })
  }

  /** A remote failure as the JSON error: the program's own status, and the whole result in its details. */
  protected failWith(exit: number, message: string, code: string, details: Record<string, unknown>): never {
    throw new CgpuError(message, {code, category: 'code', exit, details, fix: 'see the output in error.details'})
  }
}

/** Ending it again does nothing: a command ends it with its result, or the report of an error does. Nothing comes after the end. */
function onceEnded(sink: CommandSink): CommandSink {
  let ended = false
  return {
    ...sink,
    onEvent: (event) => (ended ? undefined : sink.onEvent(event)),
    end: async (finish) => {
      if (ended) return
      ended = true
      await sink.end(finish)
    },
  }
}
