import {errors} from '../errors.ts'
import {isObject} from '../state/json.ts'
import {didYouMean} from '../text/closest.ts'
import {sanitizeLine} from '../text/line.ts'
import {isEnvName} from './env-file.ts'

/** What a script says of itself in its `# /// cgpu` block. Names are those of the flags of `cgpu run`. */
export interface ScriptSettings {
  provider?: string
  runtime?: string
  gpu?: string
  tpu?: string
  cpu?: boolean
  'high-ram'?: boolean
  image?: string
  kernel?: string
  python?: string
  keep?: boolean
  wait?: string
  'allow-downgrade'?: boolean
  lease?: string
  packages?: string[]
  requirements?: string
  /** names of variables to take from the environment of the caller; values do not belong into scripts */
  env?: string[]
  include?: string[]
  outputs?: string[]
  cwd?: string
}

export interface Embedded {
  settings: ScriptSettings
  /** 1-based line of `# /// cgpu` */
  line: number
  /** 1-based line of a key of the block */
  lineOf: (key: string) => number
}

type Kind = 'text' | 'boolean' | 'texts' | 'names'

const fields: Record<keyof ScriptSettings, Kind> = {
  provider: 'text', runtime: 'text', gpu: 'text', tpu: 'text', cpu: 'boolean', 'high-ram': 'boolean', image: 'text',
  kernel: 'text', python: 'text', keep: 'boolean', wait: 'text', 'allow-downgrade': 'boolean', lease: 'text', packages: 'texts', requirements: 'text', env: 'names',
  include: 'texts', outputs: 'texts', cwd: 'text',
}

/** Only this much of a script is looked at. */
export const embeddedLimit = 65_536

/**
 * The settings embedded in a script (as in PEP 723, type `cgpu`, TOML), or undefined when there are none.
 * `path` is only for messages. Throws SCRIPT_SETTINGS_INVALID (exit 65) with file and line. Loads `smol-toml` lazily.
 */
export async function parseEmbedded(source: string, path: string): Promise<Embedded | undefined> {
  const fail: Fail = (line, why, fix = 'correct the "# /// cgpu" block') => errors.data(`${sanitizeLine(path)}:${line}: ${why}`, {
    code: 'SCRIPT_SETTINGS_INVALID', fix, details: {path, line},
  })
  const block = findBlock(source.slice(0, embeddedLimit), fail)
  if (!block) return undefined
  const {parse, TomlError} = await import('smol-toml')
  const lineOf = (key: string): number => {
    const index = block.lines.findIndex(line => line.trimStart().replace(/^["']/, '').startsWith(key))
    return block.line + 1 + Math.max(index, 0)
  }
  let table: unknown
  try {
    table = parse(block.lines.join('\n'))
  } catch (error) {
    if (error instanceof TomlError) throw fail(block.line + error.line, sanitizeLine(error.message.split('\n')[0] ?? 'not TOML', 200))
    throw fail(block.line, error instanceof RangeError ? 'nested too deeply' : sanitizeLine(String(error)))
  }
  if (!isObject(table)) throw fail(block.line, 'not a table')
  return {settings: readTable(table, lineOf, fail), line: block.line, lineOf}
}

type Fail = (line: number, why: string, fix?: string) => Error

function findBlock(source: string, fail: Fail): {line: number; lines: string[]} | undefined {
  // most scripts have no block: do not split those
  if (!source.includes('# /// cgpu')) return undefined
  const all = source.split(/\r?\n/)
  const starts = all.flatMap((line, index) => (/^# \/\/\/ cgpu\s*$/.test(line) ? [index] : []))
  const [start, second] = starts
  if (start === undefined) return undefined
  if (second !== undefined) throw fail(second + 1, 'a second "# /// cgpu" block', 'keep one of the blocks')
  const lines: string[] = []
  for (const line of all.slice(start + 1)) {
    if (/^# \/\/\/\s*$/.test(line)) return {line: start + 1, lines}
    if (line !== '#' && !line.startsWith('# ')) break
    lines.push(line.slice(2))
  }
  throw fail(start + 1, 'the "# /// cgpu" block is never closed', 'end it with a line "# ///"; every line of it starts with "# "')
}

function readTable(table: Record<string, unknown>, lineOf: (key: string) => number, fail: Fail): ScriptSettings {
  const settings: ScriptSettings = {}
  for (const [key, value] of Object.entries(table)) {
    const known = Object.keys(fields)
    if (!isField(key)) {
      throw fail(lineOf(key), `there is no setting "${sanitizeLine(key, 60)}" for scripts`, didYouMean(key, known) ?? `choose from: ${known.join(', ')}`)
    }
    const why = problemOf(fields[key], value)
    if (why !== undefined) throw fail(lineOf(key), `"${key}" ${why}`)
    Object.assign(settings, {[key]: value})
  }
  const asked = (['gpu', 'tpu', 'cpu'] as const).filter(key => settings[key] !== undefined && settings[key] !== false)
  if (asked.length > 1) throw fail(lineOf(asked[1] ?? 'gpu'), `${asked.map(key => `"${key}"`).join(' and ')} exclude each other`, 'keep one of them')
  return settings
}

function isField(key: string): key is keyof ScriptSettings {
  return Object.hasOwn(fields, key)
}

function problemOf(kind: Kind, value: unknown): string | undefined {
  if (kind === 'boolean') return typeof value === 'boolean' ? undefined : 'must be true or false'
  if (kind === 'text') return isText(value) ? undefined : 'must be text in quotes'
  if (!Array.isArray(value) || !value.every(isText)) return 'must be a list of texts'
  if (kind === 'names') {
    const wrong = value.find(name => !isEnvName(name))
    if (wrong !== undefined) return wrong.includes('=') ? 'takes names of variables only; values do not belong into a script' : `holds "${sanitizeLine(wrong, 60)}", which cannot be the name of a variable`
  }
  return undefined
}

function isText(value: unknown): value is string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return typeof value === 'string' && value.trim() !== '' && value.length <= 4096 && !/[\x00-\x08\x0b-\x1f\x7f]/.test(value)
}
