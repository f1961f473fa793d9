import {createPrivateKey, sign} from 'node:crypto'
import {z} from 'zod/mini'
import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {readJsonFile} from './client-config.ts'
import {type Grant, GrantRefused, readGrant} from './grant.ts'
import type {MintOptions} from './mint.ts'

/** The part of a service account's key file that signs. */
export interface ServiceKey {
  email: string
  keyId?: string | undefined
  /** PEM */
  privateKey: string
}

const shape = z.object({
  type: z.literal('service_account'), client_email: z.string().check(z.regex(/^[^\s@:]+@[^\s@]+$/)), private_key: z.string(), private_key_id: z.optional(z.string()),
})

/** Reads a key file each time that it is needed: it stays where it is. Throws KEY_INVALID (65), SECRETS_EXPOSED (67), FILE_NOT_FOUND (66). */
export async function readServiceKey(path: string): Promise<ServiceKey> {
  return serviceKeyOf(await readJsonFile(path, 'service account key', true), path)
}

export function serviceKeyOf(body: unknown, path: string): ServiceKey {
  const parsed = z.safeParse(shape, body)
  if (!parsed.success) {
    throw errors.data(`${sanitizeLine(path, 200)} is no key of a service account`, {
      code: 'KEY_INVALID', category: 'file', fix: 'give the JSON key that the Google Cloud console offers',
    })
  }
  const {client_email: email, private_key: privateKey, private_key_id: keyId} = parsed.data
  try {
    createPrivateKey(privateKey)
  } catch {
    throw errors.data(`the private key of ${sanitizeLine(path, 200)} cannot be read`, {code: 'KEY_INVALID', category: 'file', fix: 'get a new key from the Google Cloud console'})
  }
  return {email, privateKey, keyId}
}

/** Google takes an assertion whose times are off by a little only. */
const skewMs = 60_000

/** RFC 7523 section 2.1. When Google refuses it and this machine's clock is off, once more with Google's time. Throws GrantRefused. */
export async function serviceGrant(key: ServiceKey, scopes: readonly string[], {send, hosts, clock}: Pick<MintOptions, 'send' | 'hosts' | 'clock'>, signal?: AbortSignal): Promise<Grant> {
  const ask = async (now: number): Promise<Grant> => {
    const form = {grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertion(key, scopes, hosts.token, now)}
    return readGrant(await send({method: 'POST', url: hosts.token, form, signal}))
  }
  const now = clock.now()
  try {
    return await ask(now)
  } catch (error) {
    if (!(error instanceof GrantRefused) || error.serverTime === undefined || Math.abs(error.serverTime - now) < skewMs) throw error
    return ask(error.serverTime)
  }
}

function assertion({email, keyId, privateKey}: ServiceKey, scopes: readonly string[], audience: string, now: number): string {
  const iat = Math.floor(now / 1000)
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const body = [
    encode({alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : {kid: keyId})}),
    encode({iss: email, scope: scopes.join(' '), aud: audience, iat, exp: iat + 3600}),
  ].join('.')
  return `${body}.${sign('RSA-SHA256', Buffer.from(body), privateKey).toString('base64url')}`
}
