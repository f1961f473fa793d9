import type {KernelHost} from '@cgpu/core/provider'
import {inert} from '@cgpu/plugin-sdk'

export interface ConsentOptions {
  /** opens the page in the browser too */
  open?: boolean
  onWarning: (message: string) => void
}

/**
 * Asks the person at the terminal to agree on a page; undefined where nobody can be asked. What is shown goes to stderr, so
 * that the output of the code stays its own.
 */
export function terminalConsent({open = false, onWarning}: ConsentOptions): KernelHost['consent'] {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  return async ({message, url, signal}) => {
    process.stderr.write(`${inert(message)}\n  ${inert(url)}\n`)
    if (open) await openPage(url).catch((error: unknown) => onWarning(`the browser could not be opened: ${String(error)}`))
    const {ask} = await import('../input.ts')
    const answer = await ask('Enter when you have agreed there, n to leave it: ', {signal}).catch(() => 'n')
    return !/^n(o)?$/i.test(answer.trim())
  }
}

async function openPage(url: string): Promise<void> {
  const {openBrowser} = await import('@cgpu/accounts/browser')
  await openBrowser(url)
}
