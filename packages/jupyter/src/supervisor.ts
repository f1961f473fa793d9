import {randomUUID} from 'node:crypto'
import {pause} from './backoff.ts'
import type {Message} from './contract.ts'
import {Request} from './exchange.ts'
import type {Execution} from './execution.ts'

export interface SupervisorHost {
  /** kernel_info_request; rejects when the link is lost, the kernel restarted or `timeoutMs` over */
  ask(channel: 'shell' | 'control', timeoutMs?: number): Promise<Message>
  /** the same with a request that waits for its idle */
  drain(request: Request): Promise<Message>
  /** Whether the server has forgotten the kernel; rejects when it cannot be asked. */
  isGone(): Promise<boolean>
  /** those that were sent and are not over */
  executions(): Execution[]
  /** Whether anything of ours lives in the kernel: an execution, a comm. */
  watched(): boolean
  onGone(): void
  intervalMs: number
}

/** A restarting server interrupts the kernel first and stops it then: so long an interrupt's cause stays open. */
const restartGraceMs = 600
/** How long a kernel may take to say who it is; it may be starting. */
const identifyMs = 20_000
const identifyAgainMs = 1_000
/** A server knows a kernel that has said goodbye until its process is gone, or was killed after some seconds: it is asked after such pauses. */
const farewellMs = [100, 200, 400, 800, 1_600, 3_200] as const
/** How much later than its reply the idle of a request usually is at most; a mistake costs one more request. */
const idleAfterReplyMs = 1_000
/** How long no answer at all is waited for at first. */
const askAgainMs = 1_000
/** A kernel that is there answers on its control channel sooner, unless code keeps its interpreter to itself. */
const lateMs = 1_000
/** setTimeout knows no longer ones. */
const longestPauseMs = 2 ** 31 - 1

/**
 * Finds out what became of executions when messages alone do not tell: after a reconnect, after an interrupt of unknown
 * origin, and while a kernel is silent. It asks only for kernel_info, which changes nothing in the kernel; whether the
 * answering process is still the same one is seen by whoever reads the messages (ProcessIdentity).
 */
export class Supervisor {
  readonly #host: SupervisorHost
  #timer: NodeJS.Timeout | undefined
  readonly #settling = new WeakSet<Execution>()

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
    if (running.length === 0) return
    this.#host.ask('control').then(() => release(running), ignore)
    this.settle(running)
  }

  /**
   * The shell channel is worked off in order: when a request sent now has been answered and gone idle, everything before it
   * is over. One that was never seen to start may wait in another session's queue, behind which a single request could
   * slip; the second one is queued after it for certain.
   */
  settle(executions: Execution[]): void {
    if (executions.length === 0) return
    const work = async (): Promise<void> => {
      await this.drained()
      release(executions)
      if (executions.some(each => !each.over && !each.started)) await this.drained()
      for (const each of executions) if (!each.over) each.conclude()
    }
    // the link was lost or the kernel restarted: linkBack or the restart take over
    work().catch(ignore)
  }

  /** An interrupt that nobody here asked for is either another client's, or the first step of a restart. */
  confirm(execution: Execution): void {
    const work = async (): Promise<void> => {
      await pause(restartGraceMs)
      await this.#identify(execution)
      execution.confirm()
    }
    // the link was lost: linkBack releases it, and it comes here again
    work().catch(ignore)
  }

  /** While something of ours lives in the kernel, look now and then whether that is still there. */
  watch(): void {
    // the socket keeps the process alive, this does not
    this.#timer ??= setInterval(() => this.#tick(), this.#host.intervalMs).unref()
  }

  checkGone(): void {
    this.#host.isGone().then(gone => gone && this.#host.onGone(), ignore)
  }

  /** A kernel has said goodbye to all. */
  farewell(): void {
    const work = async (): Promise<void> => {
      for (const ms of farewellMs) {
        // a process that has nothing else to do does not stay for it
        await new Promise(resolve => void setTimeout(resolve, ms).unref())
        if (await this.#host.isGone()) return this.#host.onGone()
      }
    }
    // closed, or the server cannot be asked: a heartbeat's look or the link tells
    work().catch(ignore)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /**
   * A request on shell was answered, and went idle on iopub. A new link's subscription to iopub, or the server's to a restarted
   * kernel, may begin after the idle of the first one: then its reply comes alone, and another request is sent. So it is, less
   * and less often, where nothing comes: a kernel in its last moments swallows what it is sent.
   */
  async drained(): Promise<void> {
    const asked: Promise<Message>[] = []
    for (let patience = askAgainMs; ; patience *= 2) {
      const request = new Request(randomUUID(), 'shell', true)
      asked.push(this.#host.drain(request))
      const first = Promise.race(asked)
      // its timer, perhaps of hours, would keep a process alive that has nothing left to do
      const answered = new AbortController()
      const late = pause(Math.min(patience, longestPauseMs), answered.signal)
      try {
        if (await Promise.race([first, request.replied.then(() => pause(idleAfterReplyMs)), late])) return
      } finally {
        answered.abort()
      }
    }
  }

  /** Asks until somebody answers: what reaches a kernel in its last moments is lost. */
  async #identify(execution: Execution): Promise<void> {
    const deadline = performance.now() + identifyMs
    const asked: Promise<Message>[] = []
    while (!execution.over && performance.now() < deadline) {
      for (const channel of ['control', 'shell'] as const) {
        const answer = this.#host.ask(channel, identifyMs)
        answer.catch(ignore)
        asked.push(answer)
      }
      const answered = await Promise.race([Promise.any(asked), pause(identifyAgainMs)])
      if (answered) return
    }
  }

  #tick(): void {
    if (!this.#host.watched()) return this.stop()
    this.#settleUnstarted()
    // somebody shut it down: its server keeps the link, and says nothing
    const late = setTimeout(() => this.checkGone(), Math.min(lateMs, this.#host.intervalMs)).unref()
    this.#host.ask('control', 3 * this.#host.intervalMs).then(() => clearTimeout(late), ignore)
  }

  /** A request that reached a kernel in its last moments was swallowed with it, and nothing will ever tell. */
  #settleUnstarted(): void {
    const fresh = this.#host.executions().filter(each => !each.started && !this.#settling.has(each))
    for (const each of fresh) this.#settling.add(each)
    this.settle(fresh)
  }
}

function release(executions: Execution[]): void {
  for (const each of executions) if (!each.over) each.release()
}

function ignore(): void {}
