import {createHash, timingSafeEqual} from 'node:crypto'
import {errors} from '@cgpu/core/errors'

/** `sha512-…`, as lock files write it. */
export const integrityOf = (bytes: Uint8Array): string => `sha512-${createHash('sha512').update(bytes).digest('base64')}`

/** Throws PLUGIN_INTEGRITY (65) where the bytes are not those that were promised. A promise that cannot be checked is none. */
export function checkIntegrity(bytes: Uint8Array, promised: {integrity?: string | undefined; shasum?: string | undefined}, what: string): void {
  const wrong = (message: string) => errors.data(message, {code: 'PLUGIN_INTEGRITY', category: 'plugin', fix: 'nothing was installed; try again, and tell its publisher if it stays so'})
  const found = /(?:^|\s)(sha512|sha384|sha256)-([A-Za-z0-9+/=]+)/.exec(promised.integrity ?? '')
  const [algorithm, expected] = found ? [found[1] ?? '', Buffer.from(found[2] ?? '', 'base64')] : ['sha1', Buffer.from(promised.shasum ?? '', 'hex')]
  if (expected.length === 0) throw wrong(`the registry does not say what the tarball of ${what} must be`)
  const actual = createHash(algorithm).update(bytes).digest()
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) throw wrong(`the tarball of ${what} is not the one that was published: its ${algorithm} differs`)
}
