import {errors} from '../errors.ts'
import {didYouMean} from '../text/closest.ts'
import {sanitizeLine} from '../text/line.ts'

export type SettingType = 'string' | 'boolean'
export type SettingValue = string | boolean

/** One row of the settings table. The key is also the flag's name: `high-ram` is `--high-ram`. */
export interface Setting {
  key: string
  type: SettingType
  /** lowercase, no full stop */
  description: string
  /** its environment variable: CGPU_ and the key in capitals */
  env: string
  default?: SettingValue
  /** the only values allowed, where they are few and known */
  allowed?: readonly string[]
  /** settings that this one overrides when it comes from a stronger source: of `gpu` and `tpu` only one can count */
  instead?: readonly string[]
  /** decides where sign-ins are kept and sent, or whose cgpu runs: no project file may set it, as those come with other people's code */
  personal?: boolean
}

const row = (key: string, type: SettingType, description: string, more: Partial<Setting> = {}): Setting =>
  ({key, type, description, env: envName(key), ...more})

/** Every setting there is, in the order in which `cgpu config list` shows them. */
export const settings: readonly Setting[] = [
  row('profile', 'string', 'the profile whose settings count'),
  row('provider', 'string', 'where runtimes come from', {default: 'local'}),
  row('account', 'string', 'the account that commands work with, by email or id'),
  row('runtime', 'string', 'the runtime that commands work on'),
  row('gpu', 'string', 'the GPU that new runtimes get', {instead: ['tpu', 'cpu']}),
  row('tpu', 'string', 'the TPU that new runtimes get', {instead: ['gpu', 'cpu']}),
  row('cpu', 'boolean', 'new runtimes get no accelerator', {instead: ['gpu', 'tpu']}),
  row('high-ram', 'boolean', 'new runtimes get more memory', {default: false}),
  row('image', 'string', 'the image that new runtimes start from'),
  row('kernel', 'string', 'the kernel that exec uses'),
  row('python', 'string', 'the Python that the local provider starts'),
  row('keep', 'boolean', 'run keeps the runtime that it made', {default: false}),
  row('wait', 'string', 'how long to wait for a machine when there is none'),
  row('allow-downgrade', 'boolean', 'take another accelerator than the one asked for', {default: false}),
  row('lease', 'string', 'how long a machine stays when nobody renews its lease'),
  row('daemon', 'string', 'whether exec goes through a background process and starts it (auto: not in CI)', {allowed: ['auto', 'on', 'off'], default: 'auto', personal: true}),
  row('client-config', 'string', 'the file with your own OAuth client', {personal: true}),
  row('keyring', 'string', 'where refresh tokens are kept: the keyring of the system, or a file that only you can read (off)', {allowed: ['auto', 'off'], default: 'auto', personal: true}),
  row('colab-emulator', 'string', 'an emulator, which stands in for every Google host', {personal: true}),
  row('colab-dialect', 'string', 'the interface of Colab that is spoken', {allowed: ['private', 'public'], default: 'private'}),
  row('colab-url', 'string', 'the address of Colab itself', {personal: true}),
  row('colab-api-url', 'string', "the address of Colab's API", {personal: true}),
  row('colab-public-url', 'string', "the address of Colab's public API", {personal: true}),
  row('google-authorize-url', 'string', "the address of Google's consent page", {personal: true}),
  row('google-token-url', 'string', 'the address where Google gives tokens', {personal: true}),
  row('google-revoke-url', 'string', 'the address where Google takes tokens back', {personal: true}),
  row('google-tokeninfo-url', 'string', 'the address where Google explains tokens', {personal: true}),
  row('google-userinfo-url', 'string', 'the address where Google says whose account it is', {personal: true}),
  row('google-drive-url', 'string', 'the address of Google Drive', {personal: true}),
  row('history', 'boolean', 'keep a history of what was executed', {default: true}),
  row('autoupdate', 'boolean', 'a standalone cgpu updates itself, once a day at most', {default: true, personal: true}),
  row('update-url', 'string', 'the server that updates come from', {personal: true}),
  row('update-key', 'string', 'the public key that updates are signed with', {personal: true}),
  row('plugin-index', 'string', 'the curated index of plugins: an address, a file, or off', {personal: true}),
  row('plugin-index-key', 'string', 'the public key that the index of plugins is signed with', {personal: true}),
  row('sigstore-url', 'string', 'where the keys that provenance is checked with are fetched, by TUF', {personal: true}),
  row('sigstore-root', 'string', "the root.json that a sigstore of one's own begins with", {personal: true}),
  row('quiet', 'boolean', 'print results and errors only', {default: false}),
]

const byKey = new Map(settings.map(setting => [setting.key, setting]))

/** `high-ram` is CGPU_HIGH_RAM. */
export function envName(key: string): string {
  return `CGPU_${key.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
}

export function findSetting(key: string): Setting | undefined {
  return byKey.get(key)
}

/** The setting, or UNKNOWN_SETTING (exit 64) with a did-you-mean. */
export function settingNamed(key: string): Setting {
  const found = byKey.get(key)
  if (found) return found
  const keys = settings.map(setting => setting.key)
  throw errors.usage(`there is no setting "${sanitizeLine(key, 60)}"`, {
    code: 'UNKNOWN_SETTING', fix: didYouMean(key, keys) ?? `choose one of: ${keys.join(', ')}`,
  })
}

const truths = new Map<string, boolean>([
  ['true', true], ['yes', true], ['on', true], ['1', true],
  ['false', false], ['no', false], ['off', false], ['0', false],
])

/**
 * A value as its setting wants it, from the text of a flag or variable or from JSON or YAML. Throws a sentence
 * about what is wrong (an Error whose message completes `"gpu" …`); the caller knows where it came from.
 */
export function parseSettingValue(setting: Setting, raw: unknown): SettingValue {
  if (setting.type === 'boolean') {
    const value = typeof raw === 'boolean' ? raw : typeof raw === 'string' ? truths.get(raw.trim().toLowerCase()) : undefined
    if (value === undefined) throw new Error(`must be true or false, not ${show(raw)}`)
    return value
  }
  if (typeof raw !== 'string') throw new Error(`must be text, not ${show(raw)}`)
  if (raw.trim() === '') throw new Error('cannot be empty')
  if (raw.length > 1000) throw new Error(`is too long (${raw.length} characters, at most 1000)`)
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f-\x9f]/.test(raw)) throw new Error('holds control characters')
  if (setting.allowed && !setting.allowed.includes(raw)) throw new Error(`must be one of ${setting.allowed.join(', ')}, not ${show(raw)}`)
  return raw
}

function show(raw: unknown): string {
  if (raw === null) return 'empty'
  if (Array.isArray(raw)) return 'a list'
  return typeof raw === 'object' ? 'a group of settings' : `"${sanitizeLine(typeof raw === 'string' ? raw : JSON.stringify(raw), 60)}"`
}
