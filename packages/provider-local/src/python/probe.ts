import {execFile} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {errors} from '@cgpu/core/errors'
import {isObject, isStringRecord, parseJson} from '@cgpu/core/state/json'
import {causeOf, errnoOf, isShortOfFiles} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {cleanEnv} from '../environment.ts'
import {atLeast, oldestPython} from './pins.ts'

/** What a Python said of itself. */
export interface Probed {
  /** the interpreter itself, where the candidate is only a shim */
  executable: string
  version: number[]
  prefix: string
  basePrefix: string
  sitePaths: string[]
  /** by name: jupyter_server, ipykernel */
  packages: Record<string, {version: string; path: string}>
  /** packages that cannot be imported; empty: it can serve */
  missing: string[]
  /** why a package that is there cannot be imported */
  problem: string
}

/** `failed`: it is no Python that works; the text says why. */
export type ProbeAnswer = Probed | {failed: string}

const probeMs = 30_000
const script = fileURLToPath(new URL('../../python/probe.py', import.meta.url))

/** Runs a candidate once to learn what it can do. Takes 30 ms for one without Jupyter, about 0.6 s for one with it. */
export function probe(path: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    const options = {env: cleanEnv(env), timeout: probeMs, windowsHide: true, maxBuffer: 1024 * 1024, ...(signal ? {signal} : {})}
    const child = execFile(path, [script], options, (error, stdout, stderr) => {
      if (signal?.aborted) return reject(signal.reason)
      const answer = parseProbe(stdout)
      if (answer) return resolve(answer)
      // says nothing about this Python
      if (isShortOfFiles(error)) return reject(tooManyFiles(path, error))
      const said = stderr.trim().split('\n').at(-1)
      resolve({failed: sanitizeLine(said || (error ? error.message.split('\n')[0] ?? '' : 'it does not answer as a Python does'), 200)})
    })
    child.stdin?.end()
  })
}

function tooManyFiles(path: string, cause: unknown): Error {
  const known = causeOf(errnoOf(cause))
  return errors.cannotWrite(`cannot start ${sanitizeLine(path)}: ${known?.why ?? ''}`, {code: 'TOO_MANY_FILES', fix: known?.fix, cause})
}

/** One that has everything. */
export type Serving = Probed & {missing: []}

export function canServe(answer: ProbeAnswer): answer is Serving {
  return !('failed' in answer) && answer.missing.length === 0 && atLeast(answer.version, oldestPython)
}

/** The last line that is JSON: start-up files may print before it. */
export function parseProbe(stdout: string): Probed | undefined {
  const line = stdout.split('\n').findLast((one) => one.startsWith('{'))
  if (line === undefined) return undefined
  try {
    return asProbed(parseJson(line))
  } catch {
    return undefined
  }
}

/** Undefined when the value is not what `probe.py` writes. */
export function asProbed(value: unknown): Probed | undefined {
  if (!isObject(value)) return undefined
  const {executable, version, prefix, basePrefix, sitePaths, packages, missing, problem} = value
  if (typeof executable !== 'string' || executable === '' || typeof prefix !== 'string' || typeof basePrefix !== 'string') return undefined
  if (!Array.isArray(version) || !version.every((part) => Number.isInteger(part))) return undefined
  if (!isTexts(sitePaths) || !isTexts(missing) || typeof problem !== 'string' || !isObject(packages)) return undefined
  if (!Object.values(packages).every((one) => isStringRecord(one))) return undefined
  // every field was checked above
  return {executable, version, prefix, basePrefix, sitePaths, missing, problem, packages} as Probed
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
