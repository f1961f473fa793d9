import type {Message} from './contract.ts'
import {pause} from './backoff.ts'
import type {Execution} from './execution.ts'

export interface SupervisorHost {
  /** kernel_info_request; rejects when the link is lost */
  ask(channel: 'shell' | 'control', untilIdle: boolean): Promise<Message>
  /** Whether the server has forgotten the kernel; rejects when it cannot be asked. */
  isGone(): Promise<boolean>
  executions(): Execution[]
  onGone(): void
  intervalMs: number
}

/** A restarting server interrupts the kernel first and stops it then: so long an interrupt's cause stays open. */
const restartGraceMs = 600
const controlReplyMs = 3_000

/**
 * Finds out what became of executions when messages alone do not tell: after a reconnect, after an interrupt of unknown
 * origin, and while a kernel is silent. It asks only for kernel_info, which changes nothing in the kernel; whether the
 * answering process is still the same one is seen by whoever reads the messages (ProcessIdentity).
 */
export class Supervisor {
  readonly #host: SupervisorHost
  #timer: NodeJS.Timeout | undefined
  #unanswered = 0

  constructor(host: SupervisorHost) {
    this.#host = host
  }

  /** After a reconnect: no end is believed until the process is known to be the same, and none is waited for in vain. */
  linkBack(gap: 'reconnected' | 'new-session'): void {
    const running = this.#host.executions()
    for (const each of running) {
      each.held = true
      each.gap(gap)
    }
    this.#unanswered = 0
    if (running.length === 0) return
    this.#host.ask('control', false).then(() => release(running), () => {})
    this.settle(running)
  }

  /**
   * The shell channel is worked off in order: when a request sent now has been answered and gone idle, everything before it
   * is over. One that was never seen to start may wait in another session's queue, behind which a single request could
   * slip; the second one is queued after it for certain.
   */
  settle(executions: Execution[]): void {
    const work = async (): Promise<void> => {
      await this.#host.ask('shell', true)
      release(executions.filter(each => each.held))
      if (executions.some(each => !each.over && !each.started)) await this.#host.ask('shell', true)
      for (const each of executions) if (!each.over) each.conclude()
    }
    // the link was lost again: the next linkBack takes over
    work().catch(() => {})
  }

  /** An interrupt that nobody here asked for is either another client's, or the first step of a restart. */
  confirm(execution: Execution): void {
    const work = async (): Promise<void> => {
      await pause(restartGraceMs)
      await Promise.race([this.#host.ask('control', false), pause(controlReplyMs)])
      execution.release()
    }
    work().catch(() => {})
  }

  /** While something runs, look now and then whether the kernel is still there. */
  watch(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#host.intervalMs)
  }

  checkGone(): void {
    this.#host.isGone().then(gone => gone && this.#host.onGone(), () => {})
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    if (this.#host.executions().length === 0) return this.stop()
    if (this.#unanswered > 0) this.checkGone()
    if (this.#unanswered > 3) return
    this.#unanswered++
    this.#host.ask('control', false).then(() => (this.#unanswered = 0), () => (this.#unanswered = 0))
  }
}

function release(executions: Execution[]): void {
  for (const each of executions) if (!each.over) each.release()
}
