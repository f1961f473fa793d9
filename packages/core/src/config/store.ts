import {errors} from '../errors.ts'
import type {JsonFile} from '../state/json-file.ts'
import type {JsonObject} from '../state/json.ts'
import {validateName} from '../text/names.ts'
import {parseSettingValue, settingNamed, type SettingValue} from './settings.ts'
import {userConfigFile, type UserConfig} from './user-config.ts'

/** Which group of the user config is meant: a profile's, or the settings that always count. */
export interface Scope {
  profile?: string | undefined
}

/** Reads and changes `<config>/config.json`. */
export class ConfigStore {
  readonly #file: JsonFile<UserConfig>

  constructor(configDir: string, options: {onWarning?: (message: string) => void} = {}) {
    this.#file = userConfigFile(configDir, options.onWarning)
  }

  get path(): string {
    return this.#file.path
  }

  /** What the user config itself says; other sources are `resolveSettings`' business. Throws UNKNOWN_SETTING (64). */
  async get(key: string, scope: Scope = {}): Promise<unknown> {
    settingNamed(key)
    const group = groupOf(await this.#file.read(), scope)
    return group && Object.hasOwn(group, key) ? group[key] : undefined
  }

  /** Returns the value as stored. Throws UNKNOWN_SETTING or INVALID_SETTING (64) and then writes nothing. */
  async set(key: string, raw: unknown, scope: Scope = {}): Promise<SettingValue> {
    const setting = settingNamed(key)
    if (scope.profile !== undefined) {
      validateName(scope.profile, 'profile')
      if (key === 'profile') throw errors.usage('a profile cannot choose a profile', {code: 'INVALID_SETTING', fix: 'leave --profile out'})
    }
    let value: SettingValue
    try {
      value = parseSettingValue(setting, raw)
    } catch (error) {
      throw errors.usage(`"${key}" ${error instanceof Error ? error.message : 'is wrong'}`, {code: 'INVALID_SETTING', fix: `cgpu config set ${key} ${setting.type === 'boolean' ? 'true' : 'VALUE'}`})
    }
    await this.#file.update(config => withGroup(config, scope, {...groupOf(config, scope), [key]: value}))
    return value
  }

  /** Returns whether it was set. Also unsets what this cgpu does not know but the file holds. */
  async unset(key: string, scope: Scope = {}): Promise<boolean> {
    let was = false
    await this.#file.update(config => {
      const group = groupOf(config, scope)
      was = group !== undefined && Object.hasOwn(group, key)
      if (!was) return undefined
      const {[key]: _, ...rest} = group ?? {}
      return withGroup(config, scope, rest)
    })
    if (!was) settingNamed(key)
    return was
  }

  async profiles(): Promise<string[]> {
    return Object.keys((await this.#file.read()).profiles).sort()
  }
}

function groupOf(config: UserConfig, {profile}: Scope): JsonObject | undefined {
  if (profile === undefined) return config.settings
  return Object.hasOwn(config.profiles, profile) ? config.profiles[profile] : undefined
}

/** A profile without settings is no profile. */
function withGroup(config: UserConfig, {profile}: Scope, group: JsonObject): UserConfig {
  if (profile === undefined) return {...config, settings: group}
  const {[profile]: _, ...others} = config.profiles
  return {...config, profiles: Object.keys(group).length === 0 ? others : {...others, [profile]: group}}
}
