import {CgpuError, errors} from '@cgpu/core/errors'
import type {
  Accelerator, CreateOptions, KernelHost, ProviderCapabilities, ProviderContext, ProviderRuntime, RuntimeEndpoint, RuntimeProvider, RuntimeSpec, SshGate, Usage,
} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {ServerOptions} from '@cgpu/jupyter'
import {Colab} from './context.ts'
import {type Effects, realEffects} from './effects.ts'
import {endpointOf} from './endpoint.ts'
import {machinesOf, remembered, viewOf} from './look.ts'
import {accountAt, madeAt} from './state/records.ts'

const jupyterPort = 8080

/**
 * Runtimes on Google Colab. What Colab says is the truth; the folder of this provider remembers what Colab does not tell: who made a
 * machine, when, and for which process. What only some calls need is loaded by those.
 */
export class ColabProvider implements RuntimeProvider {
  readonly id = 'colab'
  readonly title = 'Google Colab'
  readonly capabilities: ProviderCapabilities = {
    create: true, accelerators: true, highRam: true, image: true, add: false, release: true,
    terminal: true, computeUnits: true, keepAlive: true, selfRelease: true, browser: true, drive: true, ports: true, ssh: true,
  }
  readonly #context: ProviderContext
  readonly #effects: Effects
  #made: Colab | undefined

  constructor(context: ProviderContext, effects: Effects = realEffects) {
    this.#context = context
    this.#effects = effects
  }

  async accelerators(): Promise<Accelerator[]> {
    const {acceleratorsOf} = await import('./accelerators.ts')
    const api = await this.#colab.api(await this.#colab.currentAccount())
    return acceleratorsOf(await api.userInfo())
  }

