import {readFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {computer, keepOutOfDebugLog} from '@cgpu/plugin-sdk'
import {z} from 'zod'
import type {AwsKeys} from './sigv4.ts'

/** What the user's AWS tools would use. */
export interface AwsSettings {
  keys: AwsKeys | undefined
  region: string | undefined
  /** in place of AWS's own hosts */
  endpoint: string | undefined
}

/** From the environment, else from the profile's sections of AWS's files. */
export async function awsSettings(env: NodeJS.ProcessEnv = process.env): Promise<AwsSettings> {
  const profile = env['AWS_PROFILE'] || 'default'
  const folder = join(env['HOME'] || homedir(), '.aws')
  const [credentials, config] = await Promise.all([
    sectionOf(env['AWS_SHARED_CREDENTIALS_FILE'] || join(folder, 'credentials'), [profile]),
    sectionOf(env['AWS_CONFIG_FILE'] || join(folder, 'config'), profile === 'default' ? ['default', 'profile default'] : [`profile ${profile}`]),
  ])
  const section = {...config, ...credentials}
  return {
    keys: kept(keysOf(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN'])
      ?? keysOf(section['aws_access_key_id'], section['aws_secret_access_key'], section['aws_session_token'])),
    region: env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || section['region'],
    endpoint: env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'] || section['endpoint_url'],
  }
}

const exported = z.object({AccessKeyId: z.string(), SecretAccessKey: z.string(), SessionToken: z.string().nullish()})

/** What the `aws` program gets: single sign-on, roles, programs that give keys, a machine's own. Undefined where it is not there, or has none. */
export async function keysOfProgram(): Promise<AwsKeys | undefined> {
  const done = await computer.run('aws', ['configure', 'export-credentials', '--format', 'process']).catch(() => undefined)
  if (done?.exitStatus !== 0) return undefined
  try {
    const {AccessKeyId, SecretAccessKey, SessionToken} = exported.parse(JSON.parse(done.stdout))
    return kept(keysOf(AccessKeyId, SecretAccessKey, SessionToken ?? undefined))
  } catch {
    return undefined
  }
}

function keysOf(accessKeyId: string | undefined, secretAccessKey: string | undefined, sessionToken: string | undefined): AwsKeys | undefined {
  return accessKeyId && secretAccessKey ? {accessKeyId, secretAccessKey, ...(sessionToken ? {sessionToken} : {})} : undefined
}

function kept(keys: AwsKeys | undefined): AwsKeys | undefined {
  for (const secret of [keys?.secretAccessKey, keys?.sessionToken]) if (secret !== undefined) keepOutOfDebugLog(secret)
  return keys
}

/** The settings of the first of these sections that the file has; no file has none. */
async function sectionOf(path: string, names: readonly string[]): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const found: Record<string, string> = {}
  let inside = false
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)?.[1]?.replace(/\s+/g, ' ').replaceAll('"', '')
    if (section !== undefined) inside = names.includes(section)
    const [, name, value] = /^([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [] // indented lines belong to a nested setting
    if (inside && name !== undefined && value !== undefined) found[name.toLowerCase()] = value
  }
  return found
}
