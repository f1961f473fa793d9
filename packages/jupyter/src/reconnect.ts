import {backoff, pause} from './backoff.ts'
import {JupyterError, messageOf} from './errors.ts'
import type {Link, LinkLoss} from './link.ts'

export interface ReconnectOptions {
  loss: LinkLoss
  maxOfflineMs: number | undefined
  signal: AbortSignal
  open: () => Promise<Link>
  onAttempt: (attempt: number, retryInMs: number, reason: string) => void
  /** aborted to try again at once: the network changed, the machine woke up */
  wake: () => AbortSignal
}

const authAttempts = 5

/**
 * Tries until a link is there. Full jitter, 0.5 s base, 30 s cap, no limit but `maxOfflineMs`. After a heartbeat death the
 * first try is at once: the network may well be fine. Captive portals make any error possible on the way, so that only a
 * missing kernel, repeated refusals to authorise, and what others than this package threw for good end it early.
 */
export async function reconnect(options: ReconnectOptions): Promise<Link> {
  const started = performance.now()
  let reason = options.loss.reason
  let refused = 0
  for (let attempt = options.loss.kind === 'dead' ? 0 : 1; ; attempt++) {
    const offline = performance.now() - started
    const left = (options.maxOfflineMs ?? Infinity) - offline
    if (left <= 0) throw new JupyterError('NETWORK', `the kernel connection was lost ${Math.round(offline / 1000)} s ago and did not come back (${reason})`)
    const wait = attempt === 0 ? 0 : Math.min(left, backoff(attempt, {baseMs: 500, capMs: 30_000}))
    options.onAttempt(attempt, wait, reason)
    await pauseOrWake(wait, options)
    try {
      return await options.open()
    } catch (error) {
      options.signal.throwIfAborted()
      if (!mayPass(error)) throw error
      const code = error instanceof JupyterError ? error.code : undefined
      if (code === 'NOT_FOUND') throw new JupyterError('KERNEL_DEAD', 'the kernel is gone: the server does not know it any more', {status: 404, cause: error})
      refused = code === 'AUTH' ? refused + 1 : 0
      if (refused >= authAttempts) throw error
      reason = messageOf(error)
    }
  }
}

/** Others' errors come from `headers` and `reauthorize`, which may need the network as well. */
function mayPass(error: unknown): boolean {
  return error instanceof JupyterError || (error instanceof Error && 'retryable' in error && error.retryable === true)
}

async function pauseOrWake(ms: number, options: ReconnectOptions): Promise<void> {
  const wake = options.wake()
  try {
    await pause(ms, AbortSignal.any([options.signal, wake]))
  } catch (error) {
    if (options.signal.aborted || !wake.aborted) throw error
  }
}
