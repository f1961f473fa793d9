import {ConfigStore} from '@cgpu/core/config/store'
import {FolderDefaults} from '@cgpu/core/config/folder'
import {resolveSettings, type ResolvedSetting, type Settings} from '@cgpu/core/config/resolve'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand} from '@cgpu/plugin-sdk'

/** The base of `cgpu config …`. */
export abstract class ConfigCommand<T = unknown> extends CgpuCommand<T> {
  protected get store(): ConfigStore {
    return new ConfigStore(this.config.configDir, {onWarning: (message) => void this.warn(message)})
  }

  /** All settings as a command run here and now would see them. */
  protected async settings(profile?: string): Promise<Settings> {
    const onWarning = (message: string): void => void this.warn(message)
    const cwd = process.cwd()
    const {configDir, dataDir, cacheDir} = this.config
    const dirs = resolveDirs(process.env, {configDir, dataDir, cacheDir})
    const folderRuntime = await new FolderDefaults(dirs.state, {onWarning}).get(cwd)
    return resolveSettings({env: process.env, cwd, configDir: dirs.config, folderRuntime, onWarning, ...(profile === undefined ? {} : {flags: {profile}})})
  }
}

/** A setting for `--json`: null where it is not set. */
export interface ConfigEntry extends Omit<ResolvedSetting, 'value'> {
  value: ResolvedSetting['value'] | null
}

export const entryOf = ({value, ...rest}: ResolvedSetting): ConfigEntry => ({...rest, value: value ?? null})
