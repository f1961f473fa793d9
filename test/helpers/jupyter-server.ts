import {spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {randomBytes, randomInt} from 'node:crypto'
import {closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {request as httpRequest} from 'node:http'
import {request as httpsRequest} from 'node:https'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

/** The environment made by `npm test`: jupyter_server 2.21, ipykernel 7.4; its kernel `colab` is ipykernel 6.17. */
export const testPython = fileURLToPath(new URL('../../node_modules/.cache/cgpu-test-python/current/bin/python', import.meta.url))
/** A Python that has papermill and jupytext, too. */
export const oraclePython = fileURLToPath(new URL('../../node_modules/.cache/cgpu-test-python/oracles/bin/python', import.meta.url))

export interface StartJupyterOptions {
  /** true, false: output limits on or off; default: the server's own default, which is on */
  limits?: boolean
  /** default: a random one; '' starts a server without a token */
  token?: string
  /** default `/` */
  baseUrl?: string
  /** default: any free one; a given one makes a server come back where it was */
  port?: number
  /** default: a new folder, removed by `stop`; a given one is left alone */
  root?: string
  python?: string
  env?: Record<string, string>
  extraArgs?: string[]
  /** paths of PEM files */
  tls?: {cert: string; key: string}
}

export interface TestJupyter {
  /** with the base path and a trailing slash */
  url: string
  token: string
  port: number
  /** the server's root folder; its own files are in `.jupyter-test` below */
  root: string
  python: string
  pid: number
  /** what the server has written */
  log(): string
  /** SIGTERM, so that its kernels go too, then removes the folder */
  stop(): Promise<void>
  /** SIGKILL of the server alone; kernels are ended by `stop` */
  kill(): Promise<void>
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) end(child, 'SIGKILL')
})
for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    for (const child of running) end(child, 'SIGKILL')
    process.kill(process.pid, signal)
  })
}

/** Runs the server so that, on Linux, it ends with the test's process however that ends; its kernels end with it. */
const launcher = `
import runpy, sys
if sys.platform == 'linux':
    import ctypes
    ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG, SIGTERM
sys.modules['rfc3987_syntax'] = None  # an optional check of jsonschema's, which takes 2 s to import
sys.argv[0] = 'jupyter-server'
runpy.run_module('jupyter_server', run_name='__main__', alter_sys=True)
`

/** A real server on a loopback port, ready to answer; reads nothing of the user's. */
export async function startJupyter(options: StartJupyterOptions = {}): Promise<TestJupyter> {
  const port = options.port ?? (await freePort())
  const root = options.root ?? mkdtempSync(join(tmpdir(), 'cgpu-jupyter-'))
  const own = join(root, '.jupyter-test')
  for (const name of ['config', 'data', 'runtime', 'ipython']) mkdirSync(join(own, name), {recursive: true})
  const token = options.token ?? randomBytes(16).toString('hex')
  const python = options.python ?? testPython
  const base = options.baseUrl ?? '/'
  const logPath = join(own, 'server.log')
  writeFileSync(logPath, '')
  const log = openSync(logPath, 'a')
  const child = spawn(python, ['-c', launcher, ...serverArgs(port, root, base, token, options)], {
    cwd: root,
    // its own process group: kernels are reaped with it
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      JUPYTER_TOKEN: token,
      JUPYTER_CONFIG_DIR: join(own, 'config'),
      JUPYTER_DATA_DIR: join(own, 'data'),
      JUPYTER_RUNTIME_DIR: join(own, 'runtime'),
      IPYTHONDIR: join(own, 'ipython'),
      PYDEVD_DISABLE_FILE_VALIDATION: '1',
      // the agent's own folder, which would else be the developer's ~/.cgpu
      CGPU_AGENT_HOME: join(own, 'agent'),
      ...options.env,
    },
  })
  closeSync(log)
  running.add(child)
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const readLog = (): string => readFileSync(logPath, 'utf8')
  const url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}${base.replace(/\/*$/, '/')}`
  const server: TestJupyter = {
    url, token, port, root, python,
    pid: child.pid ?? 0,
    log: readLog,
    async stop() {
      end(child, 'SIGCONT')
      end(child, 'SIGTERM')
      const force = setTimeout(() => end(child, 'SIGKILL'), 5_000)
      await exited
      clearTimeout(force)
      await reap(child, own)
      running.delete(child)
      if (options.root === undefined) rmSync(root, {recursive: true, force: true, maxRetries: 5})
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
  try {
    await ready(`${url}api`, token, options.tls, () => child.exitCode !== null)
  } catch (cause) {
    const written = readLog()
    await server.stop()
    throw new Error(`the test's Jupyter server did not start:\n${written}`, {cause})
  }
  return server
}

function serverArgs(port: number, root: string, base: string, token: string, options: StartJupyterOptions): string[] {
  const limit = (value: number): string[] => [`--ServerApp.iopub_data_rate_limit=${value}`, `--ServerApp.iopub_msg_rate_limit=${value}`]
  return [
    '--no-browser', '--allow-root', '--ServerApp.ip=127.0.0.1', `--ServerApp.port=${port}`, '--ServerApp.port_retries=0',
    `--ServerApp.root_dir=${root}`, `--ServerApp.base_url=${base}`,
    ...(token === '' ? ['--IdentityProvider.token='] : []),
    ...(options.limits === false ? limit(0) : []),
    ...(options.tls ? [`--ServerApp.certfile=${options.tls.cert}`, `--ServerApp.keyfile=${options.tls.key}`] : []),
    ...(sockets(root) ? ['--KernelManager.transport=ipc'] : []),
    ...(options.extraArgs ?? []),
  ]
}

/**
 * Whether kernels' sockets fit below this root: a restarted kernel wants its old TCP ports back, which a suite that runs beside may
 * have taken meanwhile. A socket's path has at most 107 bytes on Linux, 103 elsewhere.
 */
function sockets(root: string): boolean {
  return process.platform !== 'win32' && join(root, '.jupyter-test', 'runtime', `kernel-${'0'.repeat(36)}-ipc-5`).length <= 103
}

/** The whole group: the server and, where they made no group of their own, its children. */
function end(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // gone already
  }
}

/** Kernels live in sessions of their own: those whose command names this server's runtime folder are ended too. */
async function reap(child: ChildProcess, own: string): Promise<void> {
  end(child, 'SIGKILL')
  const {readdir, readFile} = await import('node:fs/promises')
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (!command.includes(join(own, 'runtime'))) continue
    try {
      process.kill(Number(name), 'SIGKILL')
    } catch {
      // gone already
    }
  }
}

async function ready(url: string, token: string, tls: {cert: string} | undefined, exited: () => boolean): Promise<void> {
  const deadline = Date.now() + 25_000
  for (;;) {
    if (await answers(url, token, tls)) return
    if (exited() || Date.now() > deadline) throw new Error(exited() ? 'it ended' : 'it did not answer within 25 s')
    // polling is all there is: a server does not tell when it listens
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

function answers(url: string, token: string, tls: {cert: string} | undefined): Promise<boolean> {
  return new Promise(resolve => {
    const options = {headers: {authorization: `token ${token}`}, agent: false, timeout: 2_000} as const
    // readiness only: the port is ours, whatever the test's certificate says of its name
    const request = tls ? httpsRequest(url, {...options, rejectUnauthorized: false}) : httpRequest(url, options)
    request.once('response', response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
    request.end()
  })
}

/** A loopback port that was free a moment ago, and that nobody is given who asks for any: not of the range that systems take those from. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000)
    const probe = createServer()
    const free = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => probe.close(resolve))
    return port
  }
}
