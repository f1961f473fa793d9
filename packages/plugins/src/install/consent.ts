import {errors} from '@cgpu/core/errors'
import {type Capability, describeCapability} from '../manifest.ts'

/** What `--yes` never agrees to. */
export const dangers = ['exec', 'write', 'all-hosts'] as const
export type Danger = (typeof dangers)[number]

/** Of a capability: whether it reaches beyond what can be undone. */
export function dangerOf(one: Capability): Danger | undefined {
  if (one.use === 'exec') return 'exec'
  if (one.use === 'files' && one.write.some((path) => !isBelow(path))) return 'write'
  if (one.use === 'net' && one.hosts.some((host) => /^\*(?::|$)/.test(host))) return 'all-hosts'
  return undefined
}

/** Below the folder that the command was started in. */
const isBelow = (path: string): boolean => !/^(?:[/~\\]|[a-zA-Z]:)/.test(path) && !path.includes('$') && !path.split(/[/\\]/).includes('..')

/** What is asked for now and was not agreed to before. Reasons may change; what may be done counts. */
export function newCapabilities(asked: readonly Capability[], granted: readonly Capability[]): Capability[] {
  return asked.filter((one) => !granted.some((before) => covers(before, one)))
}

function covers(before: Capability, now: Capability): boolean {
  const within = (some: readonly string[], all: readonly string[]): boolean => some.every((one) => all.includes(one))
  if (before.use === 'kernel' && now.use === 'kernel') return true
  if (before.use === 'runtimes' && now.use === 'runtimes') return before.access === 'manage' || now.access === 'read'
  if (before.use === 'files' && now.use === 'files') return within(now.read, before.read) && within(now.write, before.write)
  if (before.use === 'net' && now.use === 'net') return within(now.hosts, before.hosts)
  if (before.use === 'secrets' && now.use === 'secrets') return within(now.names, before.names)
  if (before.use === 'exec' && now.use === 'exec') return within(now.programs, before.programs)
  return false
}

/** Throws GRANT_NEEDED (64) where nobody is asked and a capability needs to be named. `command`: what was typed, without flags. */
export function checkGrants(asked: readonly Capability[], grants: readonly Danger[], command: string): void {
  const missing = asked.flatMap((one) => {
    const danger = dangerOf(one)
    return danger !== undefined && !grants.includes(danger) ? [{danger, one}] : []
  })
  if (missing.length === 0) return
  const needed = dangers.filter((danger) => missing.some((one) => one.danger === danger))
  // with those that were given, so that the line can be typed as it is
  const named = dangers.filter((danger) => needed.includes(danger) || grants.includes(danger))
  throw errors.usage(`--yes does not agree to this: ${missing.map(({one}) => describeCapability(one)).join('; ')}`, {
    code: 'GRANT_NEEDED', category: 'plugin', fix: `read it, and if you agree: ${command} --yes ${named.map((one) => `--grant ${one}`).join(' ')}`, details: {grants: needed},
  })
}
