import type {Clock, Dice, MachineHost} from '../contract.ts'
import {rateOf} from './accelerators.ts'
import type {Account} from './account.ts'
import type {Assignment, EndedAssignment, EndReason} from './assignment.ts'
import type {AssignOutcome, WorldConfig} from './config.ts'
import {type AssignRequest, entitlement, type Refusal, resolveRequest, type WantedMachine} from './request.ts'

export type AssignResult = {assignment: Assignment} | {refusal: Refusal; message: string}

const scripted: Partial<Record<Exclude<AssignOutcome, object>, Refusal>> = {
  quota: 'quota', usage: 'usage', denylisted: 'denylisted', '400': 'not-entitled', '412': 'too-many', '503': 'unavailable',
}

const messages: Record<Exclude<Refusal, 'malformed'>, string> = {
  'not-entitled': 'the account may not use this accelerator',
  quota: 'the account has no quota for this kind of machine',
  usage: 'the account has used up its compute units',
  denylisted: 'the account is not allowed to use machines',
  'too-many': 'too many active machines',
  unavailable: 'no machine of this kind is available',
}

export interface FleetParts {
  clock: Clock
  dice: Dice
  config: () => WorldConfig
  /** called when the first machine is wanted */
  host: () => MachineHost
  /** a machine is gone: its tokens are worth nothing */
  onEnd: (endpoint: string) => void
}

/** All assignments: how they begin, and the ways in which they end. */
export class Fleet {
  readonly #parts: FleetParts
  readonly #live = new Map<string, Assignment>()
  readonly #starting = new Map<string, {email: string; accelerator: string; result: Promise<AssignResult>}>()
  readonly #stopping = new Set<Promise<void>>()
  readonly #timers = new Map<string, () => void>()
  readonly ended: EndedAssignment[] = []
  readonly script: AssignOutcome[] = []

  constructor(parts: FleetParts) {
    this.#parts = parts
  }

