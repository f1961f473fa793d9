import {z} from 'zod/mini'
import {errors} from '@cgpu/core/errors'
import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {jsonOf, type Send, unexpected} from './wire.ts'

/** Whose token it is. */
export interface Person {
  email: string
  name?: string
}

/** What Google says of a token. */
export interface TokenInfo {
  email?: string
  scopes: string[]
  /** seconds left */
  expiresIn?: number
}

const email = z.string().check(z.regex(/^[^\s@:]{1,200}@[^\s@]{1,200}$/u))
const person = z.object({email, name: z.optional(z.string())})
const info = z.object({
  email: z.optional(email),
  scope: z.optional(z.string()),
  expires_in: z.optional(z.union([z.number(), z.pipe(z.string(), z.transform(Number))])),
})

/** `GET oauth2/v2/userinfo`. Shared protocol notes, section 2.2. */
export async function whoHas(token: string, send: Send, hosts: GoogleHosts, signal?: AbortSignal): Promise<Person> {
  const answer = await send({method: 'GET', url: hosts.userinfo, headers: {authorization: `Bearer ${token}`}, signal})
  if (answer.status === 401 || answer.status === 403) throw refusedToken()
  const found = z.safeParse(person, jsonOf(answer))
  if (answer.status !== 200 || !found.success) throw unexpected(answer.host, `with no e-mail address (status ${answer.status})`)
  const {name} = found.data
  return {email: found.data.email, ...(name === undefined || name === '' ? {} : {name})}
}

/** `POST tokeninfo`, with the token in a header and in the body: as a query it would stand in logs. */
export async function explainToken(token: string, send: Send, hosts: GoogleHosts, signal?: AbortSignal): Promise<TokenInfo> {
  const answer = await send({method: 'POST', url: hosts.tokeninfo, headers: {authorization: `Bearer ${token}`}, form: {access_token: token}, signal})
  if (answer.status === 400 || answer.status === 401) throw refusedToken()
  const found = z.safeParse(info, jsonOf(answer))
  if (answer.status !== 200 || !found.success) throw unexpected(answer.host, `with nothing about the token (status ${answer.status})`)
  const {email, scope, expires_in: expiresIn} = found.data
  return {
    scopes: (scope ?? '').split(' ').filter(one => one !== ''),
    ...(email === undefined ? {} : {email}),
    ...(expiresIn === undefined || !Number.isFinite(expiresIn) ? {} : {expiresIn}),
  }
}

const refusedToken = (): Error =>
  errors.auth('Google does not accept this access token', {code: 'TOKEN_REFUSED', fix: 'it may have expired: get a new one, or sign in: cgpu auth login'})
