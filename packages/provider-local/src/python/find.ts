import {open, realpath} from 'node:fs/promises'
import {errors} from '@cgpu/core/errors'
import type {ProgressEvent, ProviderContext} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import {ProbeCache} from './cache.ts'
import {type Candidate, candidates, configured, type Surroundings} from './candidates.ts'
import {makeManaged, managedPython} from './managed.ts'
import {atLeast, oldestPython} from './pins.ts'
import {canServe, probe, type ProbeAnswer, type Probed} from './probe.ts'

export interface FindContext extends Surroundings, Pick<ProviderContext, 'stateDir' | 'setting'> {}

export interface FindOptions {
  signal?: AbortSignal
  onProgress?: (event: ProgressEvent) => void
  /** false: only look, make no environment; undefined is answered when there is none (`cgpu doctor`) */
  make?: boolean
}

export interface FoundPython {
  python: Probed
  source: 'setting' | Candidate['source'] | 'managed'
}

const wantedText = 'jupyter_server and ipykernel'

/**
 * The Python that runtimes run in: the configured one, else the first that has jupyter_server and ipykernel, else cgpu's
 * own environment, made on first use. Throws PYTHON_NOT_FOUND, PYTHON_TOO_OLD, PYTHON_WITHOUT_JUPYTER, PYTHON_ENV_FAILED.
 */
export async function findPython(context: FindContext, options: FindOptions & {make: false}): Promise<FoundPython | undefined>
export async function findPython(context: FindContext, options?: FindOptions): Promise<FoundPython>
export async function findPython(context: FindContext, options: FindOptions = {}): Promise<FoundPython | undefined> {
  const cache = new ProbeCache(context.stateDir)
  const ask = (path: string): Promise<ProbeAnswer> => cachedProbe(cache, path, context, options.signal)
  const setting = context.setting('python')
  if (setting !== undefined && setting !== '') return {python: await theConfigured(setting, context, ask), source: 'setting'}

  const bases: Probed[] = []
  // what is made from a project's environment sees none of its packages: a last resort
  const lastBases: Probed[] = []
  const refused: {path: string; why: string}[] = []
  for (const {path, source} of await candidates(context)) {
    const answer = await ask(path)
    if (canServe(answer)) return {python: answer, source}
    refused.push({path, why: whyNot(answer)})
    if (source === 'project') options.onProgress?.({message: `${sanitizeLine(path)} ${whyNot(answer)}: kernels will not see its packages`})
    if (!('failed' in answer) && atLeast(answer.version, oldestPython)) (source === 'project' ? lastBases : bases).push(answer)
    options.signal?.throwIfAborted()
  }
  bases.push(...lastBases)
  const ready = await managedPython(context.stateDir, bases, ask)
  if (ready) return {python: ready, source: 'managed'}
  if (bases.length === 0) throw noPython(refused)
  if (options.make === false) return undefined
  return {python: await makeManaged(context, bases, ask, options), source: 'managed'}
}

/** Forgets what the cache says of a Python that did not start a server. */
export async function forgetPython(stateDir: string, executable: string): Promise<void> {
  await new ProbeCache(stateDir).forget(executable)
}

async function theConfigured(setting: string, context: FindContext, ask: (path: string) => Promise<ProbeAnswer>): Promise<Probed> {
  const shown = sanitizeLine(setting)
  const path = await configured(setting, context)
  if (path === undefined) {
    throw errors.notFound(`the configured Python ${shown} is not there or cannot be run`, {
      code: 'PYTHON_NOT_FOUND', fix: 'cgpu config set python PATH, or: cgpu config unset python',
    })
  }
  const answer = await ask(path)
  if (canServe(answer)) return answer
  const why = whyNot(answer)
  if ('failed' in answer) {
    throw errors.notFound(`the configured Python ${shown} does not work: ${why}`, {
      code: 'PYTHON_NOT_FOUND', fix: 'cgpu config set python PATH, or: cgpu config unset python', details: {path},
    })
  }
  if (!atLeast(answer.version, oldestPython)) throw tooOld(`the configured Python ${shown} ${why}`)
  throw errors.usage(`the configured Python ${shown} ${why}`, {
    code: 'PYTHON_WITHOUT_JUPYTER', fix: `${sanitizeLine(answer.executable)} -m pip install jupyter_server ipykernel`,
    details: {path, missing: answer.missing},
  })
}

async function cachedProbe(cache: ProbeCache, path: string, context: FindContext, signal?: AbortSignal): Promise<ProbeAnswer> {
  const key = await cacheKey(path, context)
  const known = await cache.get(key)
  if (known) return known
  const answer = await probe(path, context.env, signal)
  if (!('failed' in answer)) await cache.set(key, path, answer)
  return answer
}

/** A shim (pyenv, asdf) is a script that chooses a Python by folder and environment, so its answer holds only there. */
async function cacheKey(path: string, {cwd, env}: FindContext): Promise<string> {
  const file = await realpath(path).catch(() => path)
  const handle = await open(file).catch(() => undefined)
  if (!handle) return path
  try {
    const {buffer} = await handle.read({buffer: Buffer.alloc(2), length: 2})
    const shim = buffer.toString('latin1') === '#!'
    // packages may also come from PYTHONPATH
    return JSON.stringify([path, env['PYTHONPATH'] ?? '', ...(shim ? [cwd, env['PYENV_VERSION'] ?? '', env['ASDF_PYTHON_VERSION'] ?? ''] : [])])
  } finally {
    await handle.close()
  }
}

function whyNot(answer: ProbeAnswer): string {
  if ('failed' in answer) return `cannot be run (${answer.failed})`
  if (!atLeast(answer.version, oldestPython)) return `is Python ${answer.version.join('.')}`
  if (answer.problem !== '') return `cannot import ${answer.missing.join(' and ')} (${sanitizeLine(answer.problem, 200)})`
  return `has no ${answer.missing.length === 2 ? wantedText : answer.missing.join(' and ')}`
}

function noPython(refused: {path: string; why: string}[]): Error {
  const old = refused.find((one) => one.why.startsWith('is Python'))
  if (old) return tooOld(`${sanitizeLine(old.path)} ${old.why}`)
  return errors.notFound(
    refused.length === 0 ? 'there is no Python on this machine' : `no Python works here: ${refused.map((one) => `${sanitizeLine(one.path)} ${one.why}`).join('; ')}`,
    {code: 'PYTHON_NOT_FOUND', fix: installHint()},
  )
}

function tooOld(message: string): Error {
  return errors.notFound(`${message}; ${oldestPython.join('.')} or newer is needed`, {code: 'PYTHON_TOO_OLD', fix: installHint()})
}

function installHint(): string {
  if (process.platform === 'darwin') return 'install Python 3 (brew install python), or name one: cgpu config set python PATH'
  if (process.platform === 'win32') return 'install Python 3 (winget install Python.Python.3.13), or name one: cgpu config set python PATH'
  return 'install Python 3 (Debian, Ubuntu: apt-get install python3 python3-venv), or name one: cgpu config set python PATH'
}
