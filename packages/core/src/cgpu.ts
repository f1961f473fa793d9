import {join} from 'node:path'
import {type AccountAccess, noAccounts} from './account.ts'
import {FolderDefaults} from './config/folder.ts'
import {resolveSettings, type Settings} from './config/resolve.ts'
import {colabElsewhere} from './google/hosts.ts'
import type {Realms} from './job/realm.ts'
import type {ProviderContext, RuntimeProvider, SecretStore} from './provider.ts'
import type {KeepAlive} from './runtime/presence.ts'
import type {RuntimeRecord} from './runtime/record.ts'
import {type ProviderEntry, ProviderRegistry} from './runtime/registry.ts'
import {gone} from './runtime/choose.ts'
import {type LifecycleListener, Runtimes} from './runtime/service.ts'
import {RuntimeSession, type SessionOptions} from './runtime/session.ts'
import {RecordStore} from './runtime/store.ts'
import type {Dirs} from './state/dirs.ts'
import {FileSecretStore} from './state/secrets.ts'

export interface CgpuOptions {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  cwd: string
  providers: ProviderEntry[]
  /** makes the accounts when a provider first needs them; absent: nobody can sign in */
  accounts?: (settings: Settings) => Promise<AccountAccess>
  /** parsed flags by name; those that are settings take part in resolving them */
  flags?: Readonly<Record<string, unknown>>
  lifecycle?: LifecycleListener
  onWarning?: (message: string) => void
  /** wire traces for --verbose */
  trace?: (line: string) => void
  /** told the secrets that providers use, so that no log has one */
  onSecret?: (value: string) => void
}

export interface ConnectOptions extends Pick<SessionOptions, 'signal' | 'onLink' | 'onGone' | 'heartbeatMs'> {
  /** asked before the provider is told that the machine is used; absent: it is as long as the session is open */
  keepsAlive?: () => boolean | Promise<boolean>
}

/** One process's use of cgpu: its settings, its runtimes, and the way onto them. */
export class Cgpu {
  readonly dirs: Dirs
  readonly settings: Settings
  readonly folders: FolderDefaults
  readonly runtimes: Runtimes
  readonly accounts: AccountAccess
  /** what of an account this process sees: that at Google, or at an emulator */
  readonly realms: Realms
  readonly #options: CgpuOptions
  readonly #store: RecordStore

  private constructor(options: CgpuOptions, settings: Settings, folders: FolderDefaults) {
    const {dirs, env, cwd, lifecycle, onWarning, onSecret, trace} = options
    this.#options = options
    this.dirs = dirs
    this.settings = settings
    this.folders = folders
    const realm = colabElsewhere((key) => settings.text(key)) ?? null
    this.#store = new RecordStore(dirs.state, onWarning, realm)
    const store = new FileSecretStore(dirs.config, {onWarning})
    const secrets = onSecret ? told(store, onSecret) : store
    const {accounts} = options
    this.accounts = accounts ? lazyAccounts(() => accounts(settings)) : noAccounts
    const context = (id: string): ProviderContext => ({
      stateDir: join(dirs.state, 'providers', id),
      secrets,
      accounts: this.accounts,
      setting: (key) => settings.text(key),
      env,
      cwd,
      nameOf: async (providerId) => (await this.#store.list()).find((one) => one.provider === id && one.providerId === providerId)?.name,
      ...(trace ? {trace} : {}),
      ...(onWarning ? {onWarning} : {}),
    })
    const registry = new ProviderRegistry(options.providers, context)
    this.realms = {here: realm, of: (id) => this.#store.realmOf(id), matters: (provider) => registry.needsAccount(provider)}
    this.runtimes = new Runtimes({
      registry,
      store: this.#store,
      defaultRuntime: () => Promise.resolve(settings.text('runtime')),
      connect: (record, signal) => this.connect(record, {signal}),
      beforeReap: async () => (await import('./job/of.ts')).jobsOf(this).keepMachines(),
      onRelease: async ({id}) => (await import('./job/release.ts')).endJobsOf(this, id),
      signedIn: async () => (await this.accounts.list()).length > 0,
      ...(lifecycle ? {lifecycle} : {}),
      ...(onWarning ? {onWarning} : {}),
    })
  }

  static async open(options: CgpuOptions): Promise<Cgpu> {
    const {dirs, env, cwd, flags, onWarning} = options
    const warn = onWarning ? {onWarning} : {}
    const folders = new FolderDefaults(dirs.state, warn)
    const folderRuntime = await folders.get(cwd)
    const settings = await resolveSettings({env, cwd, configDir: dirs.config, folderRuntime, ...(flags ? {flags} : {}), ...warn})
    return new Cgpu(options, settings, folders)
  }

  /** Told to the user. */
  warn(message: string): void {
    this.#options.onWarning?.(message)
  }

  /** Of a job that was left running: whoever listens (plugins) learns how it ended. */
  async jobEnded(...told: Parameters<NonNullable<LifecycleListener['jobEnded']>>): Promise<void> {
    await this.#options.lifecycle?.jobEnded?.(...told)
  }

  /** A session on a runtime. Throws RUNTIME_GONE (66) when its provider no longer has it. */
  async connect(record: RuntimeRecord, {keepsAlive, onGone, ...options}: ConnectOptions = {}): Promise<RuntimeSession> {
    const provider = await this.runtimes.provider(record.provider)
    const endpoint = await provider.connect(record.providerId).catch(async (error: unknown) => {
      if ((await provider.get(record.providerId).catch(() => undefined)) !== null) throw error
      await this.#store.remove(record.id)
      throw gone(record)
    })
    const {trace} = this.#options
    return new RuntimeSession({
      record, endpoint: trace ? {...endpoint, trace} : endpoint, store: this.#store,
      isGone: async () => (await provider.get(record.providerId)) === null,
      keepAlive: keepAliveOf(provider, record, keepsAlive),
      onGone: (told) => {
        onGone?.(told)
        this.#store.remove(record.id).catch(() => undefined) // what is left of it is forgotten by the next list
      },
      ...options,
    })
  }
}

const keepAliveMs = 5 * 60_000

/** Well below the idle timeout, so that two lost beats in a row do no harm. */
function keepAliveOf(provider: RuntimeProvider, {providerId, idleTimeoutSeconds = Infinity}: RuntimeRecord, wanted: () => boolean | Promise<boolean> = () => true): KeepAlive | undefined {
  if (!provider.capabilities.keepAlive || !provider.keepAlive) return undefined
  return {
    everyMs: Math.max(1_000, Math.min(keepAliveMs, (idleTimeoutSeconds * 1000) / 3)),
    beat: async (signal) => !(await wanted()) ? 'alive' : (await provider.keepAlive?.(providerId, {signal})) ?? 'alive',
  }
}

function told(store: SecretStore, onSecret: (value: string) => void): SecretStore {
  return {
    async get(key) {
      const value = await store.get(key)
      if (value !== undefined) onSecret(value)
      return value
    },
    async set(key, value) {
      onSecret(value)
      await store.set(key, value)
    },
    delete: (key) => store.delete(key),
  }
}

/** Loaded when first asked: most commands need no account. */
function lazyAccounts(load: () => Promise<AccountAccess>): AccountAccess {
  let loaded: Promise<AccountAccess> | undefined
  const get = (): Promise<AccountAccess> => (loaded ??= load())
  return {
    current: async () => (await get()).current(),
    list: async () => (await get()).list(),
    token: async (request) => (await get()).token(request),
  }
}
