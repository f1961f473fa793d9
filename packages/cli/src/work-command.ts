import type {Cgpu} from '@cgpu/core/cgpu'
import {errors, ExitCode} from '@cgpu/core/errors'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand, globalFlags} from '@cgpu/plugin-sdk'
import type {FlagInput} from '@oclif/core/interfaces'
import {accountFlag} from './flags.ts'
import {openCgpu} from './open-cgpu.ts'
import type {SecretPlaces} from './run/secrets.ts'

/** The base of the commands that work on runtimes: opens cgpu with this command's flags and plugins. */
export abstract class WorkCommand<T = unknown> extends CgpuCommand<T> {
  static override baseFlags: FlagInput = {...globalFlags, ...accountFlag}

  /** `flags` are the parsed ones: those that are settings win over environment and files. */
  protected async open(flags: Record<string, unknown>): Promise<Cgpu> {
    return openCgpu(this, flags, (line) => this.trace(line))
  }

  /** Where this command looks for secrets. */
  protected secretPlaces({settings}: Cgpu): SecretPlaces {
    const {configDir, dataDir, cacheDir} = this.config
    return {configDir: resolveDirs(process.env, {configDir, dataDir, cacheDir}).config, settings, onWarning: (message) => void this.warn(message), host: this}
  }

  /**
   * Aborts on SIGINT, SIGTERM and SIGHUP, so that `finally` can tidy up; a second Ctrl-C ends at once. `dispose` gives the
   * signals back, `arm` takes them again.
   */
  protected abortOnSignals(): {signal: AbortSignal; arm: () => void; dispose: () => void} {
    const controller = new AbortController()
    const stop = (name: NodeJS.Signals): void => {
      if (controller.signal.aborted && name === 'SIGINT') process.exit(ExitCode.interrupted)
      controller.abort(errors.interrupted('interrupted', {code: 'INTERRUPTED', details: {signal: name}}))
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    const dispose = (): void => {
      for (const name of signals) process.off(name, stop)
    }
    const arm = (): void => {
      // never off and on again: a signal in between would end the process
      for (const name of signals) if (!process.listeners(name).includes(stop)) process.on(name, stop)
    }
    arm()
    return {signal: controller.signal, arm, dispose}
  }
}
