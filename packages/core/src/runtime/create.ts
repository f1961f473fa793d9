import type {ProviderRuntime, RuntimeProvider, RuntimeSpec} from '../provider.ts'
import {errors, withDetails} from '../errors.ts'
import {climb, type Rung} from './ladder.ts'
import type {CreateRequest, MakeOptions, RuntimesOptions} from './options.ts'
import {facts, type Lease, type RuntimeRecord} from './record.ts'
import {hourlyRate} from './rate.ts'
import {refuseUnknown, refuseUnsupported} from './spec.ts'
import {mismatch, verify} from './verify.ts'

/** seconds; what is kept may wait for its user over a long lunch, what a run made is only for that run */
const usualLease = {kept: 2 * 3600, ephemeral: 15 * 60}

/** Makes runtimes: tries the accelerators that were asked for, and looks at what it got. */
export class RuntimeMaker {
  readonly #options: RuntimesOptions

  constructor(options: RuntimesOptions) {
    this.#options = options
  }

  /** Nothing is left behind when it fails or is aborted. `name` is free. */
  async make(request: CreateRequest & {name: string}, options: MakeOptions): Promise<{record: RuntimeRecord; made: ProviderRuntime}> {
    const {registry, onWarning} = this.#options
    const {waitMs = 0, ...createOptions} = options
    const provider = await registry.get(request.provider)
    const rungs = [request.spec.accelerator, ...(request.others ?? [])]
    for (const accelerator of rungs) refuseUnsupported(provider, {...request.spec, accelerator})
    if (rungs.length > 1) refuseUnknown(rungs, await provider.accelerators())
    const specs = new Map<Rung, RuntimeSpec>()
    return climb(
      rungs,
      async (accelerator) => {
        // plugins are asked once, not in each round of a long wait
        const spec = specs.get(accelerator) ?? (await this.#allowed({...request.spec, accelerator, name: request.name}, provider))
        specs.set(accelerator, spec)
        return this.#attempt(provider, spec, request, createOptions)
      },
      {waitMs, signal: options.signal, onProgress: options.onProgress, onWarning},
    )
  }

  /** Gives a machine that is there another lease. */
  async lease(record: RuntimeRecord, seconds: number, signal: AbortSignal | undefined): Promise<RuntimeRecord> {
    const {connect, store} = this.#options
    const session = await connect?.(record, signal)
    if (!session) return record
    try {
      const lease = await session.guard(async () => this.#lease(await session.agent(), seconds, record))
      return lease ? await store.update(record.id, (old) => ({...old, lease})) : record
    } finally {
      await session.close()
    }
  }

  async #allowed(spec: RuntimeSpec, provider: RuntimeProvider): Promise<RuntimeSpec> {
    const {lifecycle} = this.#options
    return lifecycle?.beforeCreate ? lifecycle.beforeCreate(spec, provider.id) : spec
  }

  async #attempt(provider: RuntimeProvider, spec: RuntimeSpec, request: CreateRequest, options: Omit<MakeOptions, 'waitMs'>): Promise<{record: RuntimeRecord; made: ProviderRuntime}> {
    const {store, onWarning} = this.#options
    const ephemeral = request.ephemeral ?? false
    const made = await provider.create(spec, {...options, ephemeral})
    const remembered = newRecord(provider.id, made, {name: spec.name, requested: spec.accelerator, origin: 'created', ephemeral})
    try {
      await store.put(remembered)
      const record = await this.#settle(provider, remembered, request, options)
      if (!ephemeral) await provider.keep?.(made.id)
      return {record, made}
    } catch (error) {
      // a runtime that nobody remembers would be left running: it is forgotten only when it is gone
      await provider.release(made.id).then(
        () => store.remove(remembered.id),
        () => onWarning?.(`${spec.name} could not be released; try again: cgpu runtime release ${spec.name}`),
      )
      throw withDetails(error, {hadMachine: true})
    }
  }

  /** Looks at the machine, and gives it a lease, where it is one that costs while nobody looks. */
  async #settle(provider: RuntimeProvider, record: RuntimeRecord, request: CreateRequest, options: MakeOptions): Promise<RuntimeRecord> {
    const {connect, store, now = () => new Date()} = this.#options
    const seconds = request.leaseSeconds === undefined ? usualLease[record.ephemeral ? 'ephemeral' : 'kept'] : request.leaseSeconds
    const looks = record.requested.kind !== 'cpu'
    if (!connect || !provider.capabilities.selfRelease || (!looks && seconds === null)) return record
    options.onProgress?.({message: looks ? 'checking the accelerator' : 'starting the agent'})
    const rate = store.list().then((known) => hourlyRate(provider, record, known))
    rate.catch(() => undefined)
    const session = await connect(record, options.signal)
    try {
      const agent = await session.agent()
      const found = looks ? verify(record.requested, record.accelerator, (await session.guard(() => agent.devices({signal: options.signal}))).accelerators) : undefined
      if (found && !found.asAsked) {
        if (!options.allowDowngrade) throw mismatch(record.requested, found.accelerator)
        this.#options.onWarning?.(`${record.name} has ${found.accelerator.name}, not what was asked for`)
      }
      const lease = seconds === null ? undefined : await session.guard(() => this.#lease(agent, seconds, record))
      const perHour = await rate
      return await store.update(record.id, (old) => ({
        ...old,
        ...(perHour === undefined ? {} : {hourlyRate: perHour}),
        ...(found ? {accelerator: found.accelerator, verifiedAt: now().toISOString()} : {}),
        ...(lease ? {lease} : {}),
      }))
    } finally {
      await session.close()
    }
  }

  async #lease(agent: {lease: (seconds: number) => Promise<{set: boolean; reason?: string}>}, seconds: number, {name}: RuntimeRecord): Promise<Lease | undefined> {
    const {set, reason} = await agent.lease(seconds)
    if (set) return {seconds, renewedAt: (this.#options.now?.() ?? new Date()).toISOString()}
    this.#options.onWarning?.(`${name} will not release itself (${reason ?? 'no reason given'}): do not forget it`)
    return undefined
  }
}

export function newRecord(
  provider: string,
  found: ProviderRuntime,
  more: Pick<RuntimeRecord, 'name' | 'requested' | 'origin' | 'ephemeral'>,
): RuntimeRecord {
  return {
    version: 1,
    id: `${provider}-${found.id}`,
    provider,
    providerId: found.id,
    accelerator: found.accelerator,
    endpointUrl: found.endpointUrl,
    createdAt: found.createdAt,
    kernels: {},
    ...facts(found),
    ...more,
  }
}

/** Throws CAPABILITY_MISSING (64): a lease that nobody keeps is worse than none. */
export function refuseLease(provider: RuntimeProvider): void {
  if (provider.capabilities.selfRelease) return
  throw errors.usage(`runtimes of ${provider.id} cannot release themselves`, {
    code: 'CAPABILITY_MISSING', fix: 'leave --lease out', details: {provider: provider.id, capability: 'selfRelease'},
  })
}
