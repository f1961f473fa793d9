import {cgpu, type CgpuCommand, CgpuError, errors, ExitCode, withKernel, writeAtomic} from '@cgpu/plugin-sdk'
import {table} from '@cgpu/plugin-sdk/render'
import {openPlace} from '../addresses/address.ts'
import {askedPlugins} from '../hooks/ask.ts'
import {limitsOf} from '../run/limits.ts'
import type {PerformOptions} from '../run/perform.ts'
import {silentReporter} from '../run/report.ts'
import type {TravelFlags} from '../travel/travel.ts'
import {isDone, keyOf} from './done.ts'
import type {BatchFlags} from './flags.ts'
import {BatchInterrupts} from './interrupts.ts'
import {wordsOfRun} from './given.ts'
import {type PlanFlags, planRuns} from './plan.ts'
import {type Place, runQueue} from './queue.ts'
import {batchFailure, type BatchResult, batchResult, cellsText, failedItself} from './result.ts'
import {type OpenCopy, type Outcome, type PlannedRun, setText} from './run.ts'
import {notBegun, runOne} from './run-one.ts'
import {SharedTravel} from './shared-travel.ts'
import {Sources} from './sources.ts'
import {type BatchTeller, silentTeller} from './tell.ts'

export interface BatchCommandFlags extends BatchFlags, Omit<PlanFlags, keyof BatchFlags>, Omit<PerformOptions['flags'], 'runtime' | 'kernel'>, Omit<TravelFlags, 'cwd'> {
  watch?: boolean
  'keep-kernel'?: boolean
  output?: string | undefined
  'log-output'?: boolean
  'startup-timeout': string
}

export interface BatchHost {
  command: CgpuCommand
  dataDir: string
  /** --json */
  json: boolean
  quiet: boolean
  /** the words of a command line that give these flags */
  words: (flags: Record<string, unknown>) => string[]
}

/** These say that the runtime went, whatever ran on it. */
const goneCodes = ['RUNTIME_RECLAIMED', 'RUNTIME_GONE', 'RUNTIME_UNREACHABLE']
/** These say, before anything ran, that it cannot be used by any run. */
const unusableCodes = ['NOT_FOUND', 'NO_RUNTIME', 'RUNTIME_REQUIRED', 'AMBIGUOUS', 'TOKEN_REFUSED', 'TLS_NOT_TRUSTED', 'REDIRECTED', 'NOT_JUPYTER']

/** Runs many notebooks, or one with many parameter sets; see `docs/notebook-batch.md`. Throws BATCH_FAILED with the status of the first failure, INTERRUPTED, and what `planRuns` does. */
export async function runBatch(notebooks: readonly string[], flags: BatchCommandFlags, host: BatchHost): Promise<BatchResult> {
  refuseOfOne(flags)
  const limits = limitsOf(flags)
  const teller = await tellerFor(flags, host)
  const warn = (message: string): void => {
    teller.clear()
    host.command.warn(message)
  }
  try {
    const {result, outcomes, first} = await runAll({notebooks, flags, limits, host, teller, warn})
    const failure = batchFailure(result, first)
    teller.over({...result, ...(failure ? {error: {code: failure.code, message: failure.message}} : {})})
    if (!host.json && flags.output !== 'ndjson') host.command.log(summary(outcomes))
    if (failure) throw failure
    return result
  } catch (error) {
    const {code, message, exit} = error instanceof CgpuError ? error : {code: 'INTERNAL', message: String(error), exit: ExitCode.internal}
    teller.over({status: 'error', exitStatus: exit, durationSeconds: 0, error: {code, message}})
    throw error
  }
}

function refuseOfOne(flags: BatchCommandFlags): void {
  if (flags.stdin) throw errors.usage('stdin cannot answer several notebooks', {code: 'USAGE', fix: 'leave --stdin out'})
  if (flags.watch) throw errors.usage('one notebook is watched at a time', {code: 'USAGE', fix: 'leave --watch out, or watch each by a command of its own'})
  if (flags['keep-kernel']) throw errors.usage('a batch would keep a kernel for each run', {code: 'USAGE', fix: 'leave --keep-kernel out: --changed, --from-failed and --resume go by the copies without it'})
}

interface Work {
  notebooks: readonly string[]
  flags: BatchCommandFlags
  limits: Pick<PerformOptions, 'cellTimeoutMs' | 'timeoutMs' | 'startTimeoutMs'>
  host: BatchHost
  teller: BatchTeller
  warn: (message: string) => void
}

