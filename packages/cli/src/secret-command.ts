import {resolveSettings} from '@cgpu/core/config/resolve'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import type {SecretPlaces} from './run/secrets.ts'

/** The base of `cgpu secret …`. */
export abstract class SecretCommand<T = unknown> extends CgpuCommand<T> {
  protected async places(): Promise<SecretPlaces> {
    const onWarning = (message: string): void => void this.warn(message)
    const {configDir, dataDir, cacheDir} = this.config
    const dirs = resolveDirs(process.env, {configDir, dataDir, cacheDir})
    const settings = await resolveSettings({env: process.env, cwd: process.cwd(), configDir: dirs.config, onWarning})
    return {configDir: dirs.config, settings, onWarning}
  }
}
