import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {ensureDir} from '@cgpu/core/state/dirs'
import type {Clock, MachineHost, Site, SiteHandler} from './contract.ts'
import {Faults} from './faults/faults.ts'
import {siteMatcher} from './faults/matcher.ts'
import {HttpFrame} from './frame/frame.ts'
import {type LogEntry, RequestLog} from './frame/request-log.ts'
import {lazyDrive} from './lazy-drive.ts'
import {lazySite} from './lazy-site.ts'
import {lazyMachines} from './lazy-machines.ts'
import {ReseededDice} from './scenario/dice.ts'
import type {NamedScenario} from './scenario/load.ts'
import {parseScenario} from './scenario/load.ts'
import type {ScenarioEvent} from './scenario/schema.ts'
import {Timeline} from './scenario/timeline.ts'
import type {EmulatorStatus} from './status.ts'
import {writePrivate} from './write-private.ts'
import {createClock} from './world/clock.ts'
import {type WorldConfig, worldConfig} from './world/config.ts'
import {World} from './world/world.ts'

export interface EmulatorOptions {
  /** what it writes: machines, Drive, request log; made 0700. Default: a new one, removed by `close` */
  folder?: string
  /** of the Google side; default: any free one */
  port?: number
  /** default: any free one */
  adminPort?: number
  /** default: a random one */
  adminToken?: string
  /** over the scenario's own */
  seed?: string | number
  /** default: `plain` */
  scenario?: NamedScenario
  /** the Python for machines, asked for by the first of them. Default: the one that local runtimes use */
  python?: () => Promise<string>
  /** false: machines are folders, as where the system allows no namespaces */
  namespaces?: boolean
  /** hands the calls of Google's hosts to this origin, and keeps them in the file */
  record?: {file: string; upstream: string; keepEmails?: boolean}
  /** answers the calls of Google's hosts from this file */
  replay?: string
}

/** The OAuth client that `client.json` holds; with `clients: any`, every other one will do as well. */
const oauthClient = {id: 'emulator-client', secret: 'emulator-client-secret'}

/** A whole emulated Colab in this process. Made by `startEmulator`. */
export class Emulator {
  readonly folder: string
  readonly clock: Clock
  readonly dice: ReseededDice
  readonly log: RequestLog
  readonly frame: HttpFrame
  readonly faults: Faults
  readonly world: World
  readonly timeline: Timeline
  /** of Google's hosts, all in one: the value of CGPU_COLAB_EMULATOR */
  url = ''
  adminUrl = ''
  readonly adminToken: string
  readonly #options: EmulatorOptions
  readonly #startedAt: number
  readonly #drive: ReturnType<typeof lazyDrive>
  #machines: MachineHost | undefined
  #scenario: NamedScenario
  #closing: Promise<void> | undefined
  readonly #closed = Promise.withResolvers<void>()
  #onClose: (() => Promise<unknown>)[] = []

