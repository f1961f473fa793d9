import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {PluginInstaller, Registry, registryConfig} from '@cgpu/plugins/install'
import type {InstalledPlugin, InstallerOptions} from '@cgpu/plugins/install'

/** A data folder of its own, and an installer on it. */
export interface InstallBed {
  folder: string
  dataDir: string
  warnings: string[]
  installer(options?: Partial<InstallerOptions>): PluginInstaller
  /** as `cgpu plugins install --yes` */
  install(typed: string, options?: Partial<InstallerOptions>): Promise<InstalledPlugin>
  /** names in the folder of plugins, but those of locks */
  left(): string[]
  lock(): string
  remove(): void
}

export function installBed(registryUrl: string): InstallBed {
  const folder = mkdtempSync(join(tmpdir(), 'cgpu-install-'))
  const dataDir = join(folder, 'data')
  const warnings: string[] = []
  const env = {...process.env, HOME: folder, npm_config_userconfig: join(folder, '.npmrc')}
  const host = {version: '0.1.0', commands: new Set(['run', 'runtime', 'runtime:list']), plugins: new Set(['@cgpu/cli', '@cgpu/plugin-emulator'])}
  const bed: InstallBed = {
    folder, dataDir, warnings,
    installer: (options = {}) => new PluginInstaller({
      dataDir, cacheDir: join(folder, 'cache'), configDir: join(folder, 'config'), cwd: folder, env, host, offline: false, onWarning: (message) => void warnings.push(message),
      registry: new Registry(registryConfig(env, registryUrl)), ...options,
    }),
    install: (typed, options) => {
      const installer = bed.installer(options)
      return installer.prepared(typed, (prepared) => installer.commit(prepared, 'untrusted'))
    },
    left: () => (existsSync(join(dataDir, 'plugins')) ? readdirSync(join(dataDir, 'plugins')).filter((name) => name !== '.lock') : []),
    lock: () => (existsSync(join(dataDir, 'plugins.lock.json')) ? readFileSync(join(dataDir, 'plugins.lock.json'), 'utf8') : ''),
    remove: () => rmSync(folder, {recursive: true, force: true, maxRetries: 5}),
  }
  return bed
}
