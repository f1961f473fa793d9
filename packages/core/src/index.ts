export * from './errors.ts'
export * from './provider.ts'

export {type Dirs, type DirsGiven, ensureDir, resolveDirs} from './state/dirs.ts'
export {sweepTemps, writeAtomic, type WriteAtomicOptions} from './state/atomic.ts'
export {type LockOptions, withLock} from './state/lock.ts'
export {isObject, isStringRecord, type JsonObject, parseJson} from './state/json.ts'
export {JsonFile, type JsonFileOptions} from './state/json-file.ts'
export {FileSecretStore} from './state/secrets.ts'
export {isAlive, processStartTime} from './state/process.ts'
export {cannotWrite, errnoOf} from './state/write-error.ts'

export {closest, didYouMean, distance} from './text/closest.ts'
export {sanitizeLine} from './text/line.ts'
export {generateName, matchPrefix, type Named, validateName} from './text/names.ts'

export {findSetting, type Setting, settingNamed, settings, type SettingType, type SettingValue} from './config/settings.ts'
export {type ResolvedSetting, type ResolveInput, resolveSettings, Settings, type SettingSource} from './config/resolve.ts'
export {ConfigStore, type Scope} from './config/store.ts'
export {FolderDefaults} from './config/folder.ts'
export {findProjectFile, readProjectFile} from './config/project.ts'

export {formatBytes, formatDuration, formatRate, formatRelative} from './text/format.ts'
export {Redactor, type RedactStream} from './text/redact.ts'
export {sanitizeText, TerminalFilter} from './text/terminal.ts'

export {type Embedded, embeddedLimit, parseEmbedded, type ScriptSettings} from './script/embedded.ts'
export {isEnvName, parseEnvAssignments, parseEnvFile} from './script/env-file.ts'
export {resolveInside, safeRelative} from './script/paths.ts'

export {NdjsonEncoder, textPayload} from './schema/ndjson.ts'
export {schemaFor, schemaNames} from './schema/commands.ts'
export {outputSchemas} from './schema/zod.ts'
export type * from './schema/types.ts'