  constructor(folder: string, options: EmulatorOptions, adminToken: string) {
    this.folder = folder
    this.adminToken = adminToken
    this.#options = options
    this.#scenario = options.scenario ?? {name: 'plain', scenario: parseScenario({}, 'plain')}
    this.clock = createClock()
    this.#startedAt = this.clock.now()
    this.dice = new ReseededDice(this.#seed())
    this.log = new RequestLog({file: join(folder, 'requests.jsonl')})
    this.faults = new Faults(this.dice)
    this.timeline = new Timeline(this.clock, (event) => this.happen(event))
    this.frame = new HttpFrame({
      log: this.log, now: () => this.clock.now(), fault: (call) => this.faults.meet(call), account: (site, headers) => this.#accountOf(site, headers),
    })
    this.world = new World({
      config: this.#worldConfig(), clock: this.clock, dice: this.dice, drive: () => this.#drive,
      machines: (gate) => (this.#machines = lazyMachines({
        folder: join(folder, 'machines'), frame: this.frame, gate, dice: this.dice,
        visible: [this.#drive.root], python: options.python ?? localPython,
        ssh: () => this.#scenario.scenario.machines.ssh,
        closeExpiredSockets: () => this.#scenario.scenario.machines.closeExpiredSockets,
        ...(options.namespaces === undefined ? {} : {namespaces: options.namespaces}),
      })),
    })
    this.#drive = lazyDrive({bearer: this.world, clock: this.clock, dice: this.dice, folder: join(folder, 'drive')})
    this.log.onEnd((entry) => this.#answered(entry))
  }

  async listen(): Promise<void> {
    const {port, adminPort} = this.#options
    // machines are shown it
    await ensureDir(this.#drive.root)
    const control = await this.frame.listen('control', await this.#google(), port === undefined ? {} : {port})
    this.url = control.url
    const {startAdmin} = await import('./admin/server.ts')
    const admin = await startAdmin(this, adminPort)
    this.adminUrl = admin.url
    this.onClose(() => admin.close())
    await writePrivate(this.clientConfig, `${JSON.stringify(clientFile(this.url), null, 2)}\n`)
    this.#begin()
  }

  /** Path of an OAuth client file for `cgpu auth login --client-config`. */
  get clientConfig(): string {
    return join(this.folder, 'client.json')
  }

  /** An access token of this account (default: the first one) that needs no sign-in: the value of CGPU_TOKEN. */
  token(email = this.world.accounts()[0]?.email ?? ''): string {
    if (this.world.account(email) === undefined) throw noAccount(email)
    return this.world.standingToken(email)
  }

  /** What a program has to have in its environment to use the emulator instead of Google. */
  env(): Record<'CGPU_COLAB_EMULATOR' | 'CGPU_PROVIDER' | 'CGPU_TOKEN', string> {
    return {CGPU_COLAB_EMULATOR: this.url, CGPU_PROVIDER: 'colab', CGPU_TOKEN: this.token()}
  }

  status(): EmulatorStatus {
    const {name, scenario} = this.#scenario
    const world = this.world.status()
    const ground = this.#machines?.ground
    return {
      url: this.url, adminUrl: this.adminUrl, pid: process.pid, folder: this.folder, clientConfig: this.clientConfig,
      mode: this.#options.record ? 'record' : this.#options.replay === undefined ? 'emulate' : 'replay',
      seed: String(this.dice.seed), scenario: name, ...(scenario.about === undefined ? {} : {about: scenario.about}),
      startedAt: new Date(this.#startedAt).toISOString(),
      clock: {now: world.now, aheadSeconds: Math.round((this.clock.now() - Date.now()) / 1000)},
      accounts: world.accounts, assignments: world.assignments, ended: world.ended, script: world.script,
      ...(ground === undefined ? {} : {machines: ground.namespaces ? 'namespaces' : `folders (${ground.why})`}),
      faults: this.faults.list(), timeline: this.timeline.pending, sites: this.frame.sites(), requests: this.log.count,
    }
  }

  /** Makes something happen. Waits until it has, but for a jump of the clock by the timeline. */
  async happen(event: ScenarioEvent): Promise<void> {
    if (event.reclaim !== undefined) await this.#reclaim(event.reclaim)
    if (event.expire !== undefined) this.world.expireTokens(event.expire)
    if (event.revoke !== undefined) {
      if (this.world.account(event.revoke) === undefined) throw noAccount(event.revoke)
      this.world.revokeAll(event.revoke)
    }
    // not awaited: the clock runs one thing after the other, and this may be one of them
    if (event.advance !== undefined) void this.clock.advance(event.advance)
    if (event.freeze !== undefined) this.frame.freeze(siteMatcher(event.freeze))
    if (event.thaw) this.frame.thaw()
    if (event.disconnect !== undefined) this.frame.reset(siteMatcher(event.disconnect))
    if (event.fault !== undefined) this.faults.add(event.fault)
    if (event.clearFault !== undefined) {
      if (event.clearFault === '*') this.faults.clear()
      else this.faults.remove(event.clearFault)
    }
    if (event.account !== undefined) {
      const {email, ...patch} = event.account
      if (!this.world.setAccount(email, patch)) throw noAccount(email)
    }
    if (event.assign !== undefined) this.world.queueAssign(event.assign)
  }

  /** Back to the beginning of this scenario, or of another one: no machines, no files in Drive, no faults but its own. The clock goes on. */
  async reset(scenario = this.#scenario): Promise<void> {
    this.timeline.clear()
    this.faults.clear()
    this.frame.thaw()
    this.#scenario = scenario
    this.dice.begin(this.#seed())
    await this.world.reset(this.#worldConfig())
    await this.#drive.clear()
    this.#begin()
  }

  /** Has this called when it closes. */
  onClose(what: () => Promise<unknown>): void {
    this.#onClose.unshift(what)
  }

  /** Resolves when it was closed, by whomever. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Ends every machine and every connection. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close().finally(() => this.#closed.resolve()))
  }

  async #close(): Promise<void> {
    this.timeline.clear()
    this.frame.thaw()
    await this.world.close()
    for (const what of this.#onClose) await what()
    await this.frame.close()
    await this.#drive.close()
    await this.log.close()
    if (this.#options.folder === undefined) await rm(this.folder, {recursive: true, force: true, maxRetries: 5})
  }

  async #google(): Promise<SiteHandler> {
    const {record, replay} = this.#options
    if (record) {
      const {Recorder} = await import('./record/recorder.ts')
      const recorder = await Recorder.open(record)
      this.onClose(() => recorder.close())
      return recorder
    }
    if (replay !== undefined) {
      const {Replay} = await import('./record/replay.ts')
      return Replay.open(replay)
    }
    return lazySite(async () => {
      const [{controlHandler}, drive] = await Promise.all([import('./control/app.ts'), this.#drive.app()])
      return controlHandler({world: this.world, mount: [drive]})
    })
  }

  #begin(): void {
    const {faults, assign, timeline} = this.#scenario.scenario
    for (const fault of faults) this.faults.add(fault)
    this.world.queueAssign(assign)
    this.timeline.begin(timeline)
  }

  #seed(): string | number {
    return this.#options.seed ?? this.#scenario.scenario.seed ?? 'cgpu'
  }

  #worldConfig(): WorldConfig {
    const {world, accounts} = this.#scenario.scenario
    return worldConfig.parse({...world, ...(accounts === undefined ? {} : {accounts})})
  }

  async #reclaim(endpoint: string): Promise<void> {
    const gone = endpoint === '*' ? this.world.fleet.list().map((one) => one.endpoint) : [endpoint]
    for (const one of gone) {
      if ((await this.world.reclaim(one)) || endpoint === '*') continue
      throw errors.notFound(`the emulator has no runtime ${one}`, {code: 'ENDPOINT_NOT_FOUND', fix: 'see which there are: cgpu emulator status'})
    }
  }

  #answered(entry: LogEntry): void {
    const [path = '', query = ''] = entry.path.split('?', 2)
    this.timeline.answered({site: entry.site, method: entry.method, path, query: new URLSearchParams(query), headers: entry.headers})
  }

  #accountOf(site: Site, headers: Record<string, string>): string | null {
    if (site === 'control') return this.world.caller(headers['authorization'])?.email ?? null
    return this.world.fleet.get(site.split(':')[1] ?? '')?.email ?? null
  }
}

/** Starts an emulator in this process. It listens when this resolves; machines, Python and Drive are loaded when first wanted. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const folder = options.folder === undefined ? await mkdtemp(join(tmpdir(), 'cgpu-emulator-')) : await ensureDir(options.folder)
  const {randomBytes} = await import('node:crypto')
  const emulator = new Emulator(folder, options, options.adminToken ?? `emu-admin-${randomBytes(24).toString('hex')}`)
  try {
    await emulator.listen()
  } catch (error) {
    await emulator.close()
    throw error
  }
  return emulator
}

function noAccount(email: string): Error {
  return errors.notFound(`the emulator has no account ${email}`, {code: 'ACCOUNT_NOT_FOUND', category: 'usage', fix: 'see which there are: cgpu emulator status'})
}

/** As Google's console gives it for a desktop client. */
function clientFile(url: string): object {
  const {id, secret} = oauthClient
  return {installed: {client_id: id, client_secret: secret, auth_uri: `${url}/o/oauth2/v2/auth`, token_uri: `${url}/token`, redirect_uris: ['http://localhost']}}
}

async function localPython(): Promise<string> {
  const {findLocalPython} = await import('./local-python.ts')
  return findLocalPython()
}
