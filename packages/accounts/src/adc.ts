import {existsSync} from 'node:fs'
import {homedir} from 'node:os'
import {join} from 'node:path'
import type * as google from 'google-auth-library'
import {z} from 'zod/mini'
import {errors} from '@cgpu/core/errors'
import {googleHosts} from '@cgpu/core/google/hosts'
import {sanitizeLine} from '@cgpu/core/text/line'
import {readJsonFile} from './client-config.ts'
import type {Grant} from './grant.ts'
import {type MintOptions, refreshGrant} from './mint.ts'
import {serviceGrant, serviceKeyOf} from './service-account.ts'

const user = z.object({type: z.literal('authorized_user'), client_id: z.string(), client_secret: z.optional(z.string()), refresh_token: z.string()})

/**
 * The file that Application Default Credentials come from: GOOGLE_APPLICATION_CREDENTIALS, else gcloud's own. Undefined: there
 * is none, and only the metadata server of a Google machine can have some. Throws FILE_NOT_FOUND (66) when the variable misleads.
 */
export function adcFile(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['GOOGLE_APPLICATION_CREDENTIALS']
  if (named) return named
  const windows = process.platform === 'win32' && env['APPDATA'] ? join(env['APPDATA'], 'gcloud') : undefined
  const folder = env['CLOUDSDK_CONFIG'] || windows || join(env['HOME'] || homedir(), '.config', 'gcloud')
  const path = join(folder, 'application_default_credentials.json')
  return existsSync(path) ? path : undefined
}

/**
 * A token by Application Default Credentials. Users' and service accounts' files are used directly; the rest (workload
 * identity, impersonation, a Google machine) is left to google-auth-library, which asks the hosts that such a file names.
 */
export async function adcGrant(path: string | undefined, scopes: readonly string[], options: MintOptions, signal?: AbortSignal): Promise<Grant> {
  if (path === undefined) return libraryGrant(undefined, undefined, scopes, options)
  const body = await readJsonFile(path, 'file of Application Default Credentials')
  const parsed = z.safeParse(user, body)
  if (parsed.success) {
    const {client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken} = parsed.data
    // a refresh token of another account's file never rotates: it is not ours to write
    const {refreshToken: _, ...grant} = await refreshGrant({clientId, clientSecret, refreshToken}, options, signal)
    return grant
  }
  if (typeOf(body) === 'service_account') return serviceGrant(serviceKeyOf(body, path), scopes, options, signal)
  return libraryGrant(path, body, scopes, options)
}

/** The type that a credentials file says it has. */
function typeOf(body: unknown): string | undefined {
  const parsed = z.safeParse(z.object({type: z.string()}), body)
  return parsed.success ? parsed.data.type : undefined
}

async function libraryGrant(path: string | undefined, body: unknown, scopes: readonly string[], {hosts, clock}: MintOptions): Promise<Grant> {
  if (hosts.token !== googleHosts(() => undefined).token) {
    throw errors.auth('these Application Default Credentials work with Google itself only, not with an emulator', {
      code: 'ADC_UNUSABLE', fix: 'give a file of the type authorized_user or service_account: GOOGLE_APPLICATION_CREDENTIALS=FILE',
    })
  }
  const library = await import('google-auth-library')
  try {
    const client = federated(library, body, scopes) ?? await withVariable('GOOGLE_APPLICATION_CREDENTIALS', path, () => new library.GoogleAuth({scopes: [...scopes]}).getClient())
    const {token} = await client.getAccessToken()
    const expiry = client.credentials.expiry_date
    if (typeof token !== 'string' || token === '') throw new Error('no token came back')
    return {accessToken: token, expiresIn: typeof expiry === 'number' ? Math.max(1, (expiry - clock.now()) / 1000) : 3600}
  } catch (error) {
    throw errors.auth(`Application Default Credentials gave no token: ${sanitizeLine(error instanceof Error ? error.message : String(error), 200)}`, {
      code: 'ADC_UNUSABLE', fix: 'gcloud auth application-default login', cause: error,
    })
  }
}

const external = z.looseObject({type: z.literal('external_account'), credential_source: z.optional(z.looseObject({environment_id: z.optional(z.string()), executable: z.optional(z.unknown())}))})

/** Workload identity. Not by the library's own choosing among these classes: that warns on stderr, and asks for a project. */
function federated(library: typeof google, body: unknown, scopes: readonly string[]): google.BaseExternalAccountClient | undefined {
  const parsed = z.safeParse(external, body)
  if (!parsed.success) return undefined
  const {credential_source: source} = parsed.data
  const options = {...parsed.data, scopes: [...scopes]} as never // the library checks what it needs of it
  if (source?.environment_id?.startsWith('aws')) return new library.AwsClient(options)
  return source?.executable === undefined ? new library.IdentityPoolClient(options) : new library.PluggableAuthClient(options)
}

/** The library wants its file named by the environment: every other way is deprecated, and warns on stderr. */
async function withVariable<T>(name: string, value: string | undefined, use: () => Promise<T>): Promise<T> {
  const before = process.env[name]
  if (value !== undefined) process.env[name] = value
  try {
    return await use()
  } finally {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  }
}
