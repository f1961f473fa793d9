// Makes the tests' own Python environment: the current Jupyter server and kernel, and beside it a kernel as on Colab, and other
// programs for notebooks to compare with, which would change the server if they were installed where it is.
// From PyPI; where pip reaches nothing, from a Python that already has them (Debian's jupyter-server, python3-ipykernel).
import {spawn, spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const home = join(root, 'node_modules', '.cache', 'cgpu-test-python')
const labHome = join(root, 'node_modules', '.cache', 'cgpu-test-lab')
const bin = (venv) => join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
const run = (command, args, options = {}) => spawnSync(command, args, {encoding: 'utf8', ...options})

/** Python 3.8 or newer on PATH, or null. */
export function findPython() {
  for (const name of ['python3', 'python', '/usr/bin/python3']) {
    const probe = run(name, ['-c', 'import sys; print(sys.version_info >= (3, 8))'])
    if (probe.status === 0 && probe.stdout.trim() === 'True') return name
  }
  return null
}

/** What it printed when it failed, or null. */
function failure(command, args) {
  const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']})
  const chunks = []
  for (const from of [child.stdout, child.stderr]) from.on('data', (chunk) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status === 0 ? null : Buffer.concat(chunks).toString('utf8')))
  })
}

async function makeVenv(python, venv, requirements, prepare = () => undefined) {
  const made = await failure(python, ['-m', 'venv', venv])
  if (made !== null) return `${python} -m venv failed:\n${made}`
  prepare(venv)
  const pip = await failure(bin(venv), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  return pip === null ? null : `pip install -r ${requirements} failed:\n${pip}`
}

/** Where a Python has its packages. */
function packagesOf(python) {
  return run(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']).stdout.trim()
}

/** pip leaves out what it finds by this file. */
function sharePackages(of, made) {
  writeFileSync(join(packagesOf(bin(made)), 'tests.pth'), `${packagesOf(bin(of))}\n`)
}

function registerColabKernel(server, kernel) {
  const dir = join(server, 'share', 'jupyter', 'kernels', 'colab')
  mkdirSync(dir, {recursive: true})
  const argv = [bin(kernel), '-m', 'ipykernel_launcher', '-f', '{connection_file}']
  writeFileSync(join(dir, 'kernel.json'), JSON.stringify({argv, display_name: 'Python (as on Colab)', language: 'python'}))
}

/**
 * Nobody debugs the tests' kernels, and loading the debugger is a third of a kernel's start. Those have it all the same whose test
 * sets CGPU_TEST_DEBUGPY, and those of other environments, which share these packages by a path file of their own.
 */
function leaveDebuggerOut(venv) {
  const file = join(packagesOf(bin(venv)), 'cgpu_test_debugger.pth')
  const text = "import os, sys; os.environ.get('CGPU_TEST_DEBUGPY') or sys.modules.setdefault('debugpy', None)\n"
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text)
}

function debianPython() {
  const probe = run('/usr/bin/python3', ['-c', 'import jupyter_server, ipykernel'])
  return probe.status === 0 ? '/usr/bin/python3' : null
}

/** Path of the Python that the tests use. Rejects with a sentence and a fix when it cannot be made. */
export async function ensureTestPython(options = {}) {
  await ensureEnvironment(options)
  for (const name of ['current', 'colab', 'oracles']) if (existsSync(join(home, name))) leaveDebuggerOut(join(home, name))
  return bin(join(home, 'current'))
}

async function ensureEnvironment({log = console.error}) {
  const requirements = ['requirements.txt', 'requirements-colab.txt', 'requirements-oracles.txt'].map((name) => join(root, 'test', name))
  const stamp = createHash('sha256').update(requirements.map((file) => readFileSync(file, 'utf8')).join('\0')).digest('hex')
  const stampFile = join(home, 'stamp')
  const server = join(home, 'current')
  const kernel = join(home, 'colab')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return

  const python = findPython()
  if (!python) throw new Error('no Python 3.8 or newer found\nfix: install Python 3 (Debian: apt-get install python3 python3-venv) and try again')
  rmSync(home, {recursive: true, force: true})
  mkdirSync(home, {recursive: true})
  log('making the Python environment of the tests (once)')
  const problems = await Promise.all([makeVenv(python, server, requirements[0]), makeVenv(python, kernel, requirements[1])])
  const problem = problems.find((one) => one !== null)
  if (problem) {
    const debian = debianPython()
    if (!debian) {
      throw new Error(
        `the Python environment of the tests could not be made\n${problem}\n` +
          'fix: make PyPI reachable for pip, or install Debian\'s packages: apt-get install python3-venv jupyter-server python3-ipykernel',
      )
    }
    log(`pip reaches no registry: using ${debian} with Debian's jupyter-server`)
    rmSync(home, {recursive: true, force: true})
    const linked = run(debian, ['-m', 'venv', '--system-site-packages', server])
    if (linked.status !== 0) throw new Error(`${debian} -m venv failed:\n${linked.stdout}${linked.stderr}\nfix: apt-get install python3-venv`)
    registerColabKernel(server, server)
  } else {
    registerColabKernel(server, kernel)
    const missing = await makeVenv(python, join(home, 'oracles'), requirements[2], (made) => sharePackages(server, made))
    if (missing) throw new Error(`${missing}\nfix: make PyPI reachable for pip`)
  }
  writeFileSync(stampFile, stamp)
}

/**
 * Path of a Python that has JupyterLab, too: an environment beside the tests' own, whose packages it shares. For the tests that
 * need it. Throws when PyPI cannot be reached.
 */
export async function ensureLabPython({log = console.error} = {}) {
  const server = await ensureTestPython({log})
  const requirements = join(root, 'test', 'requirements-lab.txt')
  const venv = join(labHome, 'current')
  const shared = packagesOf(server)
  const stamp = `${createHash('sha256').update(readFileSync(requirements)).update(readFileSync(join(root, 'test', 'requirements.txt'))).digest('hex')} ${shared}`
  const stampFile = join(labHome, 'stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return bin(venv)
  rmSync(labHome, {recursive: true, force: true})
  mkdirSync(labHome, {recursive: true})
  log('making the JupyterLab of the tests (once)')
  const problem = await makeVenv(server, venv, requirements, (made) => sharePackages(join(home, 'current'), made))
  if (problem) throw new Error(`${problem}\nfix: make PyPI reachable for pip`)
  writeFileSync(stampFile, stamp)
  return bin(venv)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(process.argv[2] === 'lab' ? await ensureLabPython() : await ensureTestPython())
  } catch (error) {
    console.error(error.message)
    process.exit(1)
  }
}
