import {mkdtempSync, realpathSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import nock from 'nock'
import {FileSecretStore} from '@cgpu/core'
import type {AccountAccess, TokenRequest} from '@cgpu/core/account'
import {errors} from '@cgpu/core/errors'
import type {ProviderContext} from '@cgpu/core/provider'
import {ColabProvider} from '../../packages/provider-colab/src/provider.ts'
import type {Effects} from '../../packages/provider-colab/src/effects.ts'

// importing it puts it between every test of this process and the network
nock.restore()

export const session = 'https://colab.research.google.com'
export const gapi = 'https://colab.pa.googleapis.com'
export const publicApi = 'https://colaboratory.googleapis.com'
export const machine = 'https://8080-gpu-t4-s-1.us-central1-1.prod.colab.dev'
export const proxyToken = 'proxy-token-of-the-first-machine-0001'

/** Time that passes only by waiting, and what was waited for. */
export interface FakeEffects extends Effects {
  waits: number[]
  advance(ms: number): void
  setClock(ms: number): void
}

export function fakeEffects(): FakeEffects {
  let now = 1_000_000
  let offset = Date.parse('2026-11-22T12:00:00Z') - now
  const waits: number[] = []
  return {
    waits,
    uptime: () => now,
    wall: () => now + offset,
    random: () => 0.5,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      waits.push(ms)
      now += ms
      // other work goes on meanwhile
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
    },
    advance: (ms) => void (now += ms),
    setClock: (ms) => void (offset += ms),
  }
}

/** Accounts whose tokens are `token-1`, `token-2`, …: a refused one is followed by the next. */
export class FakeAccounts implements AccountAccess {
  readonly requests: TokenRequest[] = []
  readonly ids: string[]
  #serial = 1

  constructor(ids: string[] = ['google:ada@example.com']) {
    this.ids = ids
  }

  current() {
    return this.#account(this.ids[0])
  }

  list() {
    return Promise.all(this.ids.map((id) => this.#account(id)))
  }

  async token(request: TokenRequest = {}): Promise<string> {
    this.requests.push(request)
    const id = request.account ?? this.ids[0]
    await this.#account(id)
    if (request.refused === this.#token(id)) this.#serial += 1
    return this.#token(id)
  }

  #token(id: string | undefined): string {
    return `token-${this.#serial}${id === this.ids[0] ? '' : `-${id}`}`
  }

  #account(id: string | undefined) {
    if (id === undefined || !this.ids.includes(id)) {
      return Promise.reject(errors.auth('nobody is signed in', {code: 'SIGN_IN_REQUIRED', fix: 'cgpu auth login'}))
    }
    return Promise.resolve({id, kind: 'oauth', email: id.replace(/^google:/, ''), scopes: []})
  }
}

export interface FakeColab {
  accounts: FakeAccounts
  effects: FakeEffects
  stateDir: string
  trace: string[]
  warnings: string[]
  /** a new instance on the same state, as another command would make it */
  provider(): ColabProvider
  /** removes the folder; fails when a request was expected and did not come */
  end(): void
}

/** A provider whose Colab is what the test says with nock: nothing else is reached. */
export function fakeColab(settings: Record<string, string> = {}, accounts = new FakeAccounts()): FakeColab {
  if (!nock.isActive()) nock.activate()
  nock.disableNetConnect()
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'cgpu-colab-')))
  const effects = fakeEffects()
  const trace: string[] = []
  const warnings: string[] = []
  const context: ProviderContext = {
    stateDir: join(root, 'state'), secrets: new FileSecretStore(join(root, 'config')), accounts, setting: (key) => settings[key],
    env: {}, cwd: root, trace: (line) => trace.push(line), onWarning: (message) => warnings.push(message),
  }
  return {
    accounts, effects, trace, warnings, stateDir: context.stateDir,
    provider: () => new ColabProvider(context, effects),
    end() {
      const pending = nock.pendingMocks()
      nock.cleanAll()
      nock.enableNetConnect()
      nock.restore()
      rmSync(root, {recursive: true, force: true})
      if (pending.length > 0) throw new Error(`not asked for: ${pending.join(', ')}`)
    },
  }
}

const xssi = ")]}'\n"

/** An answer of dialect T, as Colab sends it. */
export function prefixed(value: unknown): string {
  return `${xssi}${JSON.stringify(value)}`
}

/** A machine as T's POST shows it. */
export function assignedT(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    accelerator: 'T4', endpoint: 'gpu-t4-s-1', fit: 5400, allowedCredentials: true, sub: 1, subTier: 0, outcome: 4, variant: 1, machineShape: 0,
    runtimeProxyInfo: {token: proxyToken, tokenExpiresInSeconds: 3600, url: machine}, ...more,
  }
}

/** A machine as G's list shows it. */
export function assignedG(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    endpoint: 'gpu-t4-s-1', accelerator: 'T4', variant: 'VARIANT_GPU', machineShape: 'SHAPE_DEFAULT',
    runtimeProxyInfo: {token: proxyToken, tokenTtl: '3600s', url: machine}, runtimeVersionLabel: '2026.01', ...more,
  }
}

export const userInfo = {
  subscriptionTier: 'SUBSCRIPTION_TIER_NONE',
  eligibleAccelerators: [{variant: 'VARIANT_GPU', models: ['T4']}, {variant: 'VARIANT_TPU', models: ['v5e1']}],
  ineligibleAccelerators: [{variant: 'VARIANT_GPU', models: ['L4', 'A100']}],
}

/** T's pair for an assignment: the XSRF token, then the answer. */
export function assigning(status: number, body: unknown, options: {seen?: (query: Record<string, unknown>) => void; query?: Record<string, string>} = {}): void {
  const match = (query: Record<string, unknown>): boolean => {
    options.seen?.(query)
    return query['authuser'] === '0' && /^[a-f0-9_]{36}\.{8}$/.test(String(query['nbh'])) && Object.entries(options.query ?? {}).every(([key, value]) => query[key] === value)
  }
  nock(session).get('/tun/m/assign').query(match).reply(200, prefixed({acc: 'T4', nbh: 'x', p: false, token: 'xsrf-1', variant: 'GPU'}))
  nock(session, {reqheaders: {'x-goog-colab-token': 'xsrf-1'}}).post('/tun/m/assign').query(match).reply(status, typeof body === 'string' ? body : prefixed(body))
}

export function releasing(endpoint = 'gpu-t4-s-1'): void {
  nock(session).get(`/tun/m/unassign/${endpoint}`).query({authuser: '0'}).reply(200, prefixed({token: 'xsrf-2'}))
  nock(session, {reqheaders: {'x-goog-colab-token': 'xsrf-2'}}).post(`/tun/m/unassign/${endpoint}`).query({authuser: '0'}).reply(204)
}

/** The machine's Jupyter server says that it is there. */
export function answering(times = 1, host = machine): void {
  nock(host, {badheaders: ['authorization'], reqheaders: {'x-colab-runtime-proxy-token': /.+/, 'x-colab-client-agent': 'cgpu'}}).get('/api').times(times).reply(200, {version: '2.14.0'})
}
