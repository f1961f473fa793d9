import {boolean, string} from '@oclif/core/flags'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import type {Host, PluginInstaller} from '@cgpu/plugins/install'
import {dirsOf, hostOf, installerOf, type RegistryFlags} from './plugins/installer.ts'

export const registryFlags = withEnv({
  registry: string({summary: 'the registry to ask, in place of npm\'s settings', helpValue: 'URL'}),
  offline: boolean({summary: 'ask nobody: use what was fetched before'}),
})

/** The base of `cgpu plugins …`. */
export abstract class PluginsCommand<T = unknown> extends CgpuCommand<T> {
  static override fullConfig = true

  protected installer(flags: RegistryFlags = {}): Promise<PluginInstaller> {
    return installerOf(this.config, flags, (message) => void this.warn(message))
  }

  /** What no plugin may take the place of. */
  protected host(): Host {
    return hostOf(this.config)
  }

  protected get dirs() {
    return dirsOf(this.config)
  }
}
