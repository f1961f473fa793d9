import {errors} from '@cgpu/core/errors'
import {type Dirs, resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {daemonProgram} from './daemon/program.ts'

/** The base of `cgpu daemon …`. */
export abstract class DaemonCommand<T = unknown> extends CgpuCommand<T> {
  static override standalone = true

  protected get dirs(): Dirs {
    const {configDir, dataDir, cacheDir} = this.config
    return resolveDirs(process.env, {configDir, dataDir, cacheDir})
  }

  /** Throws NOT_BUILT (73) where there is only the source. */
  protected get program(): NonNullable<ReturnType<typeof daemonProgram>> {
    const program = daemonProgram()
    if (program) return program
    throw errors.cannotWrite('the daemon is not built', {code: 'NOT_BUILT', category: 'internal', fix: 'npm run build'})
  }
}
