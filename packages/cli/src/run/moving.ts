import {setTimeout as delay} from 'node:timers/promises'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError} from '@cgpu/core/errors'
import type {EventListener} from '@cgpu/core/execution/events'
import type {RunOptions} from '@cgpu/core/execution/run'
import {moveAgainAfterMs} from '@cgpu/core/job/movable'
import {jobsOf} from '@cgpu/core/job/of'
import {formatDuration} from '@cgpu/core/text/format'
import {anotherOf, type ChosenRuntime, type HeldRuntime} from './acquire.ts'

export interface AcrossMachinesOptions<R> {
  cgpu: Cgpu
  id: string
  /** how often it may be given another machine */
  max: number
  /** runs it on a machine, which it tells of as soon as it holds it */
  on: (where: ChosenRuntime, moves: number, hold: (held: HeldRuntime) => void) => Promise<R>
  /** gives a machine back that is gone */
  leave: (held: HeldRuntime) => Promise<void>
  onEvent: EventListener
  signal: AbortSignal
  pauseMs?: (tries: number) => number
}

/** Runs a program on a machine, and on another one each time that its own is taken away, as often as that is allowed. */
export async function acrossMachines<R>(chosen: ChosenRuntime, {cgpu, id, max, on, leave, onEvent, signal, pauseMs = moveAgainAfterMs}: AcrossMachinesOptions<R>): Promise<R> {
  let takenAway: unknown
  for (let where = chosen, moves = 0, tries = 0; ; ) {
    let held: HeldRuntime | undefined
    try {
      return await on(where, moves, (machine) => void (held = machine))
    } catch (error) {
      if (held && moves < max && (await goesOn(error, cgpu, id))) {
        takenAway = error
        await onEvent({type: 'notice', code: 'JOB_MOVED', message: `${held.record.name} was taken away; the program goes on on another machine`})
        await leave(held)
        where = anotherOf(where)
        moves++
        tries = 0
        continue
      }
      if (takenAway === undefined || held) throw error
      if (!mayPass(error) || signal.aborted) {
        await jobsOf(cgpu).ends.failed(id, signal.aborted ? error : takenAway)
        throw error
      }
      const ms = pauseMs(tries++)
      await onEvent({type: 'notice', code: 'JOB_WAITS', message: `there is no other machine now: ${error.message}; tried again in ${formatDuration(ms)}`})
      await delay(ms, undefined, {signal}).catch(async () => {
        await jobsOf(cgpu).ends.failed(id, signal.reason)
        throw signal.reason
      })
    }
  }
}

/** Whether a run that failed so may go on on another machine. */
async function goesOn(thrown: unknown, cgpu: Cgpu, id: string): Promise<boolean> {
  if (!wasTakenAway(thrown)) return false
  // somebody who released its machine, or cancelled it, did not mean that
  return (await jobsOf(cgpu).store.get(id).catch(() => undefined))?.seen?.reason !== 'cancelled'
}

export function wasTakenAway(thrown: unknown): boolean {
  return thrown instanceof CgpuError && thrown.code === 'RUNTIME_RECLAIMED'
}

/** What somebody else's work on their machines, or a network that is back, changes. */
function mayPass(thrown: unknown): thrown is CgpuError {
  return thrown instanceof CgpuError && (thrown.retryable || thrown.category === 'capacity' || thrown.category === 'quota' || thrown.category === 'network')
}

/** For a machine after the first: each is one attempt less. */
export function optionsAfter(options: RunOptions, moves: number): RunOptions {
  const {restarts} = options
  return moves === 0 || !restarts ? options : {...options, restarts: {...restarts, max: restarts.max - moves}}
}
