import {Cgpu} from '@cgpu/core/cgpu'
import {errors, ExitCode} from '@cgpu/core/errors'
import type {RuntimeSpec} from '@cgpu/core/provider'
import type {LifecycleListener} from '@cgpu/core/runtime/service'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {beforeCreate, CgpuCommand, fire, globalFlags, jobMeasured, keepOutOfDebugLog, outcomeOf, registeredProviders} from '@cgpu/plugin-sdk'
import type {FlagInput} from '@oclif/core/interfaces'
import {accountsFor} from './accounts.ts'
import {accountFlag} from './flags.ts'
import {builtInProviders} from './providers.ts'
import type {SecretPlaces} from './run/secrets.ts'

/** The base of the commands that work on runtimes: opens cgpu with this command's flags and plugins. */
export abstract class WorkCommand<T = unknown> extends CgpuCommand<T> {
  static override baseFlags: FlagInput = {...globalFlags, ...accountFlag}

  /** `flags` are the parsed ones: those that are settings win over environment and files. */
  protected async open(flags: Record<string, unknown>): Promise<Cgpu> {
    const {configDir, dataDir, cacheDir} = this.config
    const registered = await registeredProviders(this)
    const dirs = resolveDirs(process.env, {configDir, dataDir, cacheDir})
    return Cgpu.open({
      dirs,
      env: process.env,
      cwd: process.cwd(),
      providers: [
        ...builtInProviders,
        ...registered.map(({id, factory}) => ({id, source: 'a plugin', load: async () => factory})),
      ],
      accounts: accountsFor({dirs, env: process.env, onWarning: (message) => void this.warn(message), trace: (line) => this.trace(line)}),
      flags,
      lifecycle: this.#lifecycle(),
      onWarning: (message) => void this.warn(message),
      onSecret: keepOutOfDebugLog,
      trace: (line) => this.trace(line),
    })
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

  #lifecycle(): LifecycleListener {
    return {
      beforeCreate: (spec: RuntimeSpec, provider: string) => beforeCreate(this, provider, spec),
      afterCreate: async ({id, name, provider}) => void (await fire(this, 'runtime:after-create', {runtime: {id, name, provider}})),
      beforeRelease: async ({id, name, provider}) => void (await fire(this, 'runtime:before-release', {runtime: {id, name, provider}})),
      afterRelease: async ({id, name, provider}) => void (await fire(this, 'runtime:after-release', {runtime: {id, name, provider}, released: true})),
      jobEnded: async ({id, runtime}, end) => {
        const outcome = outcomeOf(end)
        await fire(this, 'job:ended', {job: {id, runtime}, outcome})
        await jobMeasured(this, {id, runtime}, end, outcome)
      },
    }
  }
}
