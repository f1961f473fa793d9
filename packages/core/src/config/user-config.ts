import {join} from 'node:path'
import {JsonFile} from '../state/json-file.ts'
import {isObject, type JsonObject} from '../state/json.ts'

/** What `config.json` holds besides its version. Values are checked where they are used: a wrong one must not hide the rest. */
export interface UserConfig {
  settings: JsonObject
  profiles: Record<string, JsonObject>
}

/** `<config>/config.json`. Keys that this cgpu does not know survive a change. */
export function userConfigFile(configDir: string, onWarning?: (message: string) => void): JsonFile<UserConfig> {
  return new JsonFile<UserConfig>({
    path: join(configDir, 'config.json'),
    version: 1,
    initial: () => ({settings: {}, profiles: {}}),
    parse: parseUserConfig,
    onWarning,
    maxBytes: 2 ** 20,
  })
}

function parseUserConfig(value: JsonObject): UserConfig | undefined {
  const {settings = {}, profiles = {}, ...rest} = value
  if (!isObject(settings) || !isObject(profiles)) return undefined
  const named: Record<string, JsonObject> = {}
  for (const [name, profile] of Object.entries(profiles)) {
    if (!isObject(profile)) return undefined
    named[name] = profile
  }
  return {...rest, settings, profiles: named}
}
