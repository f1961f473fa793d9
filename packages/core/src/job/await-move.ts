import {setTimeout as delay} from 'node:timers/promises'
import {CgpuError} from '../errors.ts'
import {isFollowed} from './followed.ts'
import {mayMove} from './movable.ts'
import type {JobRecord} from './record.ts'
import type {JobStore} from './store.ts'

export interface AwaitMoveOptions {
  /** for so long is waited while nobody is seen to move it */
  patienceMs: number
  /** between two looks; default 500 */
  everyMs?: number
  /** what it aborts with is thrown */
  signal?: AbortSignal | undefined
  /** told once, before it is waited */
  onWait?: () => void | Promise<void>
}

/**
 * `moved`: it runs on another machine. `over`: it ended meanwhile, and its machine is given back. `lost`: it counts as lost, or can
 * never be moved. `nobody`: patience is at its end.
 */
export type AwaitedMove = 'moved' | 'over' | 'lost' | 'nobody'

/** Waits until a job whose machine was taken away is on another one. It moves nothing: the daemon does, or `job move`, or the run that it belongs to. */
export async function awaitMove(store: Pick<JobStore, 'get' | 'alone'>, before: JobRecord, {patienceMs, everyMs = 500, signal, onWait}: AwaitMoveOptions): Promise<AwaitedMove> {
  let told = false
  let {moves} = before
  for (let deadline = performance.now() + patienceMs; ; ) {
    signal?.throwIfAborted()
    const now = await store.get(before.id)
    if (!now) return 'lost'
    const elsewhere = now.runtime.id !== before.runtime.id
    // a run that moves its own program says where before it is there
    if (elsewhere && now.remoteCwd !== undefined) return 'moved'
    if (now.seen?.state === 'exited') return 'over'
    if (now.settledAt !== undefined) return 'lost'
    if (!elsewhere && !mayMove(now)) return 'lost'
    if (!told) await onWait?.()
    told = true
    // somebody tried, and may try again
    if (now.moves !== moves) deadline = performance.now() + patienceMs
    moves = now.moves
    if (performance.now() > deadline) {
      if (!isFollowed(now) && !(await isBusy(store, before.id))) return 'nobody'
      deadline = performance.now() + patienceMs
    }
    await delay(everyMs, undefined, signal ? {signal} : {}).catch(() => signal?.throwIfAborted())
  }
}

/** Whoever moves it holds its lock meanwhile, for minutes where a machine is hard to get. */
async function isBusy(store: Pick<JobStore, 'alone'>, id: string): Promise<boolean> {
  try {
    await store.alone(id, async () => undefined, {timeoutMs: 0})
    return false
  } catch (error) {
    return error instanceof CgpuError && error.code === 'LOCK_TIMEOUT'
  }
}
