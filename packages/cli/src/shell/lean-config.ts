import type {Config} from '@oclif/core/config'
import {resolveDirs} from '@cgpu/core/state/dirs'
import type {IndexedPlugin} from '@cgpu/plugins/install/plugin-index'
import type {CommandTable} from './command-table.ts'
import type * as Calls from './plugin-hooks.ts'

export interface LeanOptions {
  root: string
  table: CommandTable
  env?: NodeJS.ProcessEnv
  /** that the user has; of them only hooks are loaded, when they are called */
  plugins?: readonly IndexedPlugin[]
  sandbox?: Calls.LoadSandbox
  /** oclif's config with all plugins, for hooks that a bundled plugin answers */
  loadFull: () => Promise<Config>
}

/**
 * What a command needs of oclif's config, without reading any plugin: loading eight of them costs more than most commands.
 * Anything else is a mistake of ours: that command must say `static fullConfig = true`.
 */
export function leanConfig({root, table, env = process.env, plugins = [], sandbox, loadFull}: LeanOptions): Config {
  const dirs = resolveDirs(env)
  const scopedKey = (name: string): string => `CGPU_${name}`.toUpperCase().replaceAll('-', '_')
  const scoped = (name: string): string | undefined => env[scopedKey(name)]
  let full: Promise<Config> | undefined
  let calling: Promise<typeof Calls> | undefined
  // once: Node takes a millisecond to find again what it has loaded
  const calls = (): Promise<typeof Calls> => (calling ??= import('./plugin-hooks.ts'))
  const config = {
    bin: 'cgpu', dirname: 'cgpu', name: '@cgpu/cli', version: table.version, root, topicSeparator: ' ',
    arch: process.arch, platform: process.platform, windows: process.platform === 'win32',
    userAgent: `@cgpu/cli/${table.version} ${process.platform}-${process.arch} node-${process.version}`,
    cacheDir: dirs.cache, configDir: dirs.config, dataDir: dirs.data,
    options: {root}, pjson: {name: '@cgpu/cli', version: table.version, oclif: {bin: 'cgpu'}},
    scopedEnvVar: scoped,
    scopedEnvVarKey: scopedKey,
    scopedEnvVarKeys: (name: string) => [scopedKey(name)],
    scopedEnvVarTrue: (name: string) => ['1', 'true'].includes(scoped(name) ?? ''),
    /** folders of the plugins whose hooks may be called */
    pluginRoots: new Map(plugins.map(({root: folder, name}) => [folder, name])),
    /** what untrusted ones would bring, were they trusted */
    withheld: new Map(plugins.map(({name, withheld = []}) => [name, withheld])),
    /** whether somebody has a hook for the event, as far as plugins and cgpu itself go */
    listensTo: (event: string) => table.hookEvents.includes(event) || plugins.some(({hooks}) => Object.hasOwn(hooks, event)),
    prepareHooks(topic: string, onWarning: (message: string) => void) {
      if (plugins.some(({level, hooks}) => level === 'trusted' && Object.keys(hooks).some((event) => event.startsWith(topic)))) void calls().then(({prepare}) => prepare({bundle: 'fast', plugins, topic, onWarning}))
    },
    async runHook(event: string, options: Record<string, unknown>, ms?: number, capture?: boolean) {
      const asked = plugins.filter(({hooks}) => Object.hasOwn(hooks, event))
      const [own, theirs] = await Promise.all([
        table.hookEvents.includes(event) ? (full ??= loadFull()).then((loaded) => loaded.runHook(event, options, ms, capture)) : undefined,
        asked.length === 0 ? undefined : calls().then(({runPluginHooks}) => runPluginHooks(asked, event, {options, config: guarded, ms, sandbox})),
      ])
      return {failures: [...(own?.failures ?? []), ...(theirs?.failures ?? [])], successes: [...(own?.successes ?? []), ...(theirs?.successes ?? [])]}
    },
  }
  const guarded: Config = new Proxy(config, {
    get(target, key, receiver) {
      if (typeof key === 'symbol' || key in target || key === 'then' || key === 'toJSON') return Reflect.get(target, key, receiver)
      if (key === 'theme') return undefined
      throw new Error(`config.${key} needs the whole config: the command must say static fullConfig = true`)
    },
  }) as unknown as Config // the part of it that commands and hooks use; the proxy refuses the rest
  return guarded
}

/** For a command that will call hooks of events that begin so, while it waits for a machine. Where oclif loaded the plugins nothing is left to prepare. */
export function prepareHooks(config: object, topic: string, onWarning: (message: string) => void): void {
  if ('prepareHooks' in config && typeof config.prepareHooks === 'function') config.prepareHooks(topic, onWarning)
}