/** Plans, runs, and writes the reports. */
async function runAll({notebooks, flags, limits, host, teller, warn}: Work): Promise<{result: BatchResult; outcomes: Outcome[]; first: Outcome | undefined}> {
  const started = performance.now()
  const sources = new Sources(host.command)
  const travel = new SharedTravel({flags, warn})
  let leaving: BatchInterrupts | undefined
  const openCopy: OpenCopy = async (address) =>
    (await import('../addresses/remote-copy.ts')).RemoteCopy.open({address, host: host.command, onGiveUp: (listener) => leaving?.onLeave(listener) ?? (() => undefined)})
  const runs = await planRuns(notebooks, flags, {onWarning: warn, sources, openCopy, check: (run) => travel.of(run)})
  const places = await runtimesOf(flags.runtime)
  const parallel = flags.parallel ?? places.length
  if (Math.min(parallel, runs.length) > places.length && flags.fetch?.some((pattern) => !pattern.includes('{'))) warn('runs that share a runtime share its folder, so one may fetch what another wrote: name files by parameters, and fetch those, such as --fetch \'{set}.csv\'')
  const done = flags['skip-done'] ? await doneAlready(runs, {flags, sources, host}) : new Set<PlannedRun>()
  const interrupts = new BatchInterrupts((message) => teller.note('INTERRUPTING', message))
  leaving = interrupts
  let first: Outcome | undefined
  let lost: Outcome | undefined
  try {
    teller.begun(runs.length)
    for (const run of done) teller.ended(skipped(run))
    const results = await runQueue<PlannedRun, Outcome>({
      jobs: runs.filter((run) => !done.has(run)), places, parallel, isLost,
      isStopped: () => interrupts.stopped,
      work: (run, place) => runOne(run, {
        ...limits, flags: {...flags, runtime: place}, dataDir: host.dataDir, asked: (about) => askedPlugins(host.command, about), reporter: teller.reporterOf(run), signals: interrupts.forRun(),
        words: host.words(wordsOfRun(run, flags)), sources, travel, openCopy, notice: (message) => teller.note('NOTICE', `${run.label}: ${message}`),
        warn: (message) => warn(`${run.label}: ${message}`), withKernel: (request, use) => withKernel(host.command, request, use),
      }),
      onLost: (place, left) => teller.note('RUNTIME_LOST', `${place ?? 'the runtime'} cannot be used any more; ${left} left`),
      onBack: (_run, outcome) => teller.again(outcome),
      onResult: (_run, outcome) => {
        if (isLost(outcome)) lost = outcome
        if (failedItself(outcome, interrupts.stopped)) first ??= outcome
        teller.ended(outcome)
        if (flags['fail-fast'] && first) interrupts.stop('another run failed')
      },
    })
    const signalStatus = interrupts.exitStatus
    const reason = signalStatus !== undefined ? 'the batch was interrupted' : interrupts.stopped ? 'another run failed' : `no runtime is left: ${lost?.error?.message ?? 'all were lost'}`
    const outcomes = runs.map((run) => (done.has(run) ? skipped(run) : results.get(run) ?? notBegun(run, 'not-run', reason)))
    for (const outcome of outcomes) if (outcome.status === 'not-run') teller.ended(outcome)
    const result = batchResult({outcomes, first, signalStatus, durationSeconds: (performance.now() - started) / 1000, junit: flags.junit, html: flags.html})
    await writeReports(outcomes, result)
    return {result, outcomes, first}
  } finally {
    interrupts.dispose()
  }
}

async function writeReports(outcomes: readonly Outcome[], result: BatchResult): Promise<void> {
  const {junit, html} = result
  if (junit !== undefined) {
    const [{junitChunks}, {junitOf}] = await Promise.all([import('../junit/junit.ts'), import('./junit-of.ts')])
    await writeAtomic(junit, junitChunks(junitOf(outcomes)), {mode: 0o666, followLink: true})
  }
  if (html !== undefined) {
    const {htmlPage} = await import('./html/page.ts')
    await writeAtomic(html, htmlPage({outcomes, result, at: new Date(), path: html}), {mode: 0o666, followLink: true})
  }
}

function summary(outcomes: readonly Outcome[]): string {
  const sweeps = outcomes.some(({run}) => Object.keys(run.set).length > 0)
  const titles = ['notebook', ...(sweeps ? ['parameters'] : []), 'status', 'cells', 'time', 'copy']
  return table(titles, outcomes.map((outcome) => {
    const {run, status, durationSeconds, due} = outcome
    return [openPlace(run.notebook), ...(sweeps ? [setText(run.set)] : []), status, due.length === 0 ? '' : cellsText(outcome), durationSeconds === 0 ? '' : `${durationSeconds.toFixed(1)} s`, status === 'not-run' ? '' : openPlace(run.output)]
  }))
}

const skipped = (run: PlannedRun): Outcome => notBegun(run, 'skipped', 'its copy is whole already')

function isLost({error, runtime}: Outcome): boolean {
  return error !== undefined && (goneCodes.includes(error.code) || (runtime === null && unusableCodes.includes(error.code)))
}

/** Several have to be there before the first notebook runs; the only one is found missing by the first. */
async function runtimesOf(given: string | undefined): Promise<Place[]> {
  const names = [...new Set(given?.split(',').map((name) => name.trim()).filter((name) => name !== '') ?? [])]
  if (names.length < 2) return [names[0]]
  const known = await Promise.all(names.map((name) => cgpu.runtimes.show(name)))
  return [...new Set(known.map(({name}) => name))]
}

async function doneAlready(runs: readonly PlannedRun[], {flags, sources, host}: {flags: BatchCommandFlags; sources: Sources; host: BatchHost}): Promise<Set<PlannedRun>> {
  const done = new Set<PlannedRun>()
  for (const run of runs) {
    if (await isDone(run.output, await keyOf(run, flags, sources), host.command)) done.add(run)
  }
  return done
}

async function tellerFor(flags: BatchCommandFlags, {json, quiet}: BatchHost): Promise<BatchTeller> {
  if (json) return silentTeller(silentReporter)
  if (flags.output === 'ndjson') return new (await import('./tell-ndjson.ts')).NdjsonTeller()
  return new (await import('./tell-text.ts')).TextTeller({quiet, log: flags['log-output'] ?? false})
}
