import {settingNamed, settings} from '@cgpu/core/config/settings'
import type {Dirs} from '@cgpu/core/state/dirs'
import {userPlugins} from './commands.ts'
import {installedVersions} from './versions.ts'
import type {Candidate, CompletionSources} from './types.ts'

export interface SourceOptions {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  cwd: string
  /** folder of the CLI's package.json */
  root: string
}

const plain = (values: Iterable<string>): Candidate[] => [...values].map((value) => ({value}))
const providers = ['colab', 'jupyter', 'local']

/** The sources of the real thing. What takes more than the command line is loaded when it is asked for, from a file of its own. */
export function liveSources(options: SourceOptions): CompletionSources {
  const {dirs, cwd} = options
  const kept = async () => (await import('./sources/kept.ts')).keptSources(options)
  const remote = async () => (await import('./sources/remote.ts')).remoteSources(options)
  return {
    runtimes: async () => (await kept()).runtimes(),
    jobs: async (beginning, which) => (await kept()).jobs(beginning, which),
    schedules: async () => (await kept()).schedules(),
    executions: async () => (await kept()).executions(),
    forwards: async () => (await kept()).forwards(),
    profiles: async () => (await kept()).profiles(),
    secrets: async () => (await kept()).secrets(),
    accounts: async () => (await import('./sources/accounts.ts')).accounts(options),
    accelerators: async (kind, provider) => (await import('./sources/accelerators.ts')).accelerators(kind, provider, options),
    specs: async (runtime) => (await remote()).specs(runtime),
    kernels: async (runtime) => (await remote()).kernels(runtime),
    terminals: async (runtime) => (await remote()).terminals(runtime),
    entries: async (runtime, folder, beginning) => (await remote()).entries(runtime, folder, beginning),
    providers: async () => plain(providers),
    plugins: async () => (await userPlugins(dirs.data)).map(({name, linked, folder}) => ({value: name, description: linked ? `linked: ${folder}` : 'installed'})),
    versions: async () => installedVersions(options.root),
    settings: async () => settings.map(({key, description}) => ({value: key, description})),
    async settingValues(key) {
      const {type, allowed} = settingNamed(key)
      if (type === 'boolean') return plain(['true', 'false'])
      if (key === 'provider') return this.providers()
      if (key === 'runtime') return this.runtimes()
      if (key === 'account') return this.accounts()
      if (key === 'profile') return this.profiles()
      if (key === 'kernel') return this.specs(undefined)
      if (key === 'gpu' || key === 'tpu') return this.accelerators(key, undefined)
      return plain(allowed ?? [])
    },
    async schemas() {
      const {schemaNames} = await import('@cgpu/core/schema/commands')
      return plain(schemaNames().map((name) => name.replaceAll(':', ' ')))
    },
    notebooks: async () => (await import('./sources/notebooks.ts')).notebooks(dirs.cache),
    async localEntries() {
      const entries = process.getBuiltinModule('node:fs').readdirSync(cwd, {withFileTypes: true})
      return entries.map((entry) => ({value: entry.isDirectory() ? `${entry.name}/` : entry.name}))
    },
  }
}
