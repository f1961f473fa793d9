import type {BearerCheck, Caller, Clock, Dice, DriveFolders, MachineGate, MachineHost, TokenVerdict} from '../contract.ts'
import {baseScopes, scopes as scopeNames} from '@cgpu/core/google/scopes'
import {Account} from './account.ts'
import type {Assignment, EndedAssignment} from './assignment.ts'
import {accountConfig, type AccountPatch, accountPatch, type AssignOutcome, type Tier, type WorldConfig} from './config.ts'
import {type AssignResult, Fleet, round} from './fleet.ts'
import {Grants} from './grants.ts'
import {type ProxyToken, ProxyTokens} from './proxy-tokens.ts'
import type {AssignRequest} from './request.ts'

export interface WorldParts {
  config: WorldConfig
  clock: Clock
  dice: Dice
  /** called once, when the first machine is wanted */
  machines: (gate: MachineGate) => MachineHost
  /** called when a machine first shows Drive */
  drive?: () => DriveFolders | Promise<DriveFolders>
}

/** What an admin sees. Times are ISO 8601 of the emulator's clock, amounts compute units. */
export interface WorldStatus {
  now: string
  accounts: {
    email: string; name: string; tier: Tier; balance: number; hourlyRate: number; denylisted: boolean
    free: {remaining: number; refillsAt: string}; consent: {drive: boolean; user: boolean}; assignments: number; maxAssignments: number
  }[]
  assignments: {
    endpoint: string; account: string; accelerator: string; realAccelerator: string; variant: string; highMem: boolean; version: string
    url: string; hourlyRate: number; createdAt: string; usedAt: string; endsAt: string; idleAt: string
  }[]
  ended: (Omit<EndedAssignment, 'endedAt'> & {endedAt: string})[]
  /** outcomes that coming assigns will have */
  script: AssignOutcome[]
}

export type ExpiryKind = 'tokens' | 'standing-tokens' | 'proxy-tokens'

/** The emulated Colab, without its HTTP: accounts, machines, tokens, and what time does to them. */
export class World implements MachineGate, BearerCheck {
  readonly clock: Clock
  readonly dice: Dice
  readonly grants: Grants
  readonly fleet: Fleet
  readonly proxyTokens: ProxyTokens
  readonly #parts: WorldParts
  #config: WorldConfig
  #accounts = new Map<string, Account>()
  #host: MachineHost | undefined
  #drive: DriveFolders | undefined
  readonly #forgetters: (() => void)[] = []

