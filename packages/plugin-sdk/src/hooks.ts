import type {Config} from '@oclif/core/config'
import {CgpuError, errors} from '@cgpu/core/errors'
import type {RuntimeSpec} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import {CONTRACT, type CgpuEvent, type CgpuHooks, type ExecutionOutcome, type ExecutionRequest, type ProviderRegistration, type SchemeRegistration} from './hook-types.ts'
import {isAbort} from './problem.ts'

/** A hook that takes longer is given up with a warning. */
export const HOOK_BUDGET_MS = 2000

/** The part of a command that hooks need. */
export interface HookHost {
  config: Pick<Config, 'runHook'>
  warn(message: string): unknown
}

export interface HookAnswer<E extends CgpuEvent> {
  plugin: string
  result: CgpuHooks[E]['return']
}

type Options<E extends CgpuEvent> = Omit<CgpuHooks[E]['options'], 'contract'>

/**
 * Asks every plugin. A hook that throws or takes longer than `ms` becomes a warning, never a failure.
 * Answers come sorted by plugin name: oclif gives them in the order of completion, which would make merging a race.
 */
export async function fire<E extends CgpuEvent>(
  host: HookHost, event: E, options: Options<E>, {ms = HOOK_BUDGET_MS}: {ms?: number} = {},
): Promise<HookAnswer<E>[]> {
  // oclif's own timer is unref'd: with a hook that waits for nothing the process would end before it fires
  const keepAlive = setTimeout(() => {}, ms + 100)
  try {
    // the intersection with `contract` is the event's option type again; TypeScript cannot see that through Omit
    const full = {...options, contract: CONTRACT} as unknown as CgpuHooks[E]['options']
    const {failures, successes} = await host.config.runHook<E, CgpuHooks>(event, full, ms, true)
    for (const {plugin, error} of byPlugin(failures)) {
      host.warn(`plugin ${sanitizeLine(plugin.name, 100)} failed in ${event}: ${sanitizeLine(describe(error).message, 300)}`)
    }
    return byPlugin(successes).map(({plugin, result}) => ({plugin: plugin.name, result}))
  } finally {
    clearTimeout(keepAlive)
  }
}

function byPlugin<A extends {plugin: {name: string}}>(answers: A[]): A[] {
  return answers.toSorted((a, b) => (a.plugin.name < b.plugin.name ? -1 : a.plugin.name > b.plugin.name ? 1 : 0))
}

function refuseVeto(answers: {plugin: string; result: unknown}[], what: string): void {
  for (const {plugin, result} of answers) {
    const veto: unknown = isRecord(result) ? result['veto'] : undefined
    if (typeof veto !== 'string' || veto === '') continue
    throw errors.vetoed(`${sanitizeLine(plugin, 100)} vetoed ${what}: ${sanitizeLine(veto, 300)}`, {
      code: 'VETOED', fix: `change what it objects to, or remove it: cgpu plugins uninstall ${sanitizeLine(plugin, 100)}`, details: {plugin},
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

/**
 * Runs `body` between `execution:before` and `execution:after`. `body` gets the plugins' environment; what the user set
 * (`userEnv`) always wins over it. After-hooks run whatever happens, and learn the outcome; one that is left running has no
 * `exitStatus` yet. A veto: VETOED, exit 75.
 */
export async function withExecution<R>(
  host: HookHost, request: ExecutionRequest, userEnv: Record<string, string>,
  body: (env: Record<string, string>) => Promise<R>, exitStatus?: (result: R) => number | undefined,
): Promise<R> {
  const answers = await fire(host, 'execution:before', {request})
  refuseVeto(answers, 'this execution')
  const started = performance.now()
  let outcome: Omit<ExecutionOutcome, 'durationMs'> = {status: 'ok'}
  try {
    const result = await body({...pluginEnv(answers, host), ...userEnv})
    const status = exitStatus?.(result)
    if (status !== undefined) outcome = {status: status === 0 ? 'ok' : 'error', exitStatus: status}
    else if (exitStatus) outcome = {status: 'detached'}
    return result
  } catch (error) {
    const interrupted = isAbort(error) || (error instanceof CgpuError && error.code === 'INTERRUPTED')
    outcome = {status: interrupted ? 'interrupted' : 'error', error: describe(error)}
    throw error
  } finally {
    const durationMs = performance.now() - started
    await fire(host, 'execution:after', {request, outcome: {...outcome, durationMs}})
  }
}

function describe(error: unknown): {code: string; message: string} {
  const {code, name, message} = (isRecord(error) ? error : {}) as {code?: unknown; name?: unknown; message?: unknown} // any may be missing
  const word = [code, name].find((one) => typeof one === 'string')
  return {code: word ?? 'UNKNOWN', message: typeof message === 'string' ? message : String(error)}
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
