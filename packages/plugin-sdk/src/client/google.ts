import {errors} from '@cgpu/core/errors'
import type {CgpuCommand} from '../command.ts'
import type {Fetched, FetchOptions} from './computer.ts'

export interface GoogleRequest {
  /** email or id; default: the account that counts */
  account?: string | undefined
  /** whole scopes, any one of which is enough; the first is what an account that has none is told to allow */
  scopes: readonly string[]
}

/** A Google account that allowed what was asked. */
export interface GoogleAccess {
  account: {id: string; email: string; scopes: readonly string[]}
  /** origin of `/drive/v3/…` and `/upload/drive/v3/…` */
  drive: string
  /** where Colab's pages are; they are for people, no token goes there */
  colab: string
  /**
   * One request with the account's token, to the origin `drive` and nowhere else; a redirect is an answer. The token is renewed once
   * where it is refused. Answers are limited to 32 MiB: ask for more with `Range`. Throws HOST_NOT_GOOGLE (69), SIGN_IN_EXPIRED (67),
   * GOOGLE_UNREACHABLE (69), or what `signal` gives.
   */
  fetch(url: string, options?: FetchOptions & {signal?: AbortSignal | undefined}): Promise<Fetched>
}

/** How the host signs in for plugins of its process. */
export type GoogleHosting = (command: CgpuCommand, request: GoogleRequest) => Promise<GoogleAccess>

const key = Symbol.for('cgpu.google')

/** For the host: plugins of this process use Google accounts by this from now on. */
export function googleBy(hosting: GoogleHosting): void {
  Object.assign(globalThis, {[key]: hosting})
}

/**
 * Requests to Google for the user's account; the token itself is never given away. Throws SIGN_IN_REQUIRED, UNKNOWN_ACCOUNT,
 * SIGN_IN_EXPIRED, SCOPE_MISSING (67) with the command that asks for it, and CAPABILITY_MISSING (64) in a sandbox.
 */
export const googleAccess: GoogleHosting = async (command, request) => {
  const hosting = (globalThis as unknown as Record<symbol, GoogleHosting | undefined>)[key] // as googleBy leaves it
  if (!hosting) throw errors.usage('a plugin in a sandbox cannot use a Google account', {code: 'CAPABILITY_MISSING', category: 'plugin', fix: 'it is for trusted plugins: cgpu plugins trust'})
  return hosting(command, request)
}
