import {readdir, realpath, stat} from 'node:fs/promises'
import {setTimeout as delay} from 'node:timers/promises'
import {errors} from '@cgpu/core/errors'
import type {
  Accelerator, CreateOptions, ProviderCapabilities, ProviderContext, ProviderRuntime, RuntimeEndpoint, RuntimeProvider, RuntimeSpec,
} from '@cgpu/core/provider'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {isShortOfFiles} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {isRuntimeId, runtimeFolder} from './layout.ts'
import {alive} from './processes.ts'
import {readProcesses, readRecord} from './records.ts'
import {endpointUrl, lookAt} from './state.ts'

const closingMs = 10_000

/**
 * Runtimes on this machine. Their state is in folders that every command reads afresh, so nothing is remembered here.
 * What only some calls need is loaded by those: `list` and `connect` are on the way of every command.
 */
export class LocalProvider implements RuntimeProvider {
  readonly id = 'local'
  readonly title = 'this machine'
  readonly capabilities: ProviderCapabilities = {
    create: true, accelerators: true, highRam: false, image: false, add: false, release: true,
    terminal: false, computeUnits: false, keepAlive: false, selfRelease: false, browser: false, drive: false, ports: false, ssh: false,
  }
  readonly #context: ProviderContext

  constructor(context: ProviderContext) {
    this.#context = context
  }

  async accelerators(): Promise<Accelerator[]> {
    const {localAccelerators} = await import('./accelerators.ts')
    return localAccelerators(this.#context.env)
  }

  async list(): Promise<ProviderRuntime[]> {
    const stateDir = await this.#stateDir()
    const names = await readdir(stateDir).catch((error: unknown) => {
      if (isShortOfFiles(error)) throw error
      return []
    })
    const seen = await Promise.all(names.filter(isRuntimeId).map((id) => lookAt(stateDir, id)))
    return seen.filter((one) => one !== null).sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  async get(id: string): Promise<ProviderRuntime | null> {
    return isRuntimeId(id) ? lookAt(await this.#stateDir(), id) : null
  }

  async create(spec: RuntimeSpec, options: CreateOptions): Promise<ProviderRuntime> {
    if (spec.highRam) throw missing('has no high-memory machines', 'highRam', 'leave --high-ram out')
    if (spec.image !== undefined) throw missing('has no images to choose from', 'image', 'leave --image out')
    const {createRuntime} = await import('./create.ts')
    return createRuntime(this.#context, spec, options)
  }

  async release(id: string): Promise<void> {
    // what this provider cannot have made is gone
    if (!isRuntimeId(id)) return
    const {releaseRuntime} = await import('./release.ts')
    await releaseRuntime(await this.#stateDir(), id)
  }

  async connect(id: string): Promise<RuntimeEndpoint> {
    if (!isRuntimeId(id)) throw unknown(id)
    const paths = runtimeFolder(await this.#stateDir(), id)
    const [record, processes] = await Promise.all([readRecord(paths.record), readProcesses(paths.processes)])
    if (record === null && !(await exists(paths.folder))) throw unknown(id)
    if (!record || !(await alive(processes?.server))) {
      const name = (await this.#context.nameOf?.(id)) ?? id
      throw errors.network(record === null ? `${name} is not ready` : `the server of ${name} is gone`, {
        code: 'RUNTIME_UNREACHABLE', category: 'runtime', retryable: record === null,
        fix: record === null ? 'try again in a moment' : `release it and make another: cgpu runtime release ${name}`,
      })
    }
    const {trace} = this.#context
    return {url: endpointUrl(record.port), token: record.token, workdir: paths.work, agentHome: paths.agent, ...(trace ? {trace} : {})}
  }

  /** Takes the runtime from its owner: from now on it ends by `release` only. Throws RUNTIME_NOT_FOUND (66). */
  async keep(id: string): Promise<void> {
    if (!isRuntimeId(id)) throw unknown(id)
    const paths = runtimeFolder(await this.#stateDir(), id)
    if (!(await exists(paths.folder))) throw unknown(id)
    await writeAtomic(paths.lease, JSON.stringify({owner: null}))
    // the supervisor marks that it is about to stop before it looks at the lease a last time
    const deadline = performance.now() + closingMs
    while (await exists(paths.closing)) {
      if (performance.now() > deadline) throw unknown(id)
      await delay(15)
    }
    if (!(await exists(paths.record))) throw unknown(id)
  }

  async reap(): Promise<{id: string; reason: string}[]> {
    const {reapRuntimes} = await import('./reap.ts')
    return reapRuntimes(await this.#stateDir())
  }

  /** Without links, as `create` wrote it: processes are found by this path. */
  #stateDir(): Promise<string> {
    return realpath(this.#context.stateDir).catch(() => this.#context.stateDir)
  }
}

function missing(what: string, capability: keyof ProviderCapabilities, fix: string): Error {
  return errors.usage(`local ${what}`, {code: 'CAPABILITY_MISSING', fix, details: {provider: 'local', capability}})
}

function unknown(id: string): Error {
  return errors.notFound(`this machine has no runtime ${sanitizeLine(id, 60)}`, {code: 'RUNTIME_NOT_FOUND', fix: 'cgpu runtime list'})
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false)
}
