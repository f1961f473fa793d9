import {CgpuError, errors} from '../errors.ts'
import type {Accelerator, AddOptions, ProviderRuntime, RuntimeProvider, Usage} from '../provider.ts'
import {generateName, matchPrefix, validateName} from '../text/names.ts'
import {chooseRuntime, gone, refuseToGuess, unreachable} from './choose.ts'
import {newRecord, refuseLease, RuntimeMaker} from './create.ts'
import {type Rung, rungName} from './ladder.ts'
import {type AdoptOptions, type CreateRequest, type MakeOptions, type ReapedRuntime, type ReleasedRuntime, type ReleaseOptions, type RuntimesOptions, sameAccount, type WantedProvider} from './options.ts'
import {type Runtime, type RuntimeRecord, viewOf} from './record.ts'
import {releaseRuntime} from './release.ts'
import {sameAccelerator} from './spec.ts'

export type {CreateRequest, LifecycleListener, ReleasedRuntime, RuntimesOptions, WantedProvider} from './options.ts'

/** another command's creation of the same name is waited for so much longer than that command waits itself */
const longestCreationMs = 10 * 60_000

/** The runtimes of this user: what is remembered here, checked against what the providers say. */
export class Runtimes {
  readonly #options: RuntimesOptions
  readonly #maker: RuntimeMaker

  constructor(options: RuntimesOptions) {
    this.#options = options
    this.#maker = new RuntimeMaker(options)
  }

  /**
   * All runtimes, newest first; the providers are asked at once. One that cannot be asked yields what was known; where that is
   * nothing at all, its error is thrown: that there are no runtimes is for a provider to say.
   */
  async list(): Promise<Runtime[]> {
    const {runtimes, failures} = await this.#look()
    const [first] = failures
    if (first && runtimes.length === 0) throw first.error
    for (const {provider, error} of failures) this.#cannotAsk(provider, error)
    return runtimes
  }

