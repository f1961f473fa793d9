import {Cgpu} from '@cgpu/core/cgpu'
import type {RuntimeSpec} from '@cgpu/core/provider'
import type {LifecycleListener} from '@cgpu/core/runtime/service'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {beforeCreate, type CgpuCommand, fire, jobMeasured, keepOutOfDebugLog, outcomeOf, registeredProviders} from '@cgpu/plugin-sdk'
import {accountsFor} from './accounts.ts'
import {builtInProviders} from './providers.ts'

/** cgpu for this command, ours or a plugin's. `flags` are its parsed ones: those that are settings win over environment and files. */
export async function openCgpu(command: CgpuCommand, flags: Record<string, unknown>, trace: (line: string) => void): Promise<Cgpu> {
  const {configDir, dataDir, cacheDir} = command.config
  const registered = await registeredProviders(command)
  const dirs = resolveDirs(process.env, {configDir, dataDir, cacheDir})
  const onWarning = (message: string): void => void command.warn(message)
  return Cgpu.open({
    dirs,
    env: process.env,
    cwd: process.cwd(),
    providers: [
      ...builtInProviders,
      ...registered.map(({id, factory}) => ({id, source: 'a plugin', load: async () => factory})),
    ],
    accounts: accountsFor({dirs, env: process.env, onWarning, trace}),
    flags,
    lifecycle: lifecycle(command),
    onWarning,
    onSecret: keepOutOfDebugLog,
    trace,
  })
}

function lifecycle(command: CgpuCommand): LifecycleListener {
  return {
    beforeCreate: (spec: RuntimeSpec, provider: string) => beforeCreate(command, provider, spec),
    afterCreate: async ({id, name, provider}) => void (await fire(command, 'runtime:after-create', {runtime: {id, name, provider}})),
    beforeRelease: async ({id, name, provider}) => void (await fire(command, 'runtime:before-release', {runtime: {id, name, provider}})),
    afterRelease: async ({id, name, provider}) => void (await fire(command, 'runtime:after-release', {runtime: {id, name, provider}, released: true})),
    jobEnded: async ({id, runtime}, end) => {
      const outcome = outcomeOf(end)
      await fire(command, 'job:ended', {job: {id, runtime}, outcome})
      await (await import('./notebook-ended.ts')).notebookEnded(command, id, outcome.exitStatus)
      await jobMeasured(command, {id, runtime}, end, outcome)
    },
  }
}
