import type {Clock} from '../contract.ts'
import {type AccountConfig, type AccountPatch, planOf} from './config.ts'

const hour = 3_600_000
/** Amounts are sums of small fractions: below this they are zero. */
const nothing = 1e-9

/** One account, and what its machines use up: the paid balance falls first, then the free quota. */
export class Account {
  readonly email: string
  #settings: AccountConfig
  readonly #clock: Clock
  readonly #spent: () => Promise<void>
  #rate = 0
  #settledAt: number
  #refillsAt: number
  #disarm: () => void = () => undefined

  /** `spent` is called when everything is used up while machines run. */
  constructor(config: AccountConfig, clock: Clock, spent: () => Promise<void>) {
    this.email = config.email
    this.#settings = structuredClone(config)
    this.#clock = clock
    this.#spent = spent
    this.#settledAt = clock.now()
    this.#refillsAt = this.#settledAt + config.freeQuota.refillHours * hour
  }

  get settings(): Readonly<AccountConfig> {
    return this.#settings
  }

  /** paid compute units left */
  get balance(): number {
    this.#settle()
    return this.#settings.balance
  }

  get free(): {remaining: number; refillsAt: number} {
    this.#settle()
    return {remaining: this.#settings.freeQuota.remaining, refillsAt: this.#refillsAt}
  }

  /** compute units an hour that its machines use now */
  get rate(): number {
    return this.#rate
  }

  set rate(value: number) {
    this.#settle()
    this.#rate = value
    this.#arm()
  }

  /** nothing is left, paid or free */
  get exhausted(): boolean {
    return this.balance + this.free.remaining <= nothing
  }

  patch(patch: AccountPatch): void {
    this.#settle()
    const {freeQuota, consent, ...plain} = patch
    const old = this.#settings
    this.#settings = {
      ...old, ...(plain.tier === undefined || plain.tier === old.tier ? {} : planOf(plain.tier)), ...plain,
      freeQuota: {...old.freeQuota, ...freeQuota},
      consent: {...old.consent, ...consent},
    }
    if (freeQuota?.refillHours !== undefined) this.#refillsAt = this.#settledAt + freeQuota.refillHours * hour
    this.#arm()
  }

  close(): void {
    this.#disarm()
  }

  #settle(): void {
    const now = this.#clock.now()
    // with a rate, a timer sits at the refill: the time before it and after it are settled apart
    this.#use(this.#rate * Math.max(0, now - this.#settledAt) / hour)
    this.#settledAt = now
    const quota = this.#settings.freeQuota
    while (this.#refillsAt <= now) {
      this.#refillsAt += quota.refillHours * hour
      quota.remaining = Math.max(quota.remaining, quota.units)
    }
  }

  #use(units: number): void {
    const settings = this.#settings
    const paid = Math.min(settings.balance, units)
    settings.balance -= paid
    settings.freeQuota.remaining = Math.max(0, settings.freeQuota.remaining - (units - paid))
  }

  #arm(): void {
    this.#disarm()
    if (this.#rate <= 0) return
    const left = this.#settings.balance + this.#settings.freeQuota.remaining
    const spentAt = this.#settledAt + Math.ceil(left / this.#rate * hour)
    this.#disarm = this.#clock.at(Math.min(spentAt, this.#refillsAt), async () => {
      if (this.#rate > 0 && this.exhausted) await this.#spent()
      this.#arm()
    })
  }
}