  /** `failures`: of the providers that could not be asked. */
  async #look(): Promise<{runtimes: Runtime[]; failures: {provider: string; error: CgpuError}[]}> {
    const {store} = this.#options
    const [records, usual] = await Promise.all([store.list(), this.#options.defaultRuntime()])
    const asked = await this.#worthAsking(records)
    const answers = await Promise.all(asked.map(async (id) => [id, await this.#ask(id, (provider) => provider.list())] as const))
    const runtimes: Runtime[] = []
    const failures: {provider: string; error: CgpuError}[] = []
    for (const [provider, answer] of answers) {
      const known = records.filter((record) => record.provider === provider)
      if (answer instanceof CgpuError) {
        failures.push({provider, error: answer})
        runtimes.push(...known.map((record) => this.#view(record, null, usual, answer.message)))
        continue
      }
      for (const found of answer) {
        const record = known.find((one) => one.providerId === found.id) ?? (await this.#adopt(provider, found, records))
        runtimes.push(this.#view(record, found, usual))
      }
      for (const record of known) {
        if (!answer.some((found) => found.id === record.providerId)) await store.remove(record.id)
      }
    }
    for (const record of records) {
      if (!asked.includes(record.provider)) runtimes.push(this.#view(record, null, usual, `there is no provider "${record.provider}"`))
    }
    return {runtimes: runtimes.sort((a, b) => b.createdAt.localeCompare(a.createdAt)), failures}
  }

  /** What is remembered, without asking anyone: for completion and for choosing. Newest first. */
  async remembered(): Promise<RuntimeRecord[]> {
    const records = await this.#options.store.list()
    return records.sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  /**
   * The runtime that a command works on: by id, name or unique prefix; without a query the default of the folder,
   * else the only one. Throws NOT_FOUND (66), AMBIGUOUS (64), NO_RUNTIME (66), RUNTIME_REQUIRED (64).
   */
  async select(query?: string): Promise<RuntimeRecord> {
    const [records, usual] = await Promise.all([this.remembered(), this.#options.defaultRuntime()])
    return chooseRuntime(records, query, usual) ?? refuseToGuess(records)
  }

  /** One runtime as its provider sees it now. */
  async show(query?: string): Promise<Runtime> {
    const record = await this.select(query)
    const usual = await this.#options.defaultRuntime()
    const provider = await this.#options.registry.get(record.provider)
    const found = await provider.get(record.providerId)
    if (found) return this.#view(record, found, usual)
    await this.#options.store.remove(record.id)
    throw gone(record)
  }

  /**
   * A runtime that suits a run: the one named, the default, or the only one, if it is there and of a kind that is wanted. The
   * default is passed over only for another `provider` that was asked for in this call, the only one for any that is set.
   */
  async reusable(query: string | undefined, wanted: readonly Rung[], provider: WantedProvider = {}): Promise<RuntimeRecord | undefined> {
    const [records, usual] = await Promise.all([this.remembered(), this.#options.defaultRuntime()])
    const named = query !== undefined || usual !== undefined
    const asked = named ? provider.asked : (provider.asked ?? provider.set)
    const record = chooseRuntime(records, query, usual)
    if (!record) return undefined
    if (query === undefined && asked !== undefined && record.provider !== asked) return undefined
    const {account} = provider
    if (query === undefined && account !== undefined && record.account !== undefined && !sameAccount(account, record.account)) return undefined
    if (wanted.length > 0 && !wanted.some((rung) => sameAccelerator(rung, record.accelerator))) {
      if (query === undefined) return undefined
      throw errors.usage(`${record.name} has ${record.accelerator.name}, not what was asked for`, {
        code: 'ACCELERATOR_MISMATCH', fix: 'leave the accelerator flag out, or name another runtime',
      })
    }
    const found = await (await this.#options.registry.get(record.provider)).get(record.providerId)
    if (found && found.state !== 'unreachable') return record
    if (!found) await this.#options.store.remove(record.id)
    if (named) throw found ? unreachable(record) : gone(record)
    return undefined
  }

  /** Makes a runtime. Nothing is left behind when it fails or is aborted. */
  async create(request: CreateRequest, options: MakeOptions = {}): Promise<Runtime> {
    const {name} = request
    if (name === undefined) return this.#create(request, options)
    validateName(name)
    return this.#naming(name, options, () => this.#create(request, options))
  }

  async #create(request: CreateRequest, options: MakeOptions): Promise<Runtime> {
    const {registry, lifecycle} = this.#options
    if (request.needsLease) refuseLease(await registry.get(request.provider))
    const name = await this.#freeName(request.name)
    const {record, made} = await this.#maker.make({...request, name}, options)
    const runtime = this.#view(record, made, await this.#options.defaultRuntime())
    await lifecycle?.afterCreate?.(runtime)
    return runtime
  }

  /** The runtime of that name, made if it is not there. Idempotent. Throws CONFLICT when it is of another kind. */
  async ensure(request: CreateRequest & {name: string}, options: MakeOptions = {}): Promise<{runtime: Runtime; created: boolean}> {
    validateName(request.name)
    return this.#naming(request.name, options, () => this.#ensure(request, options))
  }

  async #ensure(request: CreateRequest & {name: string}, options: MakeOptions): Promise<{runtime: Runtime; created: boolean}> {
    const existing = (await this.remembered()).find((record) => record.name === request.name)
    if (existing) {
      const found = await (await this.#options.registry.get(existing.provider)).get(existing.providerId)
      if (found) {
        if (existing.provider !== request.provider || !suits(existing, request, options)) {
          throw errors.conflict(`${request.name} exists on ${existing.provider} with ${existing.accelerator.name}`, {
            code: 'RUNTIME_DIFFERS', fix: `cgpu runtime release ${request.name}, or choose another name`,
          })
        }
        if (request.needsLease) refuseLease(await this.#options.registry.get(request.provider))
        const record = request.needsLease && request.leaseSeconds ? await this.#maker.lease(existing, request.leaseSeconds, options.signal) : existing
        return {runtime: this.#view(record, found, await this.#options.defaultRuntime()), created: false}
      }
      await this.#options.store.remove(existing.id)
    }
    return {runtime: await this.#create(request, options), created: true}
  }

  /** Remembers a machine that exists already. */
  async add(providerId: string, added: AddOptions, name?: string): Promise<Runtime> {
    const provider = await this.#options.registry.get(providerId)
    if (!provider.add || !provider.capabilities.add) {
      throw errors.usage(`runtimes cannot be added to ${provider.id}`, {code: 'CAPABILITY_MISSING', fix: 'cgpu runtime create'})
    }
    if (name !== undefined) validateName(name)
    const found = await provider.add(added)
    const records = await this.remembered()
    const known = records.find((record) => record.provider === providerId && record.providerId === found.id)
    const record = known
      ? await this.#options.store.update(known.id, (old) => ({...old, name: name ?? old.name, endpointUrl: found.endpointUrl}))
      : await this.#remember(providerId, found, {
          name: await this.#freeName(name), requested: {kind: found.accelerator.kind}, origin: 'added', ephemeral: false,
        })
    return this.#view(record, found, await this.#options.defaultRuntime())
  }

  async rename(query: string, name: string): Promise<Runtime> {
    const record = await this.select(query)
    validateName(name)
    await this.#freeName(name, record.id)
    const renamed = await this.#options.store.update(record.id, (old) => ({...old, name}))
    return this.#view(renamed, null, await this.#options.defaultRuntime())
  }

  /**
   * Releases runtimes; forgets one only when its provider said that it is gone. Idempotent. One that cannot be released
   * keeps no other from it: its error is thrown when all were tried, those of further ones become warnings.
   */
  async release(records: RuntimeRecord[], options: ReleaseOptions = {}): Promise<ReleasedRuntime[]> {
    const outcomes = await Promise.allSettled(records.map(async (record) => {
      const released = await releaseRuntime(this.#options, record, options)
      await options.onReleased?.(released)
      return released
    }))
    const failed = outcomes.filter((one) => one.status === 'rejected').map((one): unknown => one.reason)
    if (failed.length === 0) return outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    for (const other of failed.slice(1)) this.#options.onWarning?.(other instanceof Error ? other.message : String(other))
    throw failed[0]
  }

  /** A runtime of another realm, whose emulator or account this process does not see, by id, name or unique prefix; with where it is. Throws as `select`. */
  async selectElsewhere(query: string): Promise<{record: RuntimeRecord; realm: string | null}> {
    const others = await this.#options.store.elsewhere()
    return matchPrefix(query, others.map(({record, realm}) => ({id: record.id, name: record.name, record, realm})), 'runtime')
  }

  /** Remembers a runtime no more, without a word to its provider: it may go on there. Nobody is to go on with its jobs. */
  async forget(record: RuntimeRecord): Promise<ReleasedRuntime> {
    const {id, name, provider, createdAt} = record
    await this.#options.onRelease?.(record)
    await this.#options.store.remove(id)
    return {id, name, provider, durationSeconds: Math.max(0, (this.#now().getTime() - Date.parse(createdAt)) / 1000), stopped: false}
  }

  /** Stops leftovers of crashed commands at every provider, and forgets what is gone. */
  async reap(): Promise<ReapedRuntime[]> {
    const reaped: ReapedRuntime[] = []
    await this.#options.beforeReap?.()
    const before = await this.remembered()
    const named = (one: ReapedRuntime): ReapedRuntime => {
      const name = before.find((record) => record.provider === one.provider && record.providerId === one.id)?.name
      return name === undefined ? one : {...one, name}
    }
    for (const id of await this.#worthAsking(before)) {
      const found = await this.#ask(id, async (provider) => (await provider.reap?.()) ?? [])
      if (found instanceof CgpuError) this.#cannotAsk(id, found)
      else reaped.push(...found.map((one) => named({provider: id, ...one})))
    }
    // whoever could not be asked was named above
    const {runtimes: after} = await this.#look()
    for (const record of before) {
      if (after.some((one) => one.id === record.id) || reaped.some((one) => one.id === record.providerId)) continue
      reaped.push(named({provider: record.provider, id: record.providerId, reason: 'gone, forgotten here'}))
    }
    return reaped
  }

  async accelerators(providerId: string): Promise<Accelerator[]> {
    return (await this.#options.registry.get(providerId)).accelerators()
  }

  /** What the account has used and has left. Without `providerId`: of the first provider that counts. Throws CAPABILITY_MISSING (64). */
  async usage(providerId?: string): Promise<Usage & {provider: string}> {
    const {registry} = this.#options
    for (const id of providerId === undefined ? registry.ids() : [providerId]) {
      const provider = await registry.get(id)
      if (provider.capabilities.computeUnits && provider.usage) return {provider: id, ...(await provider.usage())}
    }
    throw errors.usage(`${providerId ?? 'no provider'} counts no compute units`, {
      code: 'CAPABILITY_MISSING', fix: 'cgpu usage --provider colab', details: {capability: 'computeUnits', ...(providerId === undefined ? {} : {provider: providerId})},
    })
  }

  /** Where people open a runtime in a browser. Throws CAPABILITY_MISSING (64). */
  async browserUrl(query?: string): Promise<{runtime: string; url: string}> {
    const record = await this.select(query)
    const provider = await this.#options.registry.get(record.provider)
    if (provider.browserUrl && provider.capabilities.browser) return {runtime: record.name, url: await provider.browserUrl(record.providerId)}
    throw errors.usage(`runtimes of ${provider.id} have no page in a browser`, {
      code: 'CAPABILITY_MISSING', fix: 'cgpu runtime show gives the address of its server', details: {provider: provider.id, capability: 'browser'},
    })
  }

  /** Makes a runtime that was opened elsewhere one of ours, by its name here or its id at the provider; with a lease where one is asked for. Idempotent. */
  async adopt(query: string, {name, leaseSeconds, signal}: AdoptOptions = {}): Promise<Runtime> {
    if (name !== undefined) validateName(name)
    const listed = await this.list()
    const records = await this.remembered()
    const record = records.find((one) => one.providerId === query) ?? matchPrefix(query, records, 'runtime')
    if (name !== undefined) await this.#freeName(name, record.id)
    if (leaseSeconds !== undefined) refuseLease(await this.#options.registry.get(record.provider))
    const ours = await this.#options.store.update(record.id, (old) => ({
      ...old, name: name ?? old.name, origin: old.origin === 'foreign' ? 'adopted' : old.origin,
    }))
    const adopted = leaseSeconds === undefined ? ours : await this.#maker.lease(ours, leaseSeconds, signal)
    const seen = listed.find((one) => one.id === record.id)
    const view = this.#view(adopted, null, await this.#options.defaultRuntime())
    return seen ? {...seen, name: adopted.name, origin: adopted.origin, ...(view.lease ? {lease: view.lease} : {}), isDefault: view.isDefault} : view
  }

  /** What was made for a command outlives it from now on. */
  async keep(record: RuntimeRecord): Promise<void> {
    await (await this.provider(record.provider)).keep?.(record.providerId)
  }

  provider(id: string): Promise<RuntimeProvider> {
    return this.#options.registry.get(id)
  }

  #cannotAsk(provider: string, error: CgpuError): void {
    this.#options.onWarning?.(`${provider} could not be asked: ${error.message}`)
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date()
  }

  /** Providers that remember something here, or whose account may have runtimes that were made elsewhere. */
  async #worthAsking(records: readonly RuntimeRecord[]): Promise<string[]> {
    const {registry, store, signedIn} = this.#options
    const known = (id: string): boolean => records.some((record) => record.provider === id)
    const accounts = registry.ids().some((id) => registry.needsAccount(id) && !known(id)) && ((await signedIn?.()) ?? false)
    return registry.ids().filter((id) => known(id) || (registry.needsAccount(id) ? accounts : store.hasProviderState(id)))
  }

  async #ask<T>(id: string, what: (provider: RuntimeProvider) => Promise<T>): Promise<T | CgpuError> {
    try {
      return await what(await this.#options.registry.get(id))
    } catch (error) {
      if (error instanceof CgpuError) return error
      throw error
    }
  }

  /** One command at a time makes a runtime of that name: two would be two that are billed. */
  #naming<T>(name: string, {waitMs = 0, signal}: MakeOptions, work: () => Promise<T>): Promise<T> {
    return this.#options.store.naming(name, work, {timeoutMs: waitMs + longestCreationMs, signal})
  }

  async #freeName(wanted: string | undefined, except?: string): Promise<string> {
    const taken = (await this.remembered()).filter((record) => record.id !== except).map((record) => record.name)
    if (wanted === undefined) return generateName(taken, this.#options.random)
    if (taken.includes(wanted)) {
      throw errors.conflict(`a runtime named ${wanted} exists already`, {
        code: 'NAME_TAKEN', fix: `choose another name, or: cgpu runtime release ${wanted}`,
      })
    }
    return wanted
  }

  /** Someone else's cgpu (or a crash before the record was written) made it: it may be billed, so it gets a name. */
  async #adopt(provider: string, found: ProviderRuntime, records: RuntimeRecord[]): Promise<RuntimeRecord> {
    const record = await this.#remember(provider, found, {
      name: generateName(records.map((one) => one.name), this.#options.random),
      requested: {kind: found.accelerator.kind}, origin: found.foreign ? 'foreign' : 'created', ephemeral: false,
    })
    records.push(record)
    return record
  }

  async #remember(
    provider: string,
    found: ProviderRuntime,
    more: Pick<RuntimeRecord, 'name' | 'requested' | 'origin' | 'ephemeral'>,
  ): Promise<RuntimeRecord> {
    return this.#options.store.add(newRecord(provider, found, more))
  }

  #view(record: RuntimeRecord, found: ProviderRuntime | null, usual: string | undefined, problem?: string): Runtime {
    return viewOf(record, {found, usual, now: this.#now(), ...(problem === undefined ? {} : {problem})})
  }
}

/** Is it of the kind that is asked for? One that was taken in its place, by the same wish, is. */
function suits(record: RuntimeRecord, {spec, others = []}: CreateRequest, {allowDowngrade = false}: MakeOptions): boolean {
  const rungs = [spec.accelerator, ...others]
  if (rungs.some((rung) => sameAccelerator(rung, record.accelerator))) return true
  return allowDowngrade && rungs.some((rung) => rungName(rung) === rungName(record.requested))
}
