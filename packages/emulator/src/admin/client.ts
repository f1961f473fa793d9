import {CgpuError, errors} from '@cgpu/core/errors'
import type {ActiveFault} from '../faults/faults.ts'
import type {FaultRuleInput} from '../faults/rule.ts'
import type {LogEntry, LogFilter} from '../frame/request-log.ts'
import type {eventSchema, ScenarioInput} from '../scenario/schema.ts'
import type {AccountPatch} from '../world/config.ts'
import type {EmulatorStatus} from '../status.ts'
import type {z} from 'zod'

/** Something to make happen, as people write it. */
export type EventInput = z.input<typeof eventSchema>

export interface AdminAddress {
  adminUrl: string
  adminToken: string
}

/** Asks a running emulator. Its answers are typed, not checked: it is of the same version as this client. Throws what the emulator threw, or EMULATOR_UNREACHABLE (69). */
export class AdminClient {
  readonly #url: string
  readonly #token: string

  constructor({adminUrl, adminToken}: AdminAddress) {
    this.#url = adminUrl
    this.#token = adminToken
  }

  status = (): Promise<EmulatorStatus> => this.#call('GET', '/status')
  env = (): Promise<Record<string, string>> => this.#call('GET', '/env')
  /** an access token of this account, for CGPU_TOKEN */
  token = async (email?: string): Promise<string> => (await this.#call<{token: string}>('POST', '/token', email === undefined ? {} : {email})).token
  reset = (): Promise<EmulatorStatus> => this.#call('POST', '/reset')
  scenarios = (): Promise<{name: string; about: string}[]> => this.#call('GET', '/scenarios')
  /** one that comes with the emulator, or a whole one under this name */
  load = (name: string, scenario?: ScenarioInput): Promise<EmulatorStatus> => this.#call('POST', '/scenario', scenario === undefined ? {name} : {name, scenario})
  /** Moves the clock by milliseconds or `61m`; resolves when all that fell due is done. */
  advance = (by: number | string): Promise<EmulatorStatus['clock']> => this.#call('POST', '/advance', {by})
  happen = (event: EventInput): Promise<void> => this.#call('POST', '/events', event)
  reclaim = (endpoint = '*'): Promise<void> => this.happen({reclaim: endpoint})
  faults = (): Promise<ActiveFault[]> => this.#call('GET', '/faults')
  addFault = (rule: FaultRuleInput): Promise<ActiveFault> => this.#call('POST', '/faults', rule)
  removeFault = (id: string): Promise<void> => this.#call('DELETE', `/faults/${encodeURIComponent(id)}`)
  clearFaults = (): Promise<void> => this.#call('DELETE', '/faults')
  setAccount = (email: string, patch: AccountPatch): Promise<EmulatorStatus['accounts'][number]> => this.#call('PATCH', `/accounts/${encodeURIComponent(email)}`, patch)
  clearLog = (): Promise<void> => this.#call('DELETE', '/log')
  stop = (): Promise<{pid: number}> => this.#call('POST', '/stop')

  log(filter: LogFilter = {}): Promise<LogEntry[]> {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(filter) as [string, string | number | undefined][]) if (value !== undefined) query.set(name, String(value))
    return this.#call('GET', `/log?${query.toString()}`)
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    let response: Response
    try {
      response = await fetch(`${this.#url}${path}`, {
        method, headers: {authorization: `Bearer ${this.#token}`, 'content-type': 'application/json'}, ...(body === undefined ? {} : {body: JSON.stringify(body)}),
      })
    } catch (cause) {
      throw errors.network('the emulator does not answer', {code: 'EMULATOR_UNREACHABLE', fix: 'start it: cgpu emulator start', cause})
    }
    const answer = (await response.json().catch(() => ({}))) as {error?: {code?: string; message?: string; fix?: string | null; details?: Record<string, unknown>}} // see the class
    if (response.ok) return answer as T
    const {code = 'EMULATOR_BUG', message = `the emulator answered ${response.status}`, fix, details} = answer.error ?? {}
    throw new CgpuError(message, {
      code, category: response.status === 401 ? 'auth' : 'usage', exit: exits[response.status] ?? 70, fix: fix ?? undefined, ...(details === undefined ? {} : {details}),
    })
  }
}

const exits: Record<number, number> = {400: 64, 401: 67, 404: 66, 409: 72}