  constructor(parts: WorldParts) {
    this.#parts = parts
    this.#config = parts.config
    this.clock = parts.clock
    this.dice = parts.dice
    this.grants = new Grants(parts.clock, parts.dice, () => this.#config)
    this.proxyTokens = new ProxyTokens(parts.clock, parts.dice, () => this.#config.proxyTokenTtl)
    this.fleet = new Fleet({
      clock: parts.clock, dice: parts.dice, config: () => this.#config,
      host: () => this.#host ??= parts.machines(this),
      onEnd: (endpoint) => this.#ended(endpoint),
    })
    this.#makeAccounts()
  }

  get config(): WorldConfig {
    return this.#config
  }

  account(email: string): Account | undefined {
    return this.#accounts.get(email)
  }

  accounts(): Account[] {
    return [...this.#accounts.values()]
  }

  /** Changes an account from now on. False: no such account. Throws a ZodError on what is none of its fields. */
  setAccount(email: string, patch: AccountPatch): boolean {
    const account = this.#accounts.get(email)
    account?.patch(accountPatch.parse(patch))
    return account !== undefined
  }

  async assign(account: Account, request: AssignRequest): Promise<AssignResult> {
    const result = await this.fleet.assign(account, request)
    this.#metered(account.email)
    return result
  }

  unassign(endpoint: string): Promise<void> {
    return this.fleet.end(endpoint, 'self').then(() => undefined)
  }

  /** As when Colab takes a machine back. False: no such machine. */
  reclaim(endpoint: string): Promise<boolean> {
    return this.fleet.end(endpoint, 'reclaimed')
  }

  used(endpoint: string): void {
    const assignment = this.fleet.get(endpoint)
    if (assignment !== undefined) assignment.usedAt = this.clock.now()
  }

  checkToken(endpoint: string, port: number, token: string): TokenVerdict {
    return this.proxyTokens.check(endpoint, port, token)
  }

  /** A proxy token for a port of a machine, and the address that it opens. */
  async proxy(assignment: Assignment, port: number): Promise<ProxyToken & {url: string; ttl: number}> {
    const url = port === 8080 ? assignment.machine.url : await assignment.machine.portUrl(port)
    const token = this.proxyTokens.mint(assignment.endpoint, port)
    return {...token, url, ttl: this.proxyTokens.secondsLeft(token)}
  }

  async driveFolder(endpoint: string): Promise<string | null> {
    const assignment = this.fleet.get(endpoint)
    if (assignment === undefined || !assignment.credentials.has('drive') || this.#parts.drive === undefined) return null
    this.#drive ??= await this.#parts.drive()
    return this.#drive.folder(assignment.email)
  }

  caller(authorization: string | undefined): Caller | null {
    const caller = this.grants.caller(authorization)
    return caller !== null && this.#accounts.has(caller.email) ? caller : null
  }

  /** An access token for CI, the same for the same seed, account and scopes. Throws when there is no such account. */
  standingToken(email: string, scopes: readonly string[] = [...baseScopes, scopeNames.drive]): string {
    if (!this.#accounts.has(email)) throw new Error(`the emulator has no account ${email}`)
    return this.grants.standing(email, scopes)
  }

  /** How coming assigns go, one each, in this order. */
  queueAssign(outcomes: readonly AssignOutcome[]): void {
    this.fleet.script.push(...outcomes)
  }

  expireTokens(what: ExpiryKind): void {
    if (what === 'proxy-tokens') this.proxyTokens.expireAll()
    else this.grants.expireAccess(what === 'standing-tokens')
  }

  /** As when the person takes all access away on their account page: refreshing gives `invalid_grant`. */
  revokeAll(email: string): void {
    this.grants.revokeAll(email)
  }

  /** Moves the clock; resolves when all that fell due is done. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  status(): WorldStatus {
    const iso = (time: number): string => new Date(time).toISOString()
    return {
      now: iso(this.clock.now()),
      accounts: this.accounts().map((account) => ({
        email: account.email, name: account.settings.name, tier: account.settings.tier, balance: round(account.balance),
        hourlyRate: account.rate, denylisted: account.settings.denylisted,
        free: {remaining: round(account.free.remaining), refillsAt: iso(account.free.refillsAt)}, consent: {...account.settings.consent},
        assignments: this.fleet.list(account.email).length, maxAssignments: account.settings.maxAssignments,
      })),
      assignments: this.fleet.list().map((one) => ({
        endpoint: one.endpoint, account: one.email, accelerator: one.accelerator, realAccelerator: one.realAccelerator, variant: one.variant,
        highMem: one.highMem, version: one.version, url: one.machine.url, hourlyRate: one.rate, createdAt: iso(one.createdAt),
        usedAt: iso(one.usedAt), endsAt: iso(one.endsAt), idleAt: iso(one.usedAt + this.#config.fit * 1000),
      })),
      ended: this.fleet.ended.map((one) => ({...one, endedAt: iso(one.endedAt)})),
      script: [...this.fleet.script],
    }
  }

  /** As at the start, or as this configuration says: no machines, no grants but standing tokens. The clock stays. */
  async reset(config: WorldConfig = this.#parts.config): Promise<void> {
    await this.fleet.endAll('reset')
    this.#config = config
    this.fleet.script.length = 0
    this.fleet.ended.length = 0
    this.grants.reset()
    this.#makeAccounts()
    for (const forget of this.#forgetters) forget()
  }

  /** Has other parts forget with it. */
  onReset(forget: () => void): void {
    this.#forgetters.push(forget)
  }

  async close(): Promise<void> {
    await this.fleet.endAll('reset')
    for (const account of this.#accounts.values()) account.close()
    await this.#host?.close()
  }

  #makeAccounts(): void {
    for (const account of this.#accounts.values()) account.close()
    const {accounts, serviceAccounts} = this.#config
    const people = new Set(accounts.map((one) => one.email))
    const services = serviceAccounts.filter((one) => !people.has(one.email)).map((one) => accountConfig.parse({email: one.email}))
    this.#accounts = new Map([...accounts, ...services].map((config) => [
      config.email,
      new Account(config, this.clock, async () => {
        await Promise.all(this.fleet.list(config.email).map((one) => this.fleet.end(one.endpoint, 'quota')))
      }),
    ]))
  }

  #ended(endpoint: string): void {
    this.proxyTokens.remove(endpoint)
    for (const account of this.#accounts.values()) this.#metered(account.email)
  }

  /** Has the account charged by what runs now. */
  #metered(email: string): void {
    const account = this.#accounts.get(email)
    const rate = this.fleet.rate(email)
    if (account !== undefined && account.rate !== rate) account.rate = rate
  }
}
