import {spawn} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {mkdir, readFile, realpath, writeFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import {errors} from '@cgpu/core/errors'
import type {CreateOptions, ProviderContext, ProviderRuntime, RuntimeSpec} from '@cgpu/core/provider'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {ensureDir} from '@cgpu/core/state/dirs'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {processStartTime} from '@cgpu/core/state/process'
import {cannotWrite} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type Chosen, chooseAccelerator} from './accelerators.ts'
import {cleanEnv, serverEnv} from './environment.ts'
import {type RuntimeFolder, runtimeFolder} from './layout.ts'
import {findPython, forgetPython} from './python/find.ts'
import type {Probed} from './python/probe.ts'
import type {RuntimeRecord} from './records.ts'
import {releaseRuntime} from './release.ts'
import {writeServerFiles} from './server-files.ts'
import {endpointUrl} from './state.ts'

const supervisor = fileURLToPath(new URL('../python/cgpu_local.py', import.meta.url))
const defaultGraceSeconds = 60

/**
 * Starts a Jupyter server under its supervisor. The runtime belongs to this process until `keep`: when the process is
 * gone, the supervisor stops it. On failure and abort nothing is left behind.
 */
export async function createRuntime(context: ProviderContext, spec: RuntimeSpec, options: CreateOptions): Promise<ProviderRuntime> {
  const chosen = await chooseAccelerator(spec.accelerator, context.env)
  const search = {...(options.signal ? {signal: options.signal} : {}), ...(options.onProgress ? {onProgress: options.onProgress} : {})}
  const {python} = await findPython(context, search)
  try {
    return await start(context, spec, options, python, chosen)
  } catch (error) {
    if (!(error instanceof ServerFailed)) throw error
    // the remembered answer may be out of date: a package that this Python had is gone
    await forgetPython(context.stateDir, python.executable)
    const again = await findPython(context, search)
    if (again.python.executable === python.executable) throw error.forUser()
    return await start(context, spec, options, again.python, chosen).catch((second: unknown) => {
      throw second instanceof ServerFailed ? second.forUser() : second
    })
  }
}

async function start(context: ProviderContext, spec: RuntimeSpec, options: CreateOptions, python: Probed, chosen: Chosen): Promise<ProviderRuntime> {
  const {env} = context
  // real: processes are found again by this path, and Jupyter resolves links in its own
  const stateDir = await realpath(await ensureDir(context.stateDir))
  const id = `rt-${randomBytes(5).toString('hex')}`
  const paths = runtimeFolder(stateDir, id)
  const token = randomBytes(32).toString('hex')
  options.signal?.throwIfAborted()
  await makeFolder(paths)
  try {
    const added = serverEnv(paths, python, cleanEnv(env), chosen.visibleDevices)
    await writeServerFiles({paths, python, token, env: added, graceSeconds: graceSeconds(env)})
    options.onProgress?.({message: 'starting jupyter_server'})
    const port = await startSupervisor(paths, python, env, options.signal)
    const record: RuntimeRecord = {
      version: 1, id, createdAt: new Date().toISOString(), token, port, spec,
      python: python.executable, pythonVersion: python.version.join('.'), accelerator: chosen.accelerator,
    }
    await writeAtomic(paths.record, JSON.stringify(record))
    return {
      id, state: 'ready', accelerator: record.accelerator, createdAt: record.createdAt, endpointUrl: endpointUrl(port),
      details: {folder: paths.folder, python: record.python, pythonVersion: record.pythonVersion},
    }
  } catch (error) {
    await keepLog(paths, stateDir)
    await releaseRuntime(stateDir, id).catch(() => undefined)
    throw error
  }
}

/** The lease comes first: whatever happens next, the folder has an owner whose death makes it a leftover. */
async function makeFolder(paths: RuntimeFolder): Promise<void> {
  const owner = {pid: process.pid, startTime: await processStartTime(process.pid)}
  try {
    await mkdir(paths.folder, {mode: 0o700})
  } catch (error) {
    throw cannotWrite(paths.folder, error)
  }
  await writeAtomic(paths.lease, JSON.stringify({owner}))
}

/** The port, once the server answers. The supervisor outlives this process. */
function startSupervisor(paths: RuntimeFolder, python: Probed, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(python.executable, ['-I', '-S', supervisor, 'supervise', paths.folder], {
      cwd: paths.server, env: cleanEnv(env), detached: true, stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true,
    })
    let said = ''
    const abort = (): void => finish(() => reject(signal?.reason as Error)) // an AbortSignal's reason is what its user threw
    const finish = (act: () => void): void => {
      signal?.removeEventListener('abort', abort)
      child.removeAllListeners()
      child.stdout.destroy()
      child.unref()
      act()
    }
    signal?.addEventListener('abort', abort, {once: true})
    child.once('error', (error) => finish(() => reject(new ServerFailed(`${python.executable} cannot be started: ${error.message}`, ''))))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (!said.includes('\n')) return
      const answer = parseAnswer(said)
      finish(() => ('port' in answer ? resolve(answer.port) : reject(answer)))
    })
    child.once('close', (code) => finish(() => reject(new ServerFailed(`the supervisor ended with status ${code ?? 'unknown'}`, ''))))
  })
}

function parseAnswer(line: string): {port: number} | ServerFailed {
  try {
    const value = parseJson(line)
    if (isObject(value) && typeof value['port'] === 'number') return {port: value['port']}
    if (isObject(value) && typeof value['error'] === 'string') {
      return new ServerFailed(value['error'], typeof value['log'] === 'string' ? value['log'] : '')
    }
  } catch {
    // told below
  }
  return new ServerFailed(`the supervisor said ${sanitizeLine(line, 100)}`, '')
}

/** The server did not come up with this Python. Not yet the user's error: another Python may do. */
class ServerFailed extends Error {
  readonly log: string

  constructor(message: string, log: string) {
    super(message)
    this.log = log
  }

  forUser(): Error {
    const lines = this.log.split('\n').map((line) => line.trim()).filter((line) => line !== '')
    const last = lines.at(-1)
    return errors.network(`the local Jupyter server did not start: ${this.message}${last === undefined ? '' : ` (${sanitizeLine(last, 200)})`}`, {
      code: 'SERVER_START_FAILED', category: 'runtime', retryable: true,
      fix: 'try again; name another Python with: cgpu config set python PATH', details: {log: lines.slice(-20)},
    })
  }
}

/** The folder goes; what the server last said may be all that there is to find the reason with. */
async function keepLog(paths: RuntimeFolder, stateDir: string): Promise<void> {
  try {
    await writeFile(`${stateDir}/last-failure.log`, await readFile(paths.log), {mode: 0o600})
  } catch {
    // it never got so far
  }
}

/** CGPU_LOCAL_GRACE_S: how long an ownerless runtime waits for somebody to keep it. */
function graceSeconds(env: NodeJS.ProcessEnv): number {
  const value = Number(env['CGPU_LOCAL_GRACE_S'] || defaultGraceSeconds)
  return Number.isFinite(value) && value >= 0 ? value : defaultGraceSeconds
}
