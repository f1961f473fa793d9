import {string as stringArg} from '@oclif/core/args'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors} from '@cgpu/core/errors'
import {withAgent} from '@cgpu/core/execution/follow-log'
import type {HistoryEntry} from '@cgpu/core/history/entry'
import {findEntry} from '@cgpu/core/history/find'
import {newestFirst} from '@cgpu/core/history/read'
import {HistoryStore} from '@cgpu/core/history/store'
import {checkId, type OpenJob} from '@cgpu/core/job/jobs'
import {readLog} from '@cgpu/core/job/read-log'
import {isOver, type JobRecord} from '@cgpu/core/job/record'
import {viewOfRecord} from '@cgpu/core/job/view'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type Diagnosis, type Evidence, hasLog} from '@cgpu/core/why/evidence'
import {jobsOf} from '@cgpu/core/job/of'
import {runtimeFlag} from '../flags.ts'
import {JobCommand} from '../job-command.ts'

interface Result {
  id: string
  runtime: string
  state: string
  exitStatus: number | null
  diagnoses: Diagnosis[]
}

/** so many of its last lines are looked at */
const tail = 400

/** Says why work ended as it did. */
export default class Why extends JobCommand<Result> {
  static override args = {id: stringArg({description: 'id of a job or an execution; default: the newest that did not end well'})}
  static override description = 'Looks at how it ended, at the machine and at its last lines, and says what most likely happened, what says so, and what to type next. Rules, no guesses: what no rule knows is shown as it is.'
  static override examples = [
    {command: '<%= config.bin %> why', description: 'the last one that failed'},
    {command: '<%= config.bin %> why 0mibvu0c4-5f1e0a9b3c', description: 'this one'},
  ]
  static override flags = {...runtimeFlag}
  static override seeAlso = ['job show', 'job logs', 'job retry', 'history show']
  static override summary = 'say why something failed'

  async run(): Promise<Result> {
    const {args, flags} = await this.parse(Why)
    const cgpu = await this.open(flags)
    const {diagnose} = await import('@cgpu/core/why/diagnose')
    const evidence = await this.#evidence(cgpu, args.id ?? newestFailure(this.#history), flags.runtime)
    const {id, runtime, state, exitStatus} = evidence
    const diagnoses = diagnose(evidence)
    this.#say(evidence, diagnoses)
    return {id, runtime, state, exitStatus, diagnoses}
  }

  #say({id}: Evidence, [first, ...others]: Diagnosis[]): void {
    if (!first) return
    this.log(`${id}: ${sanitizeLine(first.cause)}`)
    for (const line of first.evidence) this.log(`  | ${sanitizeLine(line, 300)}`)
    for (const line of first.next) this.log(`next: ${sanitizeLine(line, 300)}`)
    for (const {cause} of others) this.log(`also: ${sanitizeLine(cause)}`)
  }

  get #history(): string {
    const {configDir, dataDir, cacheDir} = this.config
    return new HistoryStore(resolveDirs(process.env, {configDir, dataDir, cacheDir}).state).folder
  }

  /** From the machine where that can be asked, else from what is remembered here. */
  async #evidence(cgpu: Cgpu, id: string, runtime: string | undefined): Promise<Evidence> {
    checkId(id)
    const entry = known(this.#history, id)
    if (entry && !hasLog(entry)) return evidenceOfEntry(entry, false)
    try {
      const job = await this.openJob(cgpu, id, {runtime})
      try {
        return await evidenceOf(job)
      } finally {
        await job.session.close()
      }
    } catch (error) {
      const record = error instanceof CgpuError ? await jobsOf(cgpu).remembered(id) : undefined
      if (!(error instanceof CgpuError) || (!record && !entry)) throw error
      const machineGone = error.code === 'JOB_LOST' || error.code === 'LOG_GONE'
      const lines = entry ? linesOf(entry) : []
      if (!record) return evidenceOfEntry(entry!, machineGone)
      // how it ended is known to whoever followed it; its machine only took its log along
      return {...remembered(record, error), lines, ...(entry ? errorOf(entry) : {})}
    }
  }
}

/** Undefined when the history does not know it; throws AMBIGUOUS (64). */
function known(folder: string, id: string): HistoryEntry | undefined {
  try {
    return findEntry(folder, id)
  } catch (error) {
    if (error instanceof CgpuError && error.code !== 'AMBIGUOUS') return undefined
    throw error
  }
}

function linesOf({tail, traceback}: HistoryEntry): string[] {
  return [tail?.stdout, tail?.stderr, traceback].flatMap((text) => text?.split(/\r?\n|\r/) ?? [])
}

/** Of what ran on a kernel, or was refused before it ran. */
function evidenceOfEntry(entry: HistoryEntry, machineGone: boolean): Evidence {
  const {id, kind, runtime, status, exitStatus = null, peakMemoryBytes} = entry
  return {
    id, kind, runtime: runtime?.name ?? '', state: status, exitStatus: status === 'ok' ? 0 : exitStatus, signal: null, machineGone, peakMemoryBytes, lines: linesOf(entry),
    ...(entry.code === 'CANCELLED' ? {reason: 'cancelled'} : {}), ...errorOf(entry),
  }
}

/** cgpu's own error, with what it said: that code failed, or was cancelled, is what is to be explained. */
function errorOf({code, message}: HistoryEntry): Pick<Evidence, 'error'> {
  return code === undefined || !message || /^(CODE_FAILED|PROGRAM_FAILED)$/.test(code) ? {} : {error: {code, message}}
}

async function evidenceOf({id, session, status, runtime}: OpenJob): Promise<Evidence> {
  const {state, exitCode, signal, reason, peakMemoryBytes, diskFull, error} = status
  const {memoryBytes} = await session.guard(() => withAgent(session, (agent) => agent.devices()))
  return {
    id, runtime: runtime.name, kind: 'job', state, exitStatus: exitCode, signal, reason, diskFull, peakMemoryBytes, lines: isOver(state) ? await lastLines({id, session}) : [],
    ...(memoryBytes === null ? {} : {memoryBytes}), ...(error === undefined ? {} : {error: {code: 'COMMAND_NOT_STARTED', message: error}}),
  }
}

async function lastLines({id, session}: Pick<OpenJob, 'id' | 'session'>): Promise<string[]> {
  const parts: Uint8Array[] = []
  await session.guard(() => readLog(session, id, {tail, follow: false, onPiece: ({data}) => void parts.push(data.slice())}))
  return Buffer.concat(parts).toString('utf8').split(/\r?\n|\r/)
}

/** Its machine cannot be asked: how it was last seen. */
function remembered(record: JobRecord, error: CgpuError): Evidence {
  const {id, runtime, state, exitStatus, signal, reason} = viewOfRecord(record, error.code === 'JOB_LOST')
  const machineGone = error.code === 'JOB_LOST' || error.code === 'LOG_GONE'
  return {id, runtime, kind: 'job', state, exitStatus, signal, reason, machineGone, lines: [], ...(machineGone ? {} : {error})}
}

/** Throws NOTHING_FAILED (66). */
function newestFailure(folder: string): string {
  for (const {id, kind, status} of newestFirst(folder)) {
    // a shell ends with the status of whatever was typed last
    if (kind !== 'shell' && (status === 'error' || status === 'lost' || status === 'interrupted')) return id
  }
  throw errors.notFound('nothing in the history failed', {code: 'NOTHING_FAILED', fix: 'name a job: cgpu job list'})
}
