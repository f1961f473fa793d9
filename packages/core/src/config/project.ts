import {open} from 'node:fs/promises'
import {errors} from '../errors.ts'
import {type DeclaredHook, parseHooks} from '../hooks/declared.ts'
import {errnoOf} from '../state/write-error.ts'
import {didYouMean} from '../text/closest.ts'
import {sanitizeLine} from '../text/line.ts'
import {findSetting, parseSettingValue, settings, type SettingValue} from './settings.ts'

export {findProjectFile, projectFileName} from './find-project.ts'

/** A value of the project file and the line it stands on. */
export interface ProjectValue {
  value: SettingValue
  line: number
}

export interface ProjectFile {
  path: string
  settings: Map<string, ProjectValue>
  profiles: Map<string, Map<string, ProjectValue>>
  /** in the file's order; they run where the user agreed only */
  hooks: DeclaredHook[]
}

const maxBytes = 2 ** 20

/** Reads a project file. Throws PROJECT_FILE_INVALID (exit 65) with the line. Loads `yaml` only here. */
export async function readProjectFile(path: string): Promise<ProjectFile> {
  const text = await readText(path)
  const {LineCounter, isMap, isNode, isScalar, parseDocument} = await import('yaml')
  const lines = new LineCounter()
  const fail = (message: string, offset?: number, fix = `correct ${sanitizeLine(path)}`): Error => {
    const line = offset === undefined ? undefined : lines.linePos(offset).line
    return errors.data(`${sanitizeLine(path)}${line === undefined ? '' : `:${line}`}: ${message}`, {
      code: 'PROJECT_FILE_INVALID', fix, details: {path, line: line ?? null},
    })
  }
  let document: ReturnType<typeof parseDocument>
  try {
    document = parseDocument(text, {lineCounter: lines, prettyErrors: false})
  } catch (error) {
    throw fail(error instanceof RangeError ? 'nested too deeply' : sanitizeLine(String(error)))
  }
  const [first] = document.errors
  if (first) throw fail(sanitizeLine(first.message, 200), first.pos[0])
  const project: ProjectFile = {path, settings: new Map(), profiles: new Map(), hooks: []}

  const readGroup = (node: unknown, into: Map<string, ProjectValue>, inside: 'top' | 'profile'): void => {
    if (!isMap(node)) throw fail('expected settings, one "key: value" a line', offsetOf(node))
    for (const {key, value} of node.items) {
      const name = isScalar(key) ? String(key.value) : ''
      const offset = offsetOf(key)
      if (inside === 'top' && name === 'profiles') {
        readProfiles(value)
        continue
      }
      if (inside === 'top' && name === 'hooks') {
        try {
          project.hooks = parseHooks(isNode(value) ? value.toJS(document, {maxAliasCount: 100}) : value)
        } catch (error) {
          throw fail(error instanceof Error ? sanitizeLine(error.message, 300) : 'is wrong', offset)
        }
        continue
      }
      const setting = findSetting(name)
      if (!setting) {
        const keys = [...settings.map(one => one.key), ...(inside === 'top' ? ['profiles', 'hooks'] : [])]
        throw fail(`there is no setting "${sanitizeLine(name, 60)}"`, offset, didYouMean(name, keys) ?? `choose one of: ${keys.join(', ')}`)
      }
      if (setting.personal) {
        throw fail(`"${name}" is not for project files, as it decides whom you trust`, offset, `set it for yourself: cgpu config set ${name} VALUE, or ${setting.env}`)
      }
      // `gpu: 4090` is a number to YAML; its own spelling is what was meant
      const raw = isScalar(value) ? (typeof value.value === 'number' ? (value.source ?? String(value.value)) : value.value) : value === null ? null : {}
      try {
        into.set(name, {value: parseSettingValue(setting, raw), line: offset === undefined ? 1 : lines.linePos(offset).line})
      } catch (error) {
        throw fail(`"${name}" ${error instanceof Error ? error.message : 'is wrong'}`, offset)
      }
    }
  }
  const readProfiles = (node: unknown): void => {
    if (!isMap(node)) throw fail('"profiles" must be a group of named profiles', offsetOf(node))
    for (const {key, value} of node.items) {
      const profile = new Map<string, ProjectValue>()
      readGroup(value, profile, 'profile')
      project.profiles.set(isScalar(key) ? String(key.value) : '', profile)
    }
  }
  if (document.contents !== null && !(isScalar(document.contents) && document.contents.value === null)) {
    readGroup(document.contents, project.settings, 'top')
  }
  return project
}

/** Where a YAML node begins, in UTF-16 units. */
function offsetOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
  const start: unknown = node.range[0]
  return typeof start === 'number' ? start : undefined
}

async function readText(path: string): Promise<string> {
  const wrong = (why: string, cause?: unknown): Error =>
    errors.data(`cannot read the project file ${sanitizeLine(path)}: ${why}`, {code: 'PROJECT_FILE_INVALID', fix: 'correct or move that file', details: {path, line: null}, cause})
  try {
    const file = await open(path, 'r')
    try {
      const stat = await file.stat()
      if (!stat.isFile()) throw wrong('it is not a file')
      if (stat.size > maxBytes) throw wrong('it is bigger than 1 MB')
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EACCES' || errno === 'EISDIR' || errno === 'EIO') throw wrong(errno === 'EACCES' ? 'permission denied' : errno, error)
    throw error
  }
}
