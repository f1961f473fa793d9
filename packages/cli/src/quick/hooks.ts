import type {ExecOutcome} from '@cgpu/core/execution/exec'
import type {Dirs} from '@cgpu/core/state/dirs'
import {type ExecutionRequest, noProjectHooks, strayOfHook, withExecution} from '@cgpu/plugin-sdk/lean-hooks'
import type {IndexedPlugin} from '@cgpu/plugins/install/plugin-index'
import {runPluginHooks, prepare} from '../shell/plugin-hooks.ts'

export interface QuickHooksOptions {
  plugins: readonly IndexedPlugin[]
  version: string
  dirs: Dirs
  json: boolean
  onWarning: (message: string) => void
}

/** Asks and tells plugins around an execution that the daemon runs. */
export class QuickHooks {
  readonly #prepare: (topic: string) => void
  readonly #host: Parameters<typeof withExecution>[0]
  readonly #ended = Promise.withResolvers<ExecOutcome>()
  #work: Promise<unknown> | undefined

  constructor(options: QuickHooksOptions) {
    this.#host = hostOf(options)
    this.#ended.promise.catch(() => undefined)
    // the quick exec leaves the others to the command
    noProjectHooks(process.cwd())
    // a timer that a hook left behind may throw
    process.on('uncaughtException', (error) => {
      if (!strayOfHook(error)) throw error
    })
    this.#prepare = (topic) => prepare({bundle: 'fast-parts', plugins: options.plugins, topic, onWarning: options.onWarning})
    this.#prepare('execution:before')
  }

  /** Throws VETOED (75). */
  async mayRun(request: ExecutionRequest): Promise<void> {
    const allowed = Promise.withResolvers<void>()
    this.#work = withExecution(this.#host, request, {}, () => {
      allowed.resolve()
      // once the code is on its way
      setImmediate(() => this.#prepare('execution:after'))
      return this.#ended.promise
    }, (outcome) => outcome)
    this.#work.catch((error: unknown) => allowed.reject(error))
    await allowed.promise
  }

  /** Nobody is told of what nobody was asked for. */
  async over(end: {outcome: ExecOutcome} | {error: unknown}): Promise<void> {
    if ('outcome' in end) this.#ended.resolve(end.outcome)
    else this.#ended.reject(end.error)
    await this.#work?.catch(() => undefined)
  }
}

function hostOf({plugins, version, dirs, json, onWarning}: QuickHooksOptions): Parameters<typeof withExecution>[0] {
  const config = {
    bin: 'cgpu', name: '@cgpu/cli', version, configDir: dirs.config, dataDir: dirs.data, cacheDir: dirs.cache, platform: process.platform, arch: process.arch,
    listensTo: (event: string) => plugins.some(({hooks}) => Object.hasOwn(hooks, event)),
    pluginRoots: new Map(plugins.map(({root, name}) => [root, name])),
    runHook: (event: string, options: Record<string, unknown>, ms?: number) =>
      runPluginHooks(plugins.filter(({hooks}) => Object.hasOwn(hooks, event)), event, {options, config: config as never, ms}), // what hooks may count on of it
  }
  return {config: config as never, warn: onWarning, jsonEnabled: () => json} // as above
}
