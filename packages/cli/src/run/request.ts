import {open} from 'node:fs/promises'
import {dirname, relative, resolve} from 'node:path'
import {errors} from '@cgpu/core/errors'
import type {RunRequest} from '@cgpu/core/execution/plan'
import {embeddedLimit, parseEmbedded, type ScriptSettings} from '@cgpu/core/script/embedded'
import {parseEnvAssignments, parseEnvFile} from '@cgpu/core/script/env-file'
import {readSmallFile} from '../input.ts'

interface RunFlags {
  [name: string]: unknown
  cwd?: string | undefined
  env?: string[] | undefined
  'env-file'?: string[] | undefined
  include?: string[] | undefined
  outputs?: string[] | undefined
  packages?: string[] | undefined
  requirements?: string | undefined
}

export interface Requested {
  run: RunRequest
  /** flags, completed by what the script says of itself */
  settings: Record<string, unknown>
}

const scriptKeys = ['provider', 'runtime', 'gpu', 'tpu', 'cpu', 'high-ram', 'image', 'kernel', 'python', 'keep', 'wait', 'allow-downgrade', 'lease'] as const

/** Joins flags and the script's own `# /// cgpu` block: what a flag says wins, lists add up. */
export async function runRequest(
  flags: RunFlags, rest: string[], separator: boolean, machine: {cwd: string; env: NodeJS.ProcessEnv},
): Promise<Requested> {
  const [script, ...args] = rest
  if (script === undefined) throw errors.usage('nothing to run', {code: 'NOTHING_TO_RUN', fix: 'cgpu run SCRIPT [ARGS…], or cgpu run -- COMMAND…'})
  const {cwd, env} = machine
  const own = separator ? {} : await scriptSettings(resolve(cwd, script), script)
  const near = (path: string): string => relative(cwd, resolve(cwd, dirname(script), path)) || '.'
  const files = await Promise.all((flags['env-file'] ?? []).map(async (path) => parseEnvFile(await readSmallFile(path, 'env file', 1 << 20), path)))
  const requirements = flags.requirements ?? (own.requirements === undefined ? undefined : near(own.requirements))
  return {
    run: {
      cwd,
      ...(separator ? {command: rest} : {script: {path: script, args}}),
      include: [...(own.include ?? []).map(near), ...(flags.include ?? [])],
      packages: [...(own.packages ?? []), ...splitList(flags.packages)],
      requirements,
      env: Object.assign(parseEnvAssignments(own.env ?? [], env), ...files, parseEnvAssignments(flags.env ?? [], env)),
      remoteCwd: flags.cwd ?? own.cwd,
      outputs: [...(own.outputs ?? []), ...(flags.outputs ?? [])],
    },
    settings: {...Object.fromEntries(scriptKeys.filter((key) => own[key] !== undefined).map((key) => [key, own[key]])), ...given(flags)},
  }
}

const splitList = (values: string[] | undefined): string[] => (values ?? []).flatMap((value) => value.split(',')).map((one) => one.trim()).filter((one) => one !== '')

const given = (flags: RunFlags): Record<string, unknown> => Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))

async function scriptSettings(path: string, shown: string): Promise<ScriptSettings> {
  try {
    const file = await open(path, 'r')
    try {
      const {buffer, bytesRead} = await file.read(Buffer.alloc(embeddedLimit), 0, embeddedLimit, 0)
      return (await parseEmbedded(buffer.subarray(0, bytesRead).toString('utf8'), shown))?.settings ?? {}
    } finally {
      await file.close()
    }
  } catch (error) {
    // a script that is missing or cannot be read is reported by the plan, with all that is known about it
    if (error instanceof Error && 'syscall' in error) return {}
    if (error instanceof TypeError) return {}
    throw error
  }
}
