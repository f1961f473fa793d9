import {HOOK_BUDGET_MS} from './contract.ts'
import {type HookHost, rootsOf} from './fire.ts'
import {guarded} from './hook-guard.ts'
import type {CgpuEvent} from './hook-types.ts'

/**
 * Calls what a plugin registered, within the bounds of a hook: it can neither end the process nor write into the command's result.
 * Throws what it throws, and an Error when it takes longer than `ms`; its signal is aborted then.
 */
export async function callRegistered<T>(host: HookHost, event: CgpuEvent, call: (signal: AbortSignal) => Promise<T> | T, ms = HOOK_BUDGET_MS): Promise<T> {
  const controller = new AbortController()
  const {promise: late, reject} = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`timed out after ${ms} ms`))
    controller.abort()
  }, ms)
  try {
    return await guarded(event, rootsOf(host), (message) => void host.warn(message), () => Promise.race([(async () => call(controller.signal))(), late]))
  } finally {
    clearTimeout(timer)
  }
}