  /** The current account's, and those of accounts that made or saw machines here. One that cannot be asked yields what is remembered. */
  async list(): Promise<ProviderRuntime[]> {
    const colab = this.#colab
    const current = await colab.currentAccount()
    const records = await colab.records.read()
    const known = [...Object.values(records.made), ...Object.values(records.seen)].map((one) => one.account)
    const accounts = [...new Set([current, ...known])]
    const failures: CgpuError[] = []
    const views = await Promise.all(accounts.map(async (account) => {
      try {
        return await Promise.all((await machinesOf(colab, account)).map((one) => viewOf(colab, one)))
      } catch (error) {
        if (!(error instanceof CgpuError)) throw error
        failures.push(error)
        return await remembered(colab, account)
      }
    }))
    const [first] = failures
    // one account that cannot be asked hides no machine of another
    if (first && failures.length === accounts.length) throw first
    for (const {message, fix} of failures) this.#context.onWarning?.(fix === undefined ? message : `${message}; fix: ${fix}`)
    return views.flat().sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  async get(id: string): Promise<ProviderRuntime | null> {
    if (!isEndpoint(id)) return null
    const found = (await machinesOf(this.#colab, await this.#accountOf(id))).find(({assignment}) => assignment.endpoint === id)
    return found ? viewOf(this.#colab, found) : null
  }

  async create(spec: RuntimeSpec, options: CreateOptions): Promise<ProviderRuntime> {
    const {createRuntime} = await import('./create.ts')
    return createRuntime(this.#colab, spec, options)
  }

  async release(id: string, options: {signal?: AbortSignal} = {}): Promise<void> {
    // what cannot be a machine's name is gone
    if (!isEndpoint(id)) return
    const {releaseRuntime} = await import('./release.ts')
    await releaseRuntime(this.#colab, id, options.signal)
  }

  /** Costs no request while a token of the machine is known. Throws RUNTIME_NOT_FOUND (66). */
  async connect(id: string): Promise<RuntimeEndpoint> {
    const endpoint = await this.#endpoint(id, jupyterPort)
    return {
      ...endpoint,
      answerKernel: async (message, host) => {
        const {kernelRequests} = await import('./kernel-requests.ts')
        return kernelRequests({authorize: (what, consent) => this.authorizeMachine(id, what, consent)})(message, host)
      },
    }
  }

  async portEndpoint(id: string, port: number): Promise<ServerOptions> {
    return this.#endpoint(id, port)
  }

  /** One session at a time (protocol notes, 6.1). Machines that were made without SSH answer 404 to it. */
  async sshGate(id: string): Promise<SshGate> {
    return {
      ...(await this.#endpoint(id, jupyterPort)),
      path: 'colab/ssh', keyHeader: 'X-Colab-Ssh-Pubkey', maxFrameBytes: 8192, user: 'root',
      keyTypes: ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
    }
  }

  /** From now on it ends by `release` only. Throws RUNTIME_NOT_FOUND (66). */
  async keep(id: string): Promise<void> {
    let known = false
    await this.#colab.records.update(({made, seen}) => {
      const one = madeAt({made, seen}, id)
      known = one !== undefined || Object.hasOwn(seen, id)
      return one ? {made: {...made, [one.key]: {...one, owner: null}}, seen} : undefined
    })
    if (!known) throw unknown(id)
  }

  /** Only Colab's word that there is no such machine counts as gone: what fails otherwise is tried again by the next call. */
  async keepAlive(id: string, options: {signal?: AbortSignal} = {}): Promise<'alive' | 'gone'> {
    if (!isEndpoint(id)) return 'gone'
    const api = await this.#colab.api(await this.#accountOf(id))
    return api.keepAlive(id, options).catch((error: unknown) => {
      options.signal?.throwIfAborted()
      if (!(error instanceof CgpuError)) throw error
      this.#context.trace?.(`keep-alive of ${id}: ${error.message}`)
      return 'alive'
    })
  }

  /** The page that attaches Colab's notebook to the machine (protocol notes, 6.3). */
  async browserUrl(id: string): Promise<string> {
    if (!isEndpoint(id)) throw unknown(id)
    const backend = `/tun/m/${id}`
    const {colab} = this.#colab.hosts
    return `${colab}/notebooks/empty.ipynb?dbu=${encodeURIComponent(backend)}#datalabBackendUrl=${colab}${backend}`
  }

  async usage(): Promise<Usage> {
    const account = await this.#context.accounts.current()
    const {tier, balance, hourlyRate, runtimes, free} = await (await this.#colab.api(account.id)).userInfo({consumption: true})
    const left = (balance ?? 0) + (free?.remaining ?? 0)
    const counted = balance !== undefined || free !== undefined
    const secondsLeft = counted && hourlyRate !== undefined && hourlyRate > 0 ? Math.floor((left / hourlyRate) * 3600) : undefined
    return {
      account: account.id, tier,
      ...(balance === undefined ? {} : {balance}), ...(hourlyRate === undefined ? {} : {hourlyRate}),
      ...(secondsLeft === undefined ? {} : {secondsLeft}), ...(runtimes === undefined ? {} : {runtimes}), ...(free ? {free} : {}),
    }
  }

  async authorizeMachine(id: string, what: 'drive' | 'user', host: Pick<KernelHost, 'consent'> & {signal?: AbortSignal}): Promise<void> {
    if (!isEndpoint(id)) throw unknown(id)
    const {authorizeMachine} = await import('./propagate.ts')
    await authorizeMachine(await this.#colab.api(await this.#accountOf(id)), id, what, host)
  }

  async reap(): Promise<{id: string; reason: string}[]> {
    const {reapRuntimes} = await import('./reap.ts')
    return reapRuntimes(this.#colab)
  }

  async #endpoint(id: string, port: number): Promise<RuntimeEndpoint> {
    if (!isEndpoint(id)) throw unknown(id)
    const colab = this.#colab
    const account = await this.#accountOf(id)
    let token = await colab.tokens.fresh(id, port)
    if (!token && port === jupyterPort) {
      // the list says whether it is there, and brings the tokens along
      const found = (await machinesOf(colab, account)).some(({assignment}) => assignment.endpoint === id)
      if (!found) throw unknown(id)
      token = await colab.tokens.fresh(id, port)
    }
    const name = madeAt(await colab.records.read(), id)?.name
    const fetch = async () => (await colab.api(account)).proxyToken({endpoint: id, ...(name === undefined ? {} : {name})}, port)
    token ??= await colab.tokens.renew(id, port, fetch)
    if (!token) throw unknown(id)
    return endpointOf(colab, {endpoint: id, port, fetch}, token)
  }

  async #accountOf(id: string): Promise<string> {
    return accountAt(await this.#colab.records.read(), id) ?? (await this.#colab.currentAccount())
  }

  /** Made when it is first needed: a wrong setting is the error of the call that needs it. */
  get #colab(): Colab {
    this.#made ??= new Colab(this.#context, this.#effects)
    return this.#made
  }
}

/** Colab's names of machines; anything else would not be safe in a path. */
function isEndpoint(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(id)
}

function unknown(id: string): Error {
  return errors.notFound(`Colab has no runtime ${sanitizeLine(id, 60)}`, {code: 'RUNTIME_NOT_FOUND', fix: 'cgpu runtime list'})
}
