import type {Cgpu} from '@cgpu/core/cgpu'
import {abortable} from '@cgpu/core/abortable'
import type {AgentClient} from '@cgpu/core/agent/client'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {WorkCommand} from './work-command.ts'

/** The base of commands that ask the agent of one machine about its ports, or reach them. */
export abstract class PortCommand<T = unknown> extends WorkCommand<T> {
  /** Its session is closed when the work is over. The signals are this command's own, so that it can end what it opened. */
  protected async withAgent<R>(cgpu: Cgpu, query: string | undefined, work: (agent: () => Promise<AgentClient>, runtime: RuntimeRecord, signal: AbortSignal, gone: Promise<never>) => Promise<R>): Promise<R> {
    const runtime = await cgpu.runtimes.select(query)
    const abort = this.abortOnSignals()
    const {promise: gone, reject} = Promise.withResolvers<never>()
    gone.catch(() => undefined)
    const session = await cgpu.connect(runtime, {onGone: reject})
    try {
      await abortable(Promise.race([session.agent(), gone]), abort.signal)
      return await session.guard(() => work(() => session.agent(), runtime, abort.signal, gone))
    } finally {
      abort.dispose()
      await session.close()
    }
  }
}
