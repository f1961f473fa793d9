import {homedir} from 'node:os'
import {errors} from '../errors.ts'
import type {JsonObject} from '../state/json.ts'
import {didYouMean} from '../text/closest.ts'
import {sanitizeLine} from '../text/line.ts'
import {findProjectFile, type ProjectFile, type ProjectValue, readProjectFile} from './project.ts'
import {findSetting, parseSettingValue, type Setting, settings, type SettingValue} from './settings.ts'
import {userConfigFile, type UserConfig} from './user-config.ts'

/** Strongest first. */
export const sources = ['flag', 'environment', 'folder', 'project', 'profile', 'user', 'default'] as const
export type SettingSource = (typeof sources)[number]

export interface ResolvedSetting {
  key: string
  /** undefined: not set anywhere */
  value: SettingValue | undefined
  source: SettingSource
  /** for people: "flag --gpu", "environment CGPU_GPU", "project file /x/cgpu.yaml:3", "default" */
  origin: string
}

export interface ResolveInput {
  env: NodeJS.ProcessEnv
  cwd: string
  /** where config.json is */
  configDir: string
  /** parsed flags by their names; undefined ones and those that are no settings are passed over */
  flags?: Readonly<Record<string, unknown>>
  /** the runtime that `cgpu runtime use` chose for this folder */
  folderRuntime?: {folder: string; runtime: string} | undefined
  home?: string
  onWarning?: (message: string) => void
}

interface Candidate {
  value: SettingValue
  source: SettingSource
  origin: string
}

/** All settings with their values and where these come from. */
export class Settings {
  readonly all: readonly ResolvedSetting[]
  readonly #byKey: Map<string, ResolvedSetting>

  constructor(all: readonly ResolvedSetting[]) {
    this.all = all
    this.#byKey = new Map(all.map(setting => [setting.key, setting]))
  }

  get(key: string): ResolvedSetting | undefined {
    return this.#byKey.get(key)
  }

  /** The value of a text setting; undefined when it is not set. */
  text(key: string): string | undefined {
    const value = this.#byKey.get(key)?.value
    return typeof value === 'string' ? value : undefined
  }

  /** The value of a yes-or-no setting; false when it is not set. */
  on(key: string): boolean {
    return this.#byKey.get(key)?.value === true
  }
}

/**
 * Every setting by precedence: flag > environment > folder (runtime only) > project file > profile > user config >
 * default. Of `gpu`, `tpu` and `cpu` only the one from the strongest source counts. Throws usage errors (64) for
 * wrong flags and variables, PROJECT_FILE_INVALID or CONFIG_INVALID (65) for wrong files, UNKNOWN_PROFILE (64).
 */
export async function resolveSettings(input: ResolveInput): Promise<Settings> {
  const path = findProjectFile(input.cwd, input.home ?? homedir())
  const file = userConfigFile(input.configDir, input.onWarning)
  const [project, user] = await Promise.all([path === undefined ? undefined : readProjectFile(path), file.read()])
  const context: Context = {input, project, user, userPath: file.path, profile: undefined}
  for (const key of Object.keys(user.settings)) warnUnknown(context, key)

  const profileName = settings.filter(setting => setting.key === 'profile').map(setting => candidates(setting, context)[0]?.value)[0]
  if (typeof profileName === 'string') context.profile = chooseProfile(profileName, context)

  const found = new Map(settings.map(setting => [setting.key, candidates(setting, context)]))
  return new Settings(settings.map(setting => {
    const best = found.get(setting.key)?.[0]
    const beaten = (setting.instead ?? []).some(other => outranks(found.get(other)?.[0], best))
    if (best === undefined || beaten) return {key: setting.key, value: undefined, source: 'default', origin: 'not set'}
    return {key: setting.key, value: best.value, source: best.source, origin: best.origin}
  }))
}

interface Context {
  input: ResolveInput
  project: ProjectFile | undefined
  user: UserConfig
  userPath: string
  profile: {name: string; values: Map<string, ProjectValue>; user: JsonObject} | undefined
}

