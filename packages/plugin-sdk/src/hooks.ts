import {CgpuError, errors, ExitCode} from '@cgpu/core/errors'
import type {RuntimeSpec} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import {depthVariable} from './client/call.ts'
import {describe, fire, type HookHost} from './fire.ts'
import type {ExecutionOutcome, ExecutionRequest, ProviderRegistration, SchemeRegistration} from './hook-types.ts'
import {isAbort} from './problem.ts'

function refuseVeto(answers: {plugin: string; project?: string; result: unknown}[], what: string): void {
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
export interface ExecutionEnd {
  exitStatus?: number | undefined
  /** of code for a kernel */
  status?: string
  signal?: string | null
  /** of a job: cancelled, oom, signal */
  reason?: string | undefined
}

/**
 * Runs `body` between `execution:before` and `execution:after`. `body` gets the plugins' environment; what the user set
 * (`userEnv`) always wins over it. After-hooks run whatever happens, also after a veto, and learn the outcome. `ended` tells how
 * the execution ended; undefined: it was left running. A veto: VETOED, exit 75.
 */
export async function withExecution<R>(
  host: HookHost, request: ExecutionRequest, userEnv: Record<string, string>,
  body: (env: Record<string, string>) => Promise<R>, ended: (result: R) => ExecutionEnd | undefined = () => ({}),
): Promise<R> {
  refuseNested()
  const started = performance.now()
  let outcome: Omit<ExecutionOutcome, 'durationMs'> = {status: 'ok'}
  try {
    const answers = await fire(host, 'execution:before', {request})
    refuseVeto(answers, 'this execution')
    const result = await body({...pluginEnv(answers, host), ...userEnv})
    outcome = outcomeOf(ended(result))
    return result
  } catch (error) {
    outcome = {status: failureOf(error), error: describe(error)}
    throw error
  } finally {
    const durationMs = performance.now() - started
    await fire(host, 'execution:after', {request, outcome: {...outcome, durationMs}})
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

/** Providers that plugins bring. Two with the same id: both plugins are named (PROVIDER_CLASH). */
export async function registeredProviders(host: HookHost): Promise<ProviderRegistration[]> {
  return unique(await fire(host, 'provider:register', {}), {
    host, what: 'a provider', code: 'PROVIDER_CLASH', nameOf: ({id}) => id, lacks: ({id, factory}) => typeof id !== 'string' || typeof factory !== 'function' ? 'an id or a factory' : undefined,
  })
}

/** Schemes that plugins bring. Two alike, or one that cgpu has itself (`own`): both are named (SCHEME_CLASH). */
export async function registeredSchemes(host: HookHost, own: readonly string[]): Promise<SchemeRegistration[]> {
  return unique(await fire(host, 'scheme:register', {}), {
    host, what: 'a scheme', code: 'SCHEME_CLASH', nameOf: ({scheme}) => scheme, own,
    lacks: ({scheme, resolve}) => (typeof scheme !== 'string' || !/^[a-z][a-z0-9+.-]{1,30}$/.test(scheme) || typeof resolve !== 'function' ? 'a name or a resolve function' : undefined),
  })
}

interface Registering<T> {
  host: HookHost
  what: string
  code: string
  nameOf: (entry: T) => string
  /** what a registration needs and this one has not */
  lacks: (entry: Partial<T>) => string | undefined
  /** names that cgpu has itself */
  own?: readonly string[]
}

function unique<T>(answers: readonly {plugin: string; result: T | T[] | void}[], {host, what, code, nameOf, lacks, own = []}: Registering<T>): T[] {
  const seen = new Map(own.map((name) => [name, 'cgpu']))
  const all: T[] = []
  for (const {plugin, result} of answers) {
    for (const entry of result === undefined ? [] : ([result].flat() as T[])) { // one or several, as the plugin likes
      const missing = lacks(entry ?? {})
      if (missing !== undefined) {
        host.warn(`plugin ${plugin} registered ${what} without ${missing}`)
        continue
      }
      const name = nameOf(entry)
      const other = seen.get(name)
      if (other !== undefined) {
        throw errors.conflict(`${other} and ${plugin} both bring ${what} "${sanitizeLine(name, 60)}"`, {
          code, category: 'plugin', fix: `remove one of them: cgpu plugins uninstall ${plugin}`,
        })
      }
      seen.set(name, plugin)
      all.push(entry)
    }
  }
  return all
}
