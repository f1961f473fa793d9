import {CONTRACT} from '../contract.ts'
import type {CgpuEvent, CgpuHook, CgpuHooks} from '../hook-types.ts'

/** Calls a hook of a plugin as cgpu would, in this process and without the rest of cgpu: for unit tests. Rejects where the hook throws. */
export async function callHook<E extends CgpuEvent>(hook: CgpuHook<E>, options: Omit<CgpuHooks[E]['options'], 'contract'>): Promise<CgpuHooks[E]['return']> {
  const called = hook as unknown as (this: object, options: object) => Promise<CgpuHooks[E]['return']> // oclif's type wants its whole context
  return called.call({}, {contract: CONTRACT, ...options})
}
