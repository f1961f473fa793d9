import type {Trust, TrustLevel} from '../trust.ts'
import type {LockedPlugin} from './lock-file.ts'

/** How a plugin may run. People trust a version; a folder that they linked is theirs to change. */
export function levelOf({source, version}: Pick<LockedPlugin, 'source' | 'version'>, trust: Pick<Trust, 'level' | 'version'> | undefined): TrustLevel {
  return trust?.level === 'trusted' && (source === 'link' || trust.version === version) ? 'trusted' : 'untrusted'
}
