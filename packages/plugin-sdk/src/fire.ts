import type {Config} from '@oclif/core/config'
import {isProjectEvent} from '@cgpu/core/hooks/declared'
import {sanitizeLine} from '@cgpu/core/text/line'
import {readyForHooks} from './before-hooks.ts'
import {CONTRACT, HOOK_BUDGET_MS} from './contract.ts'
import {guarded} from './hook-guard.ts'
import type {CgpuEvent, CgpuHooks} from './hook-types.ts'
import {projectAnswers} from './project-hooks.ts'

/** The part of a command that hooks need. */
export interface HookHost {
  config: Pick<Config, 'runHook'>
  warn(message: string): unknown
  /** true where nobody is to be asked anything */
  jsonEnabled?(): boolean
}

export interface HookAnswer<E extends CgpuEvent> {
  plugin: string
  /** the project file that declares the hook, where no plugin does */
  project?: string
  result: CgpuHooks[E]['return']
}

type Options<E extends CgpuEvent> = Omit<CgpuHooks[E]['options'], 'contract'>

interface FireOptions {
  ms?: number
  /** names of plugins that are not asked, where oclif loaded them */
  without?: ReadonlySet<string>
  /** besides the warning */
  onFailure?: (plugin: string, message: string) => void
}

/**
 * Asks every plugin. A hook that throws, takes longer than `ms`, writes to stdout or exits becomes a warning, never a failure.
 * Answers come sorted by plugin name: oclif gives them in the order of completion, which would make merging a race. Then come those of
 * the project file's hooks, which the user has to agree to (HOOKS_NOT_TRUSTED, 75, where nobody can be asked).
 */
export async function fire<E extends CgpuEvent>(
  host: HookHost, event: E, options: Options<E>, {ms = HOOK_BUDGET_MS, without, onFailure}: FireOptions = {},
): Promise<HookAnswer<E>[]> {
  // before plugins are asked: a person may have to be
  const project = isProjectEvent(event) ? await projectAnswers(host, event, {contract: CONTRACT, ...options}) : []
  if (!pluginListens(host.config, event)) return project as HookAnswer<E>[] // as below
  await readyForHooks(event)
  // oclif's own timer is unref'd: with a hook that waits for nothing the process would end before it fires
  const keepAlive = setTimeout(() => {}, ms + 100)
  try {
    // the intersection with `contract` is the event's option type again; TypeScript cannot see that through Omit
    const full = {...options, contract: CONTRACT} as unknown as CgpuHooks[E]['options']
    const {failures, successes} = await guarded(event, rootsOf(host), (message) => void host.warn(message), () => configWithout(host.config, without).runHook<E, CgpuHooks>(event, full, ms, true))
    for (const {plugin, error} of byPlugin(failures)) {
      const {message} = describe(error)
      host.warn(`plugin ${sanitizeLine(plugin.name, 100)} failed in ${event}: ${sanitizeLine(message, 300)}`)
      onFailure?.(plugin.name, message)
    }
    const answers = byPlugin(successes).map(({plugin, result}) => ({plugin: plugin.name, result}))
    return [...answers, ...(project as HookAnswer<E>[])] // as untrusted as a plugin's: whoever merges them looks
  } finally {
    clearTimeout(keepAlive)
  }
}

/** Whether a plugin has a hook for the event. The lean config refuses what it has not, so it is asked whether it has. Without either it cannot be told. */
export function pluginListens(config: object, event: CgpuEvent): boolean {
  if ('listensTo' in config && typeof config.listensTo === 'function') return Boolean(config.listensTo(event))
  if (!('plugins' in config)) return true
  const {plugins} = config as Pick<Config, 'plugins'> // oclif's whole config
  return [...plugins.values()].some(({hooks}) => Object.hasOwn(hooks, event))
}

/** The same, but for some of its plugins. */
function configWithout(config: HookHost['config'], names: ReadonlySet<string> | undefined): HookHost['config'] {
  if (!names || names.size === 0 || !('plugins' in config)) return config
  const {plugins} = config as Pick<Config, 'plugins'> // oclif's whole config
  return Object.create(config, {plugins: {value: new Map([...plugins].filter(([name]) => !names.has(name)))}}) as HookHost['config'] // its methods ask it for its plugins
}

/** Folders of the plugins. On its short way cgpu has loaded none, and tells them by `pluginRoots`. */
export function rootsOf({config}: HookHost): ReadonlyMap<string, string> {
  try {
    const {pluginRoots} = config as {pluginRoots?: ReadonlyMap<string, string>}
    if (pluginRoots) return pluginRoots
    const {plugins} = config as Partial<Pick<Config, 'plugins'>>
    return new Map([...(plugins?.values() ?? [])].filter(({type}) => type !== 'core').map(({root, name}) => [root, name]))
  } catch {
    return new Map()
  }
}

function byPlugin<A extends {plugin: {name: string}}>(answers: A[]): A[] {
  return answers.toSorted((a, b) => (a.plugin.name < b.plugin.name ? -1 : a.plugin.name > b.plugin.name ? 1 : 0))
}

export function describe(error: unknown): {code: string; message: string} {
  const {code, name, message} = (typeof error === 'object' && error !== null ? error : {}) as {code?: unknown; name?: unknown; message?: unknown} // any may be missing
  const word = [code, name].find((one) => typeof one === 'string')
  return {code: word ?? 'UNKNOWN', message: typeof message === 'string' ? message : String(error)}
}
