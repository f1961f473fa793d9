import {CgpuError, errors, ExitCode} from '@cgpu/core/errors'
import type {RuntimeSpec} from '@cgpu/core/provider'
import type {Measured} from '@cgpu/core/runtime/options'
import {sanitizeLine} from '@cgpu/core/text/line'
import {isAbort} from './abort.ts'
import {depthVariable} from './client/call.ts'
import {describe, fire, type HookHost} from './fire.ts'
import type {ExecutionOutcome, ExecutionRequest} from './hook-types.ts'
import {giveMeasurement, measuredOf} from './measure.ts'
import {registeredMetricSinks} from './registrations.ts'

/** Throws VETOED (75) where an answer forbids it. */
export function refuseVeto(answers: {plugin: string; project?: string; result: unknown}[], what: string): void {
  for (const {plugin, project, result} of answers) {
    const veto: unknown = isRecord(result) ? result['veto'] : undefined
    if (typeof veto !== 'string' || veto === '') continue
    throw errors.vetoed(`${sanitizeLine(plugin, 100)} vetoed ${what}: ${sanitizeLine(veto, 300)}`, {
      code: 'VETOED', fix: `change what it objects to, or ${project === undefined ? `remove it: cgpu plugins uninstall ${sanitizeLine(plugin, 100)}` : `take the hook out of ${sanitizeLine(project)}`}`, details: {plugin: project ?? plugin},
    })
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Environment that plugins add: names and values must be strings, a later plugin (by name) wins. */
function pluginEnv(answers: {plugin: string; result: unknown}[], host: HookHost): Record<string, string> {
  const env: Record<string, string> = {}
  for (const {plugin, result} of answers) {
    const given: unknown = isRecord(result) ? result['env'] : undefined
    if (given === undefined) continue
    if (!isRecord(given)) host.warn(`plugin ${plugin} gave an environment that is not an object`)
    else for (const [name, value] of Object.entries(given)) {
      if (typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) env[name] = value
      else host.warn(`plugin ${plugin} gave an environment variable that cannot be set: ${sanitizeLine(name, 80)}`)
    }
  }
  return env
}

/** How an execution ended, as the command that ran it knows. */
export interface ExecutionEnd extends Measured {
  exitStatus?: number | undefined
  /** of code for a kernel */
  status?: string
  signal?: string | null
  /** of a job: cancelled, oom, signal */
  reason?: string | undefined
}

/**
 * Runs `body` between `execution:before` and `execution:after`. `body` gets the plugins' environment; what the user set
 * (`userEnv`) always wins over it. After-hooks run whatever happens, also after a veto, and learn the outcome, and metric sinks what
 * was measured. `ended` tells how the execution ended; undefined: it was left running. A veto: VETOED, exit 75. Two sinks of one name:
 * METRIC_SINK_CLASH, before anything runs.
 */
export async function withExecution<R>(
  host: HookHost, request: ExecutionRequest, userEnv: Record<string, string>,
  body: (env: Record<string, string>) => Promise<R>, ended: (result: R) => ExecutionEnd | undefined = () => ({}),
): Promise<R> {
  refuseNested()
  const sinks = await registeredMetricSinks(host)
  const started = performance.now()
  let measured: Measured = {}
  let outcome: Omit<ExecutionOutcome, 'durationMs'> = {status: 'ok'}
  try {
    const answers = await fire(host, 'execution:before', {request})
    refuseVeto(answers, 'this execution')
    const result = await body({...pluginEnv(answers, host), ...userEnv})
    const end = ended(result)
    outcome = outcomeOf(end)
    measured = measuredOf(end ?? {})
    return result
  } catch (error) {
    outcome = {status: failureOf(error), error: describe(error)}
    throw error
  } finally {
    const durationMs = performance.now() - started
    await fire(host, 'execution:after', {request, outcome: {...outcome, durationMs}})
    const {id, kind, runtime} = request
    const {status, exitStatus} = outcome
    await giveMeasurement(host, sinks, {id, kind, runtime, status, ...(exitStatus === undefined ? {} : {exitStatus}), durationMs, ...measured})
  }
}

/** A hook may execute by cgpu, whose hooks execute by cgpu…: the second time it does not end. */
function refuseNested(): void {
  if (Number(process.env[depthVariable] ?? 0) < 2) return
  throw errors.conflict('a hook executes something by cgpu, whose hooks do the same, without end', {code: 'HOOKS_NESTED', category: 'plugin', fix: 'the plugin has to leave its own executions alone; remove it: cgpu plugins list'})
}

/** An execution's end as hooks are told it. */
export function outcomeOf(end: ExecutionEnd | undefined): Omit<ExecutionOutcome, 'durationMs'> {
  if (!end) return {status: 'detached'}
  const {exitStatus, status, signal, reason} = end
  if (exitStatus === undefined) return {status: status === 'lost' ? 'lost' : 'ok'}
  const stopped = status === 'interrupted' || signal === 'SIGINT' || exitStatus === ExitCode.interrupted || reason === 'cancelled'
  return {status: exitStatus === 0 ? 'ok' : stopped ? 'interrupted' : 'error', exitStatus}
}

function failureOf(error: unknown): ExecutionOutcome['status'] {
  if (isAbort(error)) return 'interrupted'
  if (!(error instanceof CgpuError)) return 'error'
  if (error.code === 'VETOED') return 'vetoed'
  if (error.code === 'INTERRUPTED' || error.exit === ExitCode.interrupted) return 'interrupted'
  return error.exit === ExitCode.lost ? 'lost' : 'error'
}

/** The spec after every plugin's changes, in order of their names. A veto: VETOED, exit 75. */
export async function beforeCreate(host: HookHost, provider: string, spec: RuntimeSpec): Promise<RuntimeSpec> {
  const answers = await fire(host, 'runtime:before-create', {provider, spec})
  refuseVeto(answers, 'this runtime')
  const changes = answers.map(({result}) => (isRecord(result) && isRecord(result['spec']) ? result['spec'] : {}))
  return Object.assign({}, spec, ...changes) as RuntimeSpec // plugins' fields are checked where the spec is: by the provider
}
