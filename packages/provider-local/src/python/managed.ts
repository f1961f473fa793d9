import {createHash, randomBytes} from 'node:crypto'
import {readdir, rm} from 'node:fs/promises'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import type {ProgressEvent} from '@cgpu/core/provider'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {ensureDir} from '@cgpu/core/state/dirs'
import {withLock} from '@cgpu/core/state/lock'
import {sanitizeLine} from '@cgpu/core/text/line'
import {venvPython} from './candidates.ts'
import type {FindContext} from './find.ts'
import {pinsFor} from './pins.ts'
import {pipProgress} from './pip-output.ts'
import {canServe, type ProbeAnswer, type Probed} from './probe.ts'
import {runLines, type ToolResult} from './tool.ts'

type Ask = (path: string) => Promise<ProbeAnswer>

/** Written last: an environment without it is half-made and never used. */
const marker = 'cgpu-finished'
const lockWaitMs = 30 * 60_000
const sayWaitingMs = 500

/** cgpu's own environment for one of these Pythons, if a finished one is there and works. */
export async function managedPython(stateDir: string, bases: Probed[], ask: Ask): Promise<Probed | undefined> {
  for (const base of bases) {
    for (const venv of await environments(stateDir, base)) {
      if (!existsSync(join(venv, marker))) continue
      const answer = await ask(venvPython(venv))
      if (canServe(answer)) return answer
    }
  }
  return undefined
}

/**
 * Makes the environment from the first of these Pythons that can. One process at a time: a second one waits and then
 * finds it made. Throws PYTHON_ENV_FAILED (69) with the last line of pip and what to do.
 */
export async function makeManaged(
  {stateDir, env}: FindContext, bases: Probed[], ask: Ask,
  {onProgress, signal}: {onProgress?: (event: ProgressEvent) => void; signal?: AbortSignal},
): Promise<Probed> {
  await ensureDir(stateDir)
  const waiting = setTimeout(() => onProgress?.({message: 'waiting for another cgpu that makes the Python environment'}), sayWaitingMs)
  const lock = {timeoutMs: lockWaitMs, ...(signal ? {signal} : {})}
  try {
    return await withLock(join(stateDir, 'venv.lock'), async () => {
      clearTimeout(waiting)
      const ready = await managedPython(stateDir, bases, ask)
      if (ready) return ready
      let failure: Error | undefined
      for (const base of bases) {
        for (const old of await environments(stateDir, base)) await rm(old, {recursive: true, force: true})
        const made = await make(stateDir, base, {env, onProgress, signal})
        if (typeof made !== 'string') {
          failure ??= made.error
          // without pip's packages no other Python would fare better
          if (made.step === 'pip') break
          continue
        }
        const answer = await ask(venvPython(made))
        if (canServe(answer)) return answer
        failure ??= failed('failed' in answer ? answer.failed : `${answer.missing.join(' and ')} cannot be imported: ${answer.problem}`, [], '')
        break
      }
      throw failure ?? failed('no Python can make one', [], '')
    }, lock)
  } finally {
    clearTimeout(waiting)
  }
}

interface MakeOptions {
  env: NodeJS.ProcessEnv
  onProgress: ((event: ProgressEvent) => void) | undefined
  signal: AbortSignal | undefined
}

/** The path of the finished environment, or what went wrong. */
async function make(stateDir: string, base: Probed, options: MakeOptions): Promise<string | {step: 'venv' | 'pip'; error: Error}> {
  const {onProgress, signal} = options
  const pins = pinsFor(base.version)
  if (!pins) return {step: 'venv', error: failed(`${base.executable} is too old`, [], '')}
  // a name of its own: an installer that outlived its killed parent may still write into the last one
  const venv = `${prefix(stateDir, base)}${randomBytes(4).toString('hex')}`
  const env = {...options.env, PIP_DISABLE_PIP_VERSION_CHECK: '1', PYTHONUNBUFFERED: '1'}
  const discard = (): Promise<void> => rm(venv, {recursive: true, force: true})
  try {
    onProgress?.({message: `making a Python environment for Jupyter (once) with Python ${base.version.join('.')}`})
    // what is installed for that Python stays visible to kernels, as it would be without cgpu
    const made = await runLines(base.executable, ['-m', 'venv', '--system-site-packages', venv], {env, signal})
    if (made.status !== 0) {
      await discard()
      return {step: 'venv', error: failed(`${sanitizeLine(base.executable)} -m venv failed`, made.lines, venvFix(base, made))}
    }
    const progress = pipProgress((event) => onProgress?.(event))
    const installed = await runLines(venvPython(venv), ['-m', 'pip', 'install', '--no-input', ...pins.packages], {env, signal, onLine: progress})
    if (installed.status !== 0) {
      await discard()
      return {step: 'pip', error: failed(`pip install ${pins.packages.join(' ')} failed`, installed.lines, pipFix())}
    }
    await writeAtomic(join(venv, marker), `${pins.packages.join('\n')}\n`)
    return venv
  } catch (error) {
    await discard()
    throw error
  }
}

function prefix(stateDir: string, base: Probed): string {
  const pins = pinsFor(base.version)?.packages ?? []
  const hash = createHash('sha256').update(JSON.stringify([base.executable, base.version, pins])).digest('hex').slice(0, 12)
  return join(stateDir, `venv-${hash}-`)
}

async function environments(stateDir: string, base: Probed): Promise<string[]> {
  const names = await readdir(stateDir).catch(() => [])
  return names.map((name) => join(stateDir, name)).filter((path) => path.startsWith(prefix(stateDir, base)))
}

function failed(what: string, lines: string[], fix: string): Error {
  const last = lastWords(lines)
  return errors.network(`cgpu's Python environment could not be made: ${what}${last === '' ? '' : `: ${last}`}`, {
    code: 'PYTHON_ENV_FAILED', category: 'runtime', retryable: true,
    fix: fix || 'install them yourself: python3 -m pip install jupyter_server ipykernel, then: cgpu config set python PATH',
    details: {output: lines.slice(-20)},
  })
}

/** pip's own summary where there is one, else the last line. */
function lastWords(lines: string[]): string {
  const said = lines.filter((line) => line.trim() !== '')
  return sanitizeLine((said.findLast((line) => line.startsWith('ERROR: ')) ?? said.at(-1) ?? '').replace(/^ERROR: /, ''), 300)
}

function venvFix(base: Probed, {lines}: ToolResult): string {
  const text = lines.join('\n')
  if (!/ensurepip|No module named '?venv/.test(text)) return ''
  const named = /apt(?:-get)? install (python3[\w.-]*)/.exec(text)?.[1] ?? (base.executable.startsWith('/usr/bin/') ? 'python3-venv' : undefined)
  return named === undefined ? '' : `apt-get install python3-venv${named === 'python3-venv' ? '' : ` (or ${named})`}, then try again`
}

function pipFix(): string {
  return 'make a package index reachable for pip (network, proxy, PIP_INDEX_URL), or name a Python that has Jupyter: cgpu config set python PATH'
}
