import {errors} from '@cgpu/core/errors'
import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {adcGrant} from './adc.ts'
import {type Grant, readGrant} from './grant.ts'
import {readServiceKey, serviceGrant} from './service-account.ts'
import type {Clock} from './life.ts'
import type {Mint} from './tokens.ts'
import type {Send} from './wire.ts'

export interface MintOptions {
  send: Send
  hosts: GoogleHosts
  clock: Clock
  env: NodeJS.ProcessEnv
}

/** New access tokens, by the kind of the account. */
export function minter(options: MintOptions): Mint {
  return async (record, secret, signal) => {
    if (record.kind === 'service-account' && record.keyFile !== undefined) {
      return serviceGrant(await readServiceKey(record.keyFile), record.scopes, options, signal)
    }
    if (record.kind === 'adc') return adcGrant(record.keyFile, record.scopes, options, signal)
    if (record.kind === 'oauth' && secret.refreshToken !== undefined && record.clientId !== undefined) {
      return refreshGrant({clientId: record.clientId, clientSecret: secret.clientSecret, refreshToken: secret.refreshToken}, options, signal)
    }
    throw errors.auth(`cgpu cannot get a token for ${record.email}: its kind of account ("${record.kind}") or what is kept of it is not known here`, {
      code: 'SIGN_IN_REQUIRED', fix: `cgpu auth login --account ${record.email}`,
    })
  }
}

export interface RefreshKeys {
  clientId: string
  clientSecret?: string | undefined
  refreshToken: string
}

/** RFC 6749 section 6. Throws GrantRefused. */
export async function refreshGrant({clientId, clientSecret, refreshToken}: RefreshKeys, {send, hosts}: Pick<MintOptions, 'send' | 'hosts'>, signal?: AbortSignal): Promise<Grant> {
  const form = {
    grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId,
    ...(clientSecret === undefined ? {} : {client_secret: clientSecret}),
  }
  return readGrant(await send({method: 'POST', url: hosts.token, form, signal}))
}

