import {noAccounts} from '@cgpu/core/account'
import {access, constants, readdir, readFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {listDebugLogs} from '@cgpu/core/debug/logs'
import {FolderDefaults} from '@cgpu/core/config/folder'
import {resolveSettings} from '@cgpu/core/config/resolve'
import {ExitCode, proxyProblem} from '@cgpu/core/errors'
import {RecordStore} from '@cgpu/core/runtime/store'
import type {ProviderContext} from '@cgpu/core/provider'
import {isAlive} from '@cgpu/core/state/process'
import {FileSecretStore} from '@cgpu/core/state/secrets'
import {sanitizeLine} from '@cgpu/core/text/line'
import {imageProtocol} from '@cgpu/plugin-sdk/render'
import {isLively} from '../render/terminal.ts'
import type {Check, Finding, Surroundings} from './check.ts'

async function node({nodeVersion}: Surroundings): Promise<Finding> {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const old = major < 22 || (major === 22 && minor < 18)
  return old
    ? {state: 'failed', message: `Node ${nodeVersion} is too old`, fix: 'install Node 22.18 or newer', exit: ExitCode.usage}
    : {state: 'ok', message: `Node ${nodeVersion}`}
}

/** Writable, or could be made: the nearest folder above that exists is. */
async function canWrite(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await access(folder, constants.W_OK | constants.X_OK)
      return true
    } catch (error) {
      const {code} = error as NodeJS.ErrnoException // fs rejects with these
      if (code !== 'ENOENT' || dirname(folder) === folder) return false
    }
  }
}

async function folders({dirs}: Surroundings): Promise<Finding> {
  const wrong: string[] = []
  for (const path of [dirs.config, dirs.data, dirs.cache]) if (!(await canWrite(path))) wrong.push(path)
  return wrong.length === 0
    ? {state: 'ok', message: `config in ${dirs.config}, data in ${dirs.data}`}
    : {state: 'failed', message: `cannot write ${wrong.join(' and ')}`, fix: 'make it writable, or set CGPU_CONFIG_DIR, CGPU_DATA_DIR, CGPU_CACHE_DIR', exit: ExitCode.cannotWrite}
}

/** Collects warnings of reading, such as a broken file that was set aside. */
async function withWarnings(read: (onWarning: (message: string) => void) => Promise<string>, fix: string): Promise<Finding> {
  const warnings: string[] = []
  const message = await read((warning) => void warnings.push(warning))
  return warnings.length === 0 ? {state: 'ok', message} : {state: 'warning', message: warnings.join('; '), fix}
}

const settings = ({dirs, env, cwd}: Surroundings): Promise<Finding> => withWarnings(async (onWarning) => {
  const folderRuntime = await new FolderDefaults(dirs.state, {onWarning}).get(cwd)
  const {all} = await resolveSettings({env, cwd, configDir: dirs.config, folderRuntime, onWarning})
  return `${all.filter(({source}) => source !== 'default').length} settings differ from their defaults`
}, 'cgpu config list --origin')

const state = ({dirs}: Surroundings): Promise<Finding> => withWarnings(async (onWarning) => {
  const records = await new RecordStore(dirs.state, onWarning).list()
  return records.length === 1 ? '1 runtime is remembered' : `${records.length} runtimes are remembered`
}, 'cgpu runtime list')

/** What the local provider is given, so that it looks where it would look. */
async function localContext({dirs, env, cwd}: Surroundings): Promise<ProviderContext> {
  const resolved = await resolveSettings({env, cwd, configDir: dirs.config}).catch(() => undefined)
  return {stateDir: join(dirs.state, 'providers', 'local'), secrets: new FileSecretStore(dirs.config), accounts: noAccounts, setting: (key) => resolved?.text(key), env, cwd}
}

async function python(surroundings: Surroundings): Promise<Finding> {
  const {findPython} = await import('@cgpu/provider-local')
  const found = await findPython(await localContext(surroundings))
  return found === undefined
    ? {state: 'warning', message: 'no Python here has jupyter_server and ipykernel', fix: 'nothing to do: cgpu makes its own environment when the first local runtime is created'}
    : {state: 'ok', message: sanitizeLine(`${found.python.executable} (${found.source})`)}
}

