import type {ExecuteResult, KernelConnection} from '@cgpu/jupyter'
import {CgpuError} from '../errors.ts'
import type {FormerProcess} from '../kernels/restart-notice.ts'
import {isObject} from '../state/json.ts'
import {callAgent, pythonLiteral} from './bootstrap.ts'
import {numberOf} from './channel.ts'
import {AgentClient} from './client.ts'
import type {LogRecord} from './log.ts'

/** How much a cell wrote. Displays are display_data, update_display_data, execute_result and clear_output. */
export interface CellTotals {
  stdoutBytes: number
  stderrBytes: number
  displays: number
  logBytes: number
  /** of the stdout and stderr bytes, those that the log could not keep */
  droppedBytes: number
}

const runKey = 'cgpu_run'
const totalsType = 'application/vnd.cgpu.cell+json'

interface Observer {
  /** false: another kind of kernel, or a home folder that cannot be written */
  ok: boolean
  /** of the kernel's process before this one, when there was one */
  former?: FormerProcess
}

/** Kernels in which the agent observes what is published; forgotten with the process, and when a reply shows that it does not. */
const observed = new WeakMap<KernelConnection, Promise<Observer>>()

/**
 * Keeps one cell's output on the machine as well. The run id travels in the execute request (`metadata`), the totals in its
 * reply, so that a cell costs no round trip more; the log has the same bytes, in the same order, as the socket should deliver.
 */
export class CellRecorder {
  readonly runId: string
  readonly former: FormerProcess | undefined
  readonly #connection: KernelConnection
  readonly #home: string | undefined

  private constructor(connection: KernelConnection, runId: string, home: string | undefined, former: FormerProcess | undefined) {
    this.#connection = connection
    this.runId = runId
    this.former = former
    this.#home = home
  }

  /**
   * Makes sure that the kernel records; one round trip per connection, two in a kernel new to it. Null when it cannot:
   * another kind of kernel, or a home folder that cannot be written. `home` must be the one that the AgentClient uses.
   */
  static async begin(connection: KernelConnection, runId: string, options: {home?: string | undefined} = {}): Promise<CellRecorder | null> {
    let ready = observed.get(connection)
    if (!ready) {
      ready = observe(connection, options.home)
      observed.set(connection, ready)
      ready.catch(() => observed.delete(connection))
      connection.onRestart(() => observed.delete(connection))
    }
    const {ok, former} = await ready
    return ok ? new CellRecorder(connection, runId, options.home, former) : null
  }

  /** To be sent with the cell's execute request: names the run. */
  get metadata(): Record<string, unknown> {
    return {[runKey]: this.runId}
  }

  /**
   * How much the cell wrote, from its reply; asked of the machine when the reply was lost. Null when the cell was not recorded:
   * the kernel was restarted, or it never ran.
   */
  async end(result?: ExecuteResult): Promise<CellTotals | null> {
    const shown = result?.userExpressions?.[runKey]
    const data = isObject(shown) && isObject(shown['data']) ? shown['data'][totalsType] : undefined
    if (isObject(data)) return totalsOf(data)
    const agent = await this.#agent()
    try {
      const status = await agent.status(this.runId)
      if (status.state !== 'unknown') return {...status, displays: Number.MAX_SAFE_INTEGER} // not known: the log has to be read
      observed.delete(this.#connection)
      return null
    } finally {
      await agent.close()
    }
  }

  /** The cell's log from its beginning, over the same kernel, which has to be idle, or through another's agent. */
  async *records(other?: AgentClient): AsyncGenerator<LogRecord> {
    const agent = other ?? (await this.#agent())
    const stop = new AbortController()
    const waiting: {record: LogRecord; next: () => void}[] = []
    let wake = Promise.withResolvers<void>()
    let over = false
    const following = agent.follow(this.runId, {
      signal: stop.signal,
      onRecord: record => new Promise<void>(next => {
        waiting.push({record, next})
        wake.resolve()
      }),
    }).finally(() => {
      over = true
      wake.resolve()
    })
    following.catch(() => undefined) // thrown below, when all that came before was handed out
    try {
      for (;;) {
        const item = waiting.shift()
        if (item) {
          yield item.record
          item.next()
        } else if (over) {
          await following
          return
        } else {
          await wake.promise
          wake = Promise.withResolvers()
        }
      }
    } finally {
      stop.abort()
      if (!other) await agent.close()
    }
  }

  #agent(): Promise<AgentClient> {
    return AgentClient.open(this.#connection, this.#home === undefined ? {} : {home: this.#home})
  }
}

async function observe(connection: KernelConnection, home: string | undefined): Promise<Observer> {
  try {
    const {ok, former} = await callAgent(connection, `observe(${pythonLiteral(home)})`)
    return {ok: ok === true, ...(isObject(former) ? {former: {cells: numberOf(former, 'cells')}} : {})}
  } catch (error) {
    // another Python than IPython's: its cells run plainly
    if (error instanceof CgpuError && error.code === 'AGENT_UNUSABLE') return {ok: false}
    throw error
  }
}

function totalsOf(data: Record<string, unknown>): CellTotals {
  return {
    stdoutBytes: numberOf(data, 'stdoutBytes'),
    stderrBytes: numberOf(data, 'stderrBytes'),
    displays: numberOf(data, 'displays'),
    logBytes: numberOf(data, 'logBytes'),
    droppedBytes: numberOf(data, 'droppedBytes'),
  }
}