  list(email?: string): Assignment[] {
    return [...this.#live.values()].filter((one) => email === undefined || one.email === email)
  }

  get(endpoint: string): Assignment | undefined {
    return this.#live.get(endpoint)
  }

  byNotebook(email: string, nbh: string): Assignment | undefined {
    return this.list(email).find((one) => one.nbh === nbh)
  }

  byRuntimeId(email: string, runtimeId: string): Assignment | undefined {
    return this.list(email).find((one) => one.runtimeId === runtimeId)
  }

  /** Gives the notebook's machine, or makes it. Two at once for one notebook get the same one. */
  async assign(account: Account, request: AssignRequest): Promise<AssignResult> {
    const key = `${account.email} ${request.nbh}`
    const known = this.byNotebook(account.email, request.nbh)
    if (known !== undefined) return {assignment: known}
    const starting = this.#starting.get(key)
    if (starting !== undefined) return starting.result

    const wanted = resolveRequest(request, account, this.#parts.config())
    if ('malformed' in wanted) return {refusal: 'malformed', message: wanted.malformed}
    const outcome = this.script.shift()
    const refusal = typeof outcome === 'string' && outcome !== 'ok' ? scripted[outcome] : outcome === undefined ? this.#refusal(wanted, account) : undefined
    if (refusal !== undefined && refusal !== 'malformed') return {refusal, message: messages[refusal]}

    const given = typeof outcome === 'object' ? outcome : {accelerator: wanted.accelerator}
    const result = this.#start(account, request, wanted, given)
    this.#starting.set(key, {email: account.email, accelerator: given.accelerator, result})
    try {
      return await result
    } finally {
      this.#starting.delete(key)
    }
  }

  /** False: no such machine. Resolves when nothing of it runs any more. */
  async end(endpoint: string, reason: EndReason): Promise<boolean> {
    const assignment = this.#live.get(endpoint)
    if (assignment === undefined) return false
    this.#live.delete(endpoint)
    this.#timers.get(endpoint)?.()
    this.#timers.delete(endpoint)
    this.ended.push({endpoint, email: assignment.email, reason, endedAt: this.#parts.clock.now()})
    if (this.ended.length > 200) this.ended.shift()
    this.#parts.onEnd(endpoint)
    const stopping = assignment.machine.stop()
    this.#stopping.add(stopping)
    try {
      await stopping
    } finally {
      this.#stopping.delete(stopping)
    }
    return true
  }

  /** Ends all, also those that are just starting. */
  async endAll(reason: EndReason): Promise<void> {
    await Promise.allSettled([...this.#starting.values()].map((one) => one.result))
    await Promise.all([...this.list().map((one) => this.end(one.endpoint, reason)), ...this.#stopping])
  }

  rate(email: string): number {
    return round(this.list(email).reduce((sum, one) => sum + one.rate, 0))
  }

  #refusal(wanted: WantedMachine, account: Account): Refusal | undefined {
    const refusal = entitlement(wanted, account)
    if (refusal !== undefined) return refusal === 'not-entitled' && this.#parts.config().entitlement === 'outcome' ? 'quota' : refusal
    const running = [...this.#live.values(), ...this.#starting.values()]
    if (running.filter((one) => one.email === account.email).length >= account.settings.maxAssignments) return 'too-many'
    const capacity = this.#parts.config().capacity[wanted.accelerator]
    if (capacity !== undefined && running.filter((one) => one.accelerator === wanted.accelerator).length >= capacity) return 'unavailable'
    return undefined
  }

  async #start(account: Account, request: AssignRequest, wanted: WantedMachine, given: {accelerator: string; reported?: string | undefined}): Promise<AssignResult> {
    const {clock, dice, config, host} = this.#parts
    const suffix = dice.hex('endpoint', 7)
    const accelerator = given.reported ?? given.accelerator
    const endpoint = `${endpointKind(wanted, accelerator)}-${suffix}`
    const machine = await host().start({
      endpoint, variant: wanted.variant, accelerator: given.accelerator, highMem: wanted.highMem, image: wanted.version,
    })
    const now = clock.now()
    const {lifetimes} = config()
    const assignment: Assignment = {
      endpoint, machine, accelerator,
      email: account.email,
      nbh: request.nbh,
      runtimeId: request.runtimeId ?? `rt-${suffix}`,
      variant: wanted.variant,
      realAccelerator: given.accelerator,
      highMem: wanted.highMem,
      version: wanted.version,
      rate: rateOf(accelerator, wanted.highMem),
      createdAt: now,
      endsAt: now + (account.settings.tier === 'free' ? lifetimes.free : lifetimes.paid) * 1000,
      usedAt: now,
      credentials: new Set(),
    }
    this.#live.set(endpoint, assignment)
    this.#watch(assignment)
    return {assignment}
  }

  /** One timer a machine: at the first moment at which it may be idle for too long, or too old. */
  #watch(assignment: Assignment): void {
    const {clock, config} = this.#parts
    const idleAt = assignment.usedAt + config().fit * 1000
    this.#timers.set(assignment.endpoint, clock.at(Math.min(idleAt, assignment.endsAt), async () => {
      const now = clock.now()
      if (now >= assignment.endsAt) await this.end(assignment.endpoint, 'lifetime')
      else if (now >= assignment.usedAt + config().fit * 1000) await this.end(assignment.endpoint, 'idle')
      else this.#watch(assignment)
    }))
  }
}

/** Sums of rates without the dust of binary fractions. */
export const round = (value: number): number => Math.round(value * 1e6) / 1e6

/** `m-s` (no accelerator), `gpu-t4-s`, `gpu-l4-hm`, `tpu-v5e1-s`: the beginnings that Colab's names have. */
function endpointKind(wanted: WantedMachine, accelerator: string): string {
  const shape = wanted.highMem ? 'hm' : 's'
  return wanted.variant === 'DEFAULT' ? `m-${shape}` : `${wanted.variant.toLowerCase()}-${accelerator.toLowerCase()}-${shape}`
}
