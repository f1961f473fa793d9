import type {Config} from '@oclif/core/config'
import {resolveDirs} from '@cgpu/core/state/dirs'
import type {CommandTable} from './command-table.ts'

export interface LeanOptions {
  root: string
  table: CommandTable
  env?: NodeJS.ProcessEnv
  /** oclif's config with all plugins, for hooks that a bundled plugin answers */
  loadFull: () => Promise<Config>
}

/**
 * What a command needs of oclif's config, without reading any plugin: loading eight of them costs more than most commands.
 * Anything else is a mistake of ours: that command must say `static fullConfig = true`.
 */
export function leanConfig({root, table, env = process.env, loadFull}: LeanOptions): Config {
  const dirs = resolveDirs(env)
  const scopedKey = (name: string): string => `CGPU_${name}`.toUpperCase().replaceAll('-', '_')
  const scoped = (name: string): string | undefined => env[scopedKey(name)]
  let full: Promise<Config> | undefined
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
    async runHook(event: string, ...rest: [Record<string, unknown>, number?, boolean?]) {
      if (!table.hookEvents.includes(event)) return {failures: [], successes: []}
      full ??= loadFull()
      return (await full).runHook(event, ...rest)
    },
  }
  const guarded = new Proxy(config, {
    get(target, key, receiver) {
      if (typeof key === 'symbol' || key in target || key === 'then' || key === 'toJSON') return Reflect.get(target, key, receiver)
      if (key === 'theme') return undefined
      throw new Error(`config.${key} needs the whole config: the command must say static fullConfig = true`)
    },
  })
  return guarded as unknown as Config // the part of it that commands use; the proxy refuses the rest
}
