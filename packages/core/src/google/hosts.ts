import {errors} from '../errors.ts'
import {isLoopback} from '../loopback.ts'
import {sanitizeLine} from '../text/line.ts'

/** Where Google's services are, without a slash at the end. Facts: shared protocol notes, section 1. */
export interface GoogleHosts {
  /** Colab's front end: dialect T (`/tun/m/…`) and the pages that people see */
  colab: string
  /** dialect G (`/v1/…`) */
  colabApi: string
  /** dialect P (`/v1beta/…`) */
  colabPublic: string
  /** consent page, whole URL */
  authorize: string
  /** token endpoint, whole URL */
  token: string
  revoke: string
  tokeninfo: string
  userinfo: string
  /** origin of `/drive/v3/…` and `/upload/drive/v3/…` */
  drive: string
}

const production: GoogleHosts = {
  colab: 'https://colab.research.google.com',
  colabApi: 'https://colab.pa.googleapis.com',
  colabPublic: 'https://colaboratory.googleapis.com',
  authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
  token: 'https://oauth2.googleapis.com/token',
  revoke: 'https://oauth2.googleapis.com/revoke',
  tokeninfo: 'https://oauth2.googleapis.com/tokeninfo',
  userinfo: 'https://www.googleapis.com/oauth2/v2/userinfo',
  drive: 'https://www.googleapis.com',
}

/** The setting that moves one of them. */
export const hostSettings: Record<keyof GoogleHosts, string> = {
  colab: 'colab-url',
  colabApi: 'colab-api-url',
  colabPublic: 'colab-public-url',
  authorize: 'google-authorize-url',
  token: 'google-token-url',
  revoke: 'google-revoke-url',
  tokeninfo: 'google-tokeninfo-url',
  userinfo: 'google-userinfo-url',
  drive: 'google-drive-url',
}

/** Setting and variable (CGPU_COLAB_EMULATOR) that move all of them to one origin: an emulator. */
export const emulatorSetting = 'colab-emulator'

/** Where an account's runtimes are when that is not Google. What is set counts as it is: whoever sends something there checks it. */
export function colabElsewhere(setting: (key: string) => string | undefined): string | undefined {
  const set = setting(hostSettings.colab) ?? setting(emulatorSetting)
  const origin = set !== undefined && URL.canParse(set) ? new URL(set).origin : production.colab
  return origin === production.colab ? undefined : origin
}

/**
 * The hosts as settings say. Plain http is taken on loopback only, as a token would cross the network in the clear.
 * Throws INVALID_URL (64).
 */
export function googleHosts(setting: (key: string) => string | undefined): GoogleHosts {
  const emulator = setting(emulatorSetting)
  const base = emulator === undefined ? production : onOrigin(checked(emulator, emulatorSetting))
  const hosts = {...base}
  for (const [name, key] of Object.entries(hostSettings) as [keyof GoogleHosts, string][]) {
    const own = setting(key)
    if (own !== undefined) hosts[name] = checked(own, key)
  }
  return hosts
}

function onOrigin(origin: string): GoogleHosts {
  return {
    colab: origin, colabApi: origin, colabPublic: origin, drive: origin,
    authorize: `${origin}/o/oauth2/v2/auth`, token: `${origin}/token`, revoke: `${origin}/revoke`,
    tokeninfo: `${origin}/tokeninfo`, userinfo: `${origin}/oauth2/v2/userinfo`,
  }
}

function checked(text: string, key: string): string {
  const refuse = (why: string): never => {
    throw errors.usage(`${key} ${why}: ${sanitizeLine(text, 120)}`, {code: 'INVALID_URL', fix: `correct or unset CGPU_${key.toUpperCase().replaceAll('-', '_')}, or: cgpu config unset ${key}`})
  }
  if (!URL.canParse(text)) return refuse('is not a URL')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return refuse('holds a user or password')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) return refuse('must be https (http only on loopback)')
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
