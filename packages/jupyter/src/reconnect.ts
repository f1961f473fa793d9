import {backoff, pause} from './backoff.ts'
import {JupyterError, messageOf} from './errors.ts'
import {GoneWatch, serverGone} from './gone-watch.ts'
import type {Link, LinkLoss} from './link.ts'

export interface ReconnectOptions {
  loss: LinkLoss
  maxOfflineMs: number | undefined
  signal: AbortSignal
  open: (signal: AbortSignal) => Promise<Link>
  /** see KernelOptions */
  isGone: (() => Promise<boolean>) | undefined
  onAttempt: (attempt: number, retryInMs: number, reason: string) => void
  /** aborted to try again at once: the network changed, the machine woke up */
  wake: () => AbortSignal
}

const authAttempts = 5

/**
 * Tries until a link is there. Full jitter, 0.5 s base, 30 s cap, no limit but `maxOfflineMs`. After a heartbeat death the
 * first try is at once: the network may well be fine. Captive portals make any error possible on the way, so that only a
 * missing kernel or server, repeated refusals to authorise, and what others than this package threw end it early.
 */
export async function reconnect(options: ReconnectOptions): Promise<Link> {
  const started = performance.now()
  const watch = new GoneWatch(options.isGone)
  const signal = AbortSignal.any([options.signal, watch.signal])
  let reason = options.loss.reason
  let refused = 0
  for (let attempt = options.loss.kind === 'dead' ? 0 : 1; ; attempt++) {
    const offline = performance.now() - started
    const left = (options.maxOfflineMs ?? Infinity) - offline
    if (left <= 0) throw new JupyterError('NETWORK', `the kernel connection was lost ${Math.round(offline / 1000)} s ago and did not come back (${reason})`)
    const wait = attempt === 0 ? 0 : Math.min(left, backoff(attempt, {baseMs: 500, capMs: 30_000}))
    options.onAttempt(attempt, wait, reason)
    await pauseOrWake(wait, signal, options.wake())
    try {
      return await options.open(signal)
    } catch (error) {
      signal.throwIfAborted()
      // a machine that is gone has no tokens either
      if (!isPassing(error)) throw (await watch.certain()) ? serverGone(error) : error
      if (hasCode(error, 'NOT_FOUND')) throw (await watch.certain()) ? serverGone(error) : kernelGone(error)
      refused = hasCode(error, 'AUTH') ? refused + 1 : 0
      if (refused >= authAttempts) throw (await watch.certain()) ? serverGone(error) : error
      reason = messageOf(error)
      watch.failed()
    }
  }
}

/** Others' errors come from `headers` and `reauthorize`, which may need a network as well. */
function isPassing(error: unknown): boolean {
  if (error instanceof JupyterError) return true
  if (!(error instanceof Error)) return false
  return ('retryable' in error && error.retryable === true) || ('category' in error && error.category === 'network')
}

function hasCode(error: unknown, code: JupyterError['code']): boolean {
  return error instanceof JupyterError && error.code === code
}

function kernelGone(cause: unknown): JupyterError {
  return new JupyterError('KERNEL_DEAD', 'the kernel is gone: the server does not know it any more', {status: 404, cause})
}

async function pauseOrWake(ms: number, signal: AbortSignal, wake: AbortSignal): Promise<void> {
  try {
    await pause(ms, AbortSignal.any([signal, wake]))
  } catch (error) {
    if (signal.aborted || !wake.aborted) throw error
  }
}