async function accelerators(surroundings: Surroundings): Promise<Finding> {
  const {createProvider} = await import('@cgpu/provider-local')
  const all = await createProvider(await localContext(surroundings)).accelerators()
  const gpus = all.filter(({kind}) => kind !== 'cpu')
  return {state: 'ok', message: gpus.length === 0 ? 'no GPU on this machine (asked nvidia-smi)' : gpus.map(({name}) => sanitizeLine(name)).join(', ')}
}

async function terminal({stdout, env}: Surroundings): Promise<Finding> {
  if (!stdout.isTTY) return {state: 'ok', message: 'stdout is not a terminal: plain output'}
  const images = imageProtocol(env)
  const colour = isLively(stdout, env) ? 'colours' : 'no colours (NO_COLOR, CI or TERM=dumb)'
  return {state: 'ok', message: `${stdout.columns ?? 80} columns, ${colour}, images ${images === undefined ? 'are saved to files' : `inline (${images})`}`}
}

async function proxies({env}: Surroundings): Promise<Finding> {
  const set = Object.keys(env).filter((name) => /^(https?|all)_proxy$/i.test(name) && env[name])
  if (set.length === 0) return {state: 'ok', message: 'none set'}
  try {
    const {findProxy} = await import('@cgpu/jupyter/proxy')
    const ways = await Promise.all(['https', 'http'].map(async (scheme) => {
      const proxy = await findProxy(new URL(`${scheme}://colab.research.google.com`), env)
      return proxy ? `${scheme} through ${proxy.name} (${proxy.variable})` : `${scheme} without one`
    }))
    return {state: 'ok', message: `${ways.join(', ')}; loopback and what NO_PROXY names never`}
  } catch (error) {
    const {message, fix} = proxyProblem(error) ?? {message: sanitizeLine(String(error))}
    return {state: 'failed', message, fix, exit: ExitCode.usage}
  }
}

async function locks({dirs}: Surroundings): Promise<Finding> {
  const names = await readdir(dirs.state, {recursive: true}).catch(() => [])
  const left: string[] = []
  for (const name of names.filter((one) => one.endsWith('.lock'))) {
    const text = await readFile(join(dirs.state, name), 'utf8').catch(() => '')
    const pid = Number(/"pid":\s*(\d+)/.exec(text)?.[1])
    if (Number.isInteger(pid) && pid > 0 && !(await isAlive(pid))) left.push(name)
  }
  return left.length === 0
    ? {state: 'ok', message: 'none left behind'}
    : {state: 'warning', message: sanitizeLine(`left by dead processes: ${left.join(', ')}`), fix: 'nothing to do: the next command takes them over'}
}

/** Failures of the past are no failure of this machine: this only says where to look. */
async function debugLogs({dirs}: Surroundings): Promise<Finding> {
  const [newest, ...older] = await listDebugLogs(dirs.state)
  if (!newest) return {state: 'ok', message: 'no command has failed'}
  const kept = older.length === 0 ? '' : `, and ${older.length} older`
  return {state: 'ok', message: sanitizeLine(`one of ${newest.time}${newest.exitStatus ? ` (exit status ${newest.exitStatus})` : ''}${kept}: see cgpu debug log`)}
}

async function daemon({dirs}: Surroundings): Promise<Finding> {
  const {daemonState} = await import('@cgpu/daemon/control')
  const found = await daemonState(dirs)
  if (found.state === 'running') return {state: 'ok', message: `runs as process ${found.pid}, ${found.sessions.length === 1 ? '1 session' : `${found.sessions.length} sessions`} open`}
  return found.state === 'stopped'
    ? {state: 'ok', message: `not used: ${sanitizeLine(found.why)}`}
    : {state: 'warning', message: `process ${found.pid} does not answer: commands go on without it`, fix: 'cgpu daemon stop'}
}

/** Everything that `cgpu doctor` looks at, in the order in which it is shown. */
export const checks: readonly Check[] = [
  {id: 'node', title: 'Node', run: node},
  {id: 'folders', title: 'folders', run: folders},
  {id: 'settings', title: 'settings', run: settings},
  {id: 'state', title: 'state', run: state},
  {id: 'locks', title: 'locks', run: locks},
  {id: 'daemon', title: 'daemon', run: daemon},
  {id: 'python', title: 'Python with Jupyter', run: python},
  {id: 'accelerators', title: 'accelerators', run: accelerators},
  {id: 'terminal', title: 'terminal', run: terminal},
  {id: 'proxies', title: 'proxies', run: proxies},
  {id: 'debug-logs', title: 'debug logs', run: debugLogs},
]
