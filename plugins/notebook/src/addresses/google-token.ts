import {existsSync} from 'node:fs'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {computer, errors, keepOutOfDebugLog, sanitizeLine} from '@cgpu/plugin-sdk'

const scopes = ['https://www.googleapis.com/auth/devstorage.read_write']

/** CLOUDSDK_AUTH_ACCESS_TOKEN, else by Application Default Credentials where there is a file of them. Undefined: neither. Throws ADC_UNUSABLE (67). */
export async function tokenAtHand(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const given = env['CLOUDSDK_AUTH_ACCESS_TOKEN']
  if (given) return kept(given)
  const windows = process.platform === 'win32' && env['APPDATA'] ? join(env['APPDATA'], 'gcloud') : undefined
  const folder = env['CLOUDSDK_CONFIG'] || windows || join(env['HOME'] || homedir(), '.config', 'gcloud')
  if (!env['GOOGLE_APPLICATION_CREDENTIALS'] && !existsSync(join(folder, 'application_default_credentials.json'))) return undefined
  return byLibrary()
}

/** What takes longer to find: gcloud's own account, a Google machine's. */
export async function tokenElsewhere(): Promise<string | undefined> {
  const done = await computer.run('gcloud', ['auth', 'print-access-token', '--quiet']).catch(() => undefined)
  const token = done?.exitStatus === 0 ? done.stdout.trim() : ''
  return token !== '' ? kept(token) : byLibrary().catch(() => undefined)
}

async function byLibrary(): Promise<string> {
  const {GoogleAuth} = await import('google-auth-library')
  try {
    const token = await new GoogleAuth({scopes}).getAccessToken()
    if (!token) throw new Error('no token came back')
    return kept(token)
  } catch (error) {
    throw errors.auth(`Application Default Credentials gave no token: ${sanitizeLine(error instanceof Error ? error.message : String(error), 200)}`, {
      code: 'ADC_UNUSABLE', fix: 'gcloud auth application-default login', cause: error,
    })
  }
}

function kept(token: string): string {
  keepOutOfDebugLog(token)
  return token
}