/** Every value that there is for a setting, strongest first. */
function candidates(setting: Setting, context: Context): Candidate[] {
  const {key} = setting
  const {env, flags = {}, folderRuntime} = context.input
  const found: Candidate[] = []
  const variable = env[setting.env]
  const fromEnv = variable === undefined || variable === '' ? undefined
    : checked(setting, variable, `environment ${setting.env}`, 'environment', why => errors.usage(`${setting.env} ${why}`, {code: 'INVALID_SETTING', fix: `correct or unset ${setting.env}`}))
  const flag = flags[key]
  // the command line fills flags from the environment too: then the environment is the true origin
  if (flag !== undefined && flag !== fromEnv?.value) {
    found.push(checked(setting, flag, `flag --${key}`, 'flag', why => errors.usage(`--${key} ${why}`, {code: 'INVALID_SETTING', fix: `correct --${key}`})))
  }
  if (fromEnv) found.push(fromEnv)
  if (key === 'runtime' && folderRuntime) {
    found.push({value: folderRuntime.runtime, source: 'folder', origin: `cgpu runtime use, in ${sanitizeLine(folderRuntime.folder)}`})
  }
  const {project, profile} = context
  const inProject = project?.settings.get(key)
  if (project && inProject) found.push({value: inProject.value, source: 'project', origin: `project file ${sanitizeLine(project.path)}:${inProject.line}`})
  if (profile && key !== 'profile') {
    const name = sanitizeLine(profile.name, 60)
    const value = profile.values.get(key)
    if (project && value) found.push({value: value.value, source: 'profile', origin: `profile ${name} in ${sanitizeLine(project.path)}:${value.line}`})
    if (Object.hasOwn(profile.user, key)) found.push(fromUser(setting, profile.user[key], context, 'profile', `profile ${name} in ${sanitizeLine(context.userPath)}`))
  }
  if (Object.hasOwn(context.user.settings, key)) {
    found.push(fromUser(setting, context.user.settings[key], context, 'user', `user config ${sanitizeLine(context.userPath)}`))
  }
  if (setting.default !== undefined) found.push({value: setting.default, source: 'default', origin: 'default'})
  return found
}

function fromUser(setting: Setting, raw: unknown, context: Context, source: SettingSource, origin: string): Candidate {
  return checked(setting, raw, origin, source, why => errors.data(`${sanitizeLine(context.userPath)}: "${setting.key}" ${why}`, {
    code: 'CONFIG_INVALID', fix: `cgpu config unset ${source === 'profile' ? `--profile ${sanitizeLine(context.profile?.name ?? '', 60)} ` : ''}${setting.key}`, details: {path: context.userPath, key: setting.key},
  }))
}

function checked(setting: Setting, raw: unknown, origin: string, source: SettingSource, fail: (why: string) => Error): Candidate {
  try {
    return {value: parseSettingValue(setting, raw), source, origin}
  } catch (error) {
    throw fail(error instanceof Error ? error.message : 'is wrong')
  }
}

/** `cpu: false` asks for nothing, so it beats nothing. */
function outranks(other: Candidate | undefined, mine: Candidate | undefined): boolean {
  if (other === undefined || other.value === false) return false
  return mine === undefined || sources.indexOf(other.source) < sources.indexOf(mine.source)
}

function chooseProfile(name: string, {project, user}: Context): Context['profile'] {
  const inProject = project?.profiles.get(name)
  const inUser = Object.hasOwn(user.profiles, name) ? user.profiles[name] : undefined
  if (inProject || inUser) return {name, values: inProject ?? new Map(), user: inUser ?? {}}
  const names = [...new Set([...(project?.profiles.keys() ?? []), ...Object.keys(user.profiles)])]
  throw errors.usage(`there is no profile "${sanitizeLine(name, 60)}"`, {
    code: 'UNKNOWN_PROFILE',
    fix: didYouMean(name, names) ?? (names.length > 0 ? `choose one of: ${names.map(one => sanitizeLine(one, 60)).join(', ')}` : `cgpu config set --profile ${sanitizeLine(name, 60)} KEY VALUE`),
  })
}

function warnUnknown({input, userPath}: Context, key: string): void {
  if (findSetting(key)) return
  const hint = didYouMean(key, settings.map(setting => setting.key))
  input.onWarning?.(`${sanitizeLine(userPath)} has a setting that this cgpu does not know: "${sanitizeLine(key, 60)}"${hint ? ` (${hint})` : ''}`)
}
