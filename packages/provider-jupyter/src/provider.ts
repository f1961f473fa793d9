import {errors} from '@cgpu/core/errors'
import type {
  Accelerator, AddOptions, ProviderCapabilities, ProviderContext, ProviderRuntime, RuntimeEndpoint, RuntimeProvider,
} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import {idOf, parseAddress} from './address.ts'
import {askSignedIn, checkServer, codeOf, withServer} from './check.ts'
import {type KnownServer, Servers} from './servers.ts'

/** `runtime list` waits for the slowest server, so an unreachable one is given up early. */
const lookMs = 3_000
const shutdownMs = 10_000

/** Jupyter servers that run already, by address and token. They are not cgpu's to stop. */
export class JupyterProvider implements RuntimeProvider {
  readonly id = 'jupyter'
  readonly title = 'a Jupyter server'
  readonly capabilities: ProviderCapabilities = {
    create: false, accelerators: false, highRam: false, image: false, add: true, release: false,
    terminal: false, computeUnits: false, keepAlive: false, selfRelease: false, browser: false, drive: false, ports: false, ssh: false,
  }
  readonly #context: ProviderContext
  readonly #servers: Servers

  constructor(context: ProviderContext) {
    this.#context = context
    this.#servers = new Servers(context.stateDir)
  }

  /** None can be asked for: a server has what it has. */
  async accelerators(): Promise<Accelerator[]> {
    return []
  }

  async list(): Promise<ProviderRuntime[]> {
    const servers = await this.#servers.all()
    const seen = await Promise.all(servers.map(([id, server]) => this.#look(id, server)))
    return seen.sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  async get(id: string): Promise<ProviderRuntime | null> {
    const server = await this.#servers.get(id)
    return server ? this.#look(id, server) : null
  }

  async create(): Promise<ProviderRuntime> {
    throw errors.usage('jupyter does not make runtimes', {
      code: 'CAPABILITY_MISSING', fix: 'cgpu runtime add URL --token-stdin', details: {provider: 'jupyter', capability: 'create'},
    })
  }

  /** Checks the server, then remembers it. Adding the same address again replaces its token and certificate. */
  async add({url: given, token: asked, ca, signal}: AddOptions): Promise<ProviderRuntime> {
    const address = parseAddress(given)
    if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) {
      throw errors.usage('the certificate file holds no PEM certificate', {code: 'INVALID_CA', fix: 'give a file that begins with -----BEGIN CERTIFICATE-----'})
    }
    const id = idOf(address.url)
    const token = asked ?? address.token ?? (await this.#context.secrets.get(secretKey(id)))
    // a token is sent in a header line of its own
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
      throw errors.usage('the token is empty or has spaces or other odd characters in it', {code: 'INVALID_TOKEN', fix: 'paste the token alone: cgpu runtime add URL --token-stdin'})
    }
    const server: KnownServer = {
      url: address.url, insecure: address.insecure, addedAt: new Date().toISOString(), ...(ca === undefined ? {} : {ca}),
    }
    await checkServer({server, token, trace: this.#context.trace}, signal)
    // the secret first: a server without its token would look as if it were refused
    if (token !== undefined) await this.#context.secrets.set(secretKey(id), token)
    await this.#servers.put(id, server)
    return view(id, server, 'ready')
  }

  /** Forgets the server and its token. The server stays as it is; kernels that cgpu started there are shut down. */
  async release(id: string, options: {signal?: AbortSignal} = {}): Promise<void> {
    const server = await this.#servers.get(id)
    if (server) {
      const within = AbortSignal.timeout(shutdownMs)
      await this.#shutDownOwnKernels(id, server, options.signal ? AbortSignal.any([options.signal, within]) : within)
      await this.#servers.remove(id)
    }
    await this.#context.secrets.delete(secretKey(id))
  }

  async connect(id: string): Promise<RuntimeEndpoint> {
    const server = await this.#servers.get(id)
    if (!server) {
      throw errors.notFound(`no Jupyter server ${sanitizeLine(id, 80)} was added`, {code: 'RUNTIME_NOT_FOUND', fix: 'cgpu runtime list'})
    }
    const token = await this.#context.secrets.get(secretKey(id))
    const {trace} = this.#context
    return {
      url: server.url,
      ...(token === undefined ? {} : {token}), ...(server.ca === undefined ? {} : {ca: server.ca}), ...(trace ? {trace} : {}),
    }
  }

  /** A server that cannot be reached is still there: nothing is ever dropped from here but by `release`. */
  async #look(id: string, server: KnownServer): Promise<ProviderRuntime> {
    const token = await this.#context.secrets.get(secretKey(id))
    const signal = AbortSignal.timeout(lookMs)
    const reach = {server, token, trace: this.#context.trace}
    const state = await withServer(reach, (client) => askSignedIn(client, signal)).then(
      () => 'ready',
      (error: unknown) => (codeOf(error) === 'AUTH' ? 'unauthorized' : 'unreachable'),
    )
    return view(id, server, state)
  }

  async #shutDownOwnKernels(id: string, server: KnownServer, signal: AbortSignal): Promise<void> {
    const token = await this.#context.secrets.get(secretKey(id))
    try {
      await withServer({server, token, trace: this.#context.trace}, async (client) => {
        // asked once before, as the list is asked for with retries that take no signal
        await client.request('GET', 'api', {signal})
        const own = (await client.listSessions()).filter(({type, path}) => type === 'console' && (path === 'cgpu' || path.startsWith('cgpu-')))
        await Promise.all(own.map((session) => client.deleteSession(session.id)))
      })
    } catch (error) {
      // a server that cannot be asked has kernels that cannot be stopped from here; forgetting must still work
      this.#context.trace?.(`kernels on ${server.url} were left: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function secretKey(id: string): string {
  return `jupyter:${id}:token`
}

function view(id: string, server: KnownServer, state: string): ProviderRuntime {
  return {
    id, state,
    accelerator: {id: 'unknown', kind: 'cpu', name: 'what the server has', available: true},
    createdAt: server.addedAt,
    endpointUrl: server.url,
    details: {insecure: server.insecure},
  }
}
