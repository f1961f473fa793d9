import {CgpuError} from '@cgpu/core/errors'
import type {KernelHost} from '@cgpu/core/provider'
import {inert} from '@cgpu/plugin-sdk/lean'

export interface ConsentOptions {
  /** opens the page in the browser too */
  open?: boolean
  onWarning: (message: string) => void
}

type Consent = NonNullable<KernelHost['consent']>

/**
 * Asks the person at the terminal to agree on a page; undefined where nobody can be asked. What is shown goes to stderr, so
 * that the output of the code stays its own. Rejects with INTERRUPTED (130) after Ctrl-C.
 */
export function terminalConsent({open = false, onWarning}: ConsentOptions): Consent | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  return async ({message, url, signal}) => {
    process.stderr.write(`${inert(message)}\n  ${inert(url)}\n`)
    if (open) {
      const {openBrowser} = await import('@cgpu/accounts/browser')
      if (!(await openBrowser(url))) onWarning('no browser could be opened: open the page yourself')
    }
    const {ask} = await import('../input.ts')
    const answer = await ask('Enter when you have agreed there, n to leave it: ', {signal})
    return !/^n(o)?$/i.test(answer.trim())
  }
}

/** The same for code that waits for the answer: Ctrl-C interrupts the code, as it does at any other time. */
export function consentForCode(consent: Consent): Consent {
  return async (request) => {
    try {
      return await consent(request)
    } catch (error) {
      if (!(error instanceof CgpuError) || error.code !== 'INTERRUPTED') return false
      process.emit('SIGINT')
      // an answer now would end the code otherwise than the interrupt does
      const {signal} = request
      if (signal && !signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, {once: true}))
      return false
    }
  }
}
