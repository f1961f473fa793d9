import {ConfigStore} from '@cgpu/core/config/store'
import {settingNamed, settings} from '@cgpu/core/config/settings'
import type {Dirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {Candidate, CompletionSources} from './types.ts'

export interface SourceOptions {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  cwd: string
}

const plain = (values: Iterable<string>): Candidate[] => [...values].map((value) => ({value}))

/** The sources of the real thing. What is heavy is loaded when it is asked for. */
export function liveSources({dirs, env, cwd}: SourceOptions): CompletionSources {
  const open = async () => {
    const [{Cgpu}, {builtInProviders}] = await Promise.all([import('@cgpu/core/cgpu'), import('../providers.ts')])
    return Cgpu.open({dirs, env, cwd, providers: builtInProviders})
  }
  const server = async (runtime: string | undefined) => {
    const cgpu = await open()
    const record = await cgpu.runtimes.select(runtime ?? cgpu.settings.text('runtime'))
    const provider = await cgpu.runtimes.provider(record.provider)
    const [endpoint, {JupyterServer}] = await Promise.all([provider.connect(record.providerId), import('@cgpu/jupyter')])
    return {server: new JupyterServer(endpoint), workdir: endpoint.workdir}
  }
  return {
    async runtimes() {
      const {RecordStore} = await import('@cgpu/core/runtime/store')
      const records = await new RecordStore(dirs.state).list()
      return records.map(({name, provider, accelerator}) => ({value: name, description: `${provider}, ${accelerator.name ?? accelerator.id}`}))
    },
    async providers() {
      const {builtInProviders} = await import('../providers.ts')
      return plain(builtInProviders.map(({id}) => id))
    },
    async accelerators(kind, provider) {
      const cgpu = await open()
      const all = await cgpu.runtimes.accelerators(provider ?? cgpu.settings.text('provider') ?? 'local')
      return all.filter((one) => one.kind === kind).map(({id, name}) => ({value: id, description: name}))
    },
    async kernels(runtime) {
      const {specs} = await (await server(runtime)).server.kernelSpecs()
      return specs.map(({name, displayName}) => ({value: name, description: displayName}))
    },
    async runningKernels(runtime) {
      const [{server: there}, {viewsOf}] = await Promise.all([server(runtime), import('@cgpu/core/kernels/view')])
      const [kernels, sessions] = await Promise.all([there.listKernels(), there.listSessions()])
      return viewsOf({kernels, sessions, specs: []}).map(({id, name, spec, state}) => ({value: name ?? id, description: `${spec}, ${state}`}))
    },
    async terminals(runtime) {
      const cgpu = await open()
      const record = await cgpu.runtimes.select(runtime ?? cgpu.settings.text('runtime'))
      // where no agent ever was, no terminal is: none is started for a word that is being typed
      if (record.kernels['control'] === undefined) return []
      const {Terminals} = await import('@cgpu/core/terminals/terminals')
      const session = await cgpu.connect(record)
      try {
        return (await new Terminals(session).list()).map(({name, foreground}) => ({value: name, description: foreground ?? undefined}))
      } finally {
        await session.close()
      }
    },
    async forwards() {
      const {ForwardStore, viewOf} = await import('@cgpu/core/ports/record')
      return (await new ForwardStore(dirs.state).list()).map(viewOf).map(({id, runtime, forwards}) => ({value: id, description: `${forwards.map(({local}) => local).join(', ')}, to ${runtime}`}))
    },
    profiles: async () => plain(await new ConfigStore(dirs.config).profiles()),
    async accounts() {
      const [{resolveSettings}, {openAccounts}] = await Promise.all([import('@cgpu/core/config/resolve'), import('@cgpu/accounts')])
      const accounts = await openAccounts({dirs, env, settings: await resolveSettings({env, cwd, configDir: dirs.config})})
      return (await accounts.stored()).map(({email, name, kind}) => ({value: email, description: name ?? kind}))
    },
    async secrets() {
      const [{SecretVault}, {SecretSources}] = await Promise.all([import('@cgpu/core/secrets/vault'), import('@cgpu/core/secrets/sources')])
      // names only: no keyring is asked
      const known = await new SecretSources({env, cwd, vault: new SecretVault({configDir: dirs.config})}).known()
      return [...known].map(([value, sources]) => ({value, description: sources.join(', ')}))
    },
    async jobs() {
      const [{JobStore}, {commandOf}] = await Promise.all([import('@cgpu/core/job/store'), import('@cgpu/core/job/record')])
      return (await new JobStore(dirs.state).list()).map(({id, request, seen}) => ({value: id, description: `${seen?.state ?? 'started'}: ${commandOf(request).join(' ')}`.slice(0, 80)}))
    },
    async schedules() {
      const [{ScheduleStore}, {shellLine}] = await Promise.all([import('@cgpu/core/schedule/store'), import('@cgpu/core/text/quote')])
      return (await new ScheduleStore(dirs.state).list()).map(({name, enabled, argv}) => ({value: name, description: `${enabled ? '' : 'paused: '}${sanitizeLine(shellLine(argv), 60)}`}))
    },
    async executions() {
      const [{HistoryStore}, {newestFirst}, {commandText}] = await Promise.all([import('@cgpu/core/history/store'), import('@cgpu/core/history/read'), import('../render/history.ts')])
      const found: Candidate[] = []
      for (const entry of newestFirst(new HistoryStore(dirs.state).folder)) {
        if (found.push({value: entry.id, description: `${entry.status}: ${sanitizeLine(commandText(entry), 60)}`}) >= 50) break
      }
      return found
    },
    settings: async () => settings.map(({key, description}) => ({value: key, description})),
    async settingValues(key) {
      const {type, allowed} = settingNamed(key)
      if (type === 'boolean') return plain(['true', 'false'])
      if (key === 'provider') return this.providers()
      if (key === 'runtime') return this.runtimes()
      if (key === 'account') return this.accounts()
      if (key === 'gpu' || key === 'tpu') return this.accelerators(key, undefined)
      return plain(allowed ?? [])
    },
    async schemas() {
      const {schemaNames} = await import('@cgpu/core/schema/commands')
      return plain(schemaNames().map((name) => name.replaceAll(':', ' ')))
    },
    async remoteEntries(runtime, folder) {
      const {server: jupyter, workdir} = await server(runtime)
      // the contents API knows only what is below the working folder, by paths relative to it
      const absolute = folder.startsWith('/')
      if (absolute && (workdir === undefined || !folder.startsWith(`${workdir.replace(/\/$/, '')}/`))) return []
      const path = absolute ? folder.slice((workdir ?? '').replace(/\/$/, '').length + 1) : folder
      const {content} = await jupyter.getContents(path.replace(/\/$/, ''))
      if (!Array.isArray(content)) return []
      return content.flatMap((one: unknown) => {
        const {name, type} = (one ?? {}) as {name?: unknown; type?: unknown} // a server's answer: anything may be missing
        return typeof name === 'string' ? [{value: type === 'directory' ? `${name}/` : name}] : []
      })
    },
  }
}
