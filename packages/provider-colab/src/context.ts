import {join} from 'node:path'
import {type GoogleHosts, googleHosts} from '@cgpu/core/google/hosts'
import type {ProviderContext} from '@cgpu/core/provider'
import type {JsonFile} from '@cgpu/core/state/json-file'
import type {ColabApi} from './api/api.ts'
import type {Effects} from './effects.ts'
import {Transport} from './http/transport.ts'
import {type Records, recordsFile} from './state/records.ts'
import {ProxyTokens} from './state/tokens.ts'

const productionHost = 'colab.research.google.com'

/** What the parts of this provider share. Made once; the hosts are those of the settings. */
export class Colab {
  readonly context: ProviderContext
  readonly effects: Effects
  readonly hosts: GoogleHosts
  readonly transport: Transport
  readonly records: JsonFile<Records>
  readonly tokens: ProxyTokens
  readonly #apis = new Map<string, Promise<ColabApi>>()

  constructor(context: ProviderContext, effects: Effects) {
    this.context = context
    this.effects = effects
    this.hosts = googleHosts(context.setting)
    this.transport = new Transport(context.trace)
    const stateDir = stateDirOf(context.stateDir, new URL(this.hosts.colab).host)
    this.records = recordsFile(stateDir, context.onWarning)
    this.tokens = new ProxyTokens(stateDir, effects)
  }

  /** Colab, as this account. */
  api(account: string): Promise<ColabApi> {
    const known = this.#apis.get(account)
    if (known) return known
    const {accounts} = this.context
    const options = {hosts: this.hosts, accounts, account, transport: this.transport, effects: this.effects}
    const api = import('./api/open.ts').then(({openApi}) => openApi(options, this.context.setting('colab-dialect')))
    this.#apis.set(account, api)
    return api
  }

  async currentAccount(): Promise<string> {
    return (await this.context.accounts.current()).id
  }

  now(): string {
    return new Date(this.effects.wall()).toISOString()
  }
}

/** An emulator's answers say nothing of the real machines: each host has its own records. */
function stateDirOf(stateDir: string, host: string): string {
  return host === productionHost ? stateDir : join(stateDir, host.replaceAll(/[^A-Za-z0-9.-]+/g, '-'))
}
