import type {Capability} from '@cgpu/plugins'
import type {Danger} from '@cgpu/plugins/install'
import {confirm} from '../input.ts'

export interface ConsentOptions {
  /** what is about to happen: `install x 1.2.3` */
  what: string
  /** the capabilities that nobody agreed to yet */
  asked: readonly Capability[]
  /** it will run in cgpu's own process */
  trusted: boolean
  yes: boolean
  grants: readonly Danger[]
  /** as it was typed, without flags */
  command: string
}

/**
 * Asks on a terminal. Where nobody is asked, `--yes` agrees to what can be undone, and only `--grant` to the rest. Throws
 * CONFIRMATION_NEEDED, GRANT_NEEDED (64), NOT_CONFIRMED (130).
 */
export async function consent({what, asked, trusted, yes, grants, command}: ConsentOptions): Promise<void> {
  if (yes) {
    const {checkGrants} = await import('@cgpu/plugins/install')
    checkGrants(asked, grants, command)
    return
  }
  const rights = trusted ? ' and let it run as you, with all that you may do' : asked.length > 0 ? ' and agree to what it needs' : ''
  await confirm(`${what}${rights}?`, false)
}
