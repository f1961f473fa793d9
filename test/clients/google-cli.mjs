// Google's own command line for Colab against the emulator, not changed, only pointed at it: proof that the emulator speaks what
// clients of Colab speak. Not a part of `npm test`: it installs from PyPI.
//   node --conditions=cgpu-source test/clients/google-cli.mjs
import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {startEmulator} from '../../packages/emulator/src/emulator.ts'
import {ensureTestPython} from '../../scripts/test-python.mjs'

// of kernel clients, the last one that this command line fits
const packages = ['google-colab-cli==0.7.5', 'jupyter-kernel-client==0.9.0']
const environment = fileURLToPath(new URL('../../node_modules/.cache/google-colab-cli', import.meta.url))
const python = await ensureTestPython()

const home = await mkdtemp(join(tmpdir(), 'google-cli-'))
const emulator = await startEmulator({python: () => Promise.resolve(python)})
const env = {...process.env, HOME: home, PYTHONPATH: join(home, 'site'), EMULATOR: emulator.url, OAUTHLIB_INSECURE_TRANSPORT: '1', NO_COLOR: '1', COLUMNS: '300'}
try {
  await install()
  await signIn()
  await use()
} finally {
  await emulator.close()
  await rm(home, {recursive: true, force: true, maxRetries: 5})
}

async function install() {
  if (!existsSync(join(environment, 'bin', 'colab'))) {
    await finished(python, ['-m', 'venv', environment], {env: process.env})
    // it asks for Python 3.12, and runs on 3.11
    await finished(join(environment, 'bin', 'pip'), ['install', '--quiet', '--ignore-requires-python', ...packages], {env: process.env})
  }
  await mkdir(join(home, 'site'))
  // its hosts have no setting
  await writeFile(join(home, 'site', 'sitecustomize.py'), `import os, sys
if sys.prefix == ${JSON.stringify(environment)}:
    from colab_cli.client import Prod
    Prod.__init__.__defaults__ = (os.environ["EMULATOR"], os.environ["EMULATOR"])
`)
  await mkdir(join(home, '.config', 'colab-cli'), {recursive: true})
  await writeFile(join(home, '.config', 'colab-cli', 'settings.json'), '{"enable_update_check": false}')
}

/** Its sign-in prints an address and reads the code that the page there shows. */
async function signIn() {
  const cli = colab(['-c', emulator.clientConfig, 'sessions'])
  let text = ''
  const address = new Promise((resolve) => {
    cli.stderr.on('data', (chunk) => {
      text += chunk
      const found = /(http:\S+\/auth\?\S+)\s/.exec(text)
      if (found) resolve(found[1])
    })
  })
  const page = await (await fetch(`${await address}&login_hint=me@example.com`)).text()
  const fields = [...page.matchAll(/name="(csrf|scope)" value="([^"]+)"/g)].map(([, name, value]) => [name, value])
  const shown = await fetch(`${emulator.url}/o/oauth2/consent`, {method: 'POST', body: new URLSearchParams([...fields, ['decision', 'allow']])})
  const [, code] = /<code>(4\/[^<]+)</.exec(await shown.text()) ?? []
  cli.stdin.end(`${code}\n`)
  const [status] = await once(cli, 'close')
  assert.equal(status, 0, text)
  console.log('ok   sign-in')
}

async function use() {
  emulator.world.setAccount('me@example.com', {consent: {drive: true}})
  await writeFile(join(home, 'job.py'), "import subprocess, sys\nprint('argv', sys.argv[1:], subprocess.run(['nvidia-smi', '-L'], capture_output=True, text=True).stdout)\n")
  await writeFile(join(home, 'a b.txt'), 'data')
  await step(['new', '--gpu', 't4', '-s', 'one'], /READY/)
  await step(['sessions'], /\[one\] gpu-t4-s-\w+ \| Hardware: T4/)
  await step(['exec', '-s', 'one', '-f', 'job.py'], /argv .*Tesla T4/)
  await step(['exec', '-s', 'one'], /42[^]*ZeroDivisionError/, {input: 'print(6 * 7); 1 / 0'})
  await step(['status', '-s', 'one'], /Status: IDLE/)
  await step(['usage'], /Usage rate: 1\.20\/hr[^]*Active assignments: 1/)
  await step(['upload', '-s', 'one', 'a b.txt', '/content/a b.txt'], /Uploaded/)
  await step(['ls', '-s', 'one', '/content'], /a b\.txt/)
  await step(['download', '-s', 'one', '/content/a b.txt', 'back.txt'], /Downloaded/)
  assert.equal(await readFile(join(home, 'back.txt'), 'utf8'), 'data')
  await step(['rm', '-s', 'one', '/content/a b.txt'], /Deleted/)
  await step(['drivemount', '-s', 'one'], /Mounted at \/content\/drive/)
  await step(['restart-kernel', '-s', 'one'], /^/)
  if (existsSync('/usr/sbin/sshd')) await ssh()
  await step(['stop', '-s', 'one'], /terminated/)
  await step(['run', '--gpu', 'l4', 'job.py', 'x', 'y'], /argv \['x', 'y'\] .*NVIDIA L4[^]*terminated/)
  await step(['new', '--tpu', 'v5e1', '-s', 'two'], /READY/)
  await step(['stop', '-s', 'two'], /terminated/)
  await step(['new', '--gpu', 'h100', '-s', 'three'], /may not have quota or entitlement/, {status: 1})
  emulator.world.queueAssign(['412'])
  await step(['new', '-s', 'four'], /too many/i, {status: 1})
  await step(['sessions'], /No active sessions/)
}

async function ssh() {
  await mkdir(join(home, '.ssh'), {mode: 0o700})
  const key = join(home, '.ssh', 'id_ed25519')
  await finished('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const proxy = `${join(environment, 'bin', 'colab')} ssh --proxy-mode -s one`
  const text = await finished('ssh', ['-i', key, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', `ProxyCommand=${proxy}`, 'root@colab-runtime', 'nvidia-smi -L'])
  assert.match(text, /Tesla T4/)
  console.log('ok   ssh')
}

async function step(args, wanted, {input = '', status = 0} = {}) {
  const cli = colab(args)
  cli.stdin.end(input)
  const {text, code} = await outputOf(cli)
  assert.match(text, wanted, args.join(' '))
  assert.equal(code, status, text)
  console.log(`ok   ${args.join(' ')}`)
}

function colab(args) {
  return spawn(join(environment, 'bin', 'colab'), args, {cwd: home, env, timeout: 120_000})
}

async function finished(program, args, options = {}) {
  const {text, code} = await outputOf(spawn(program, args, {cwd: home, env, timeout: 400_000, stdio: ['ignore', 'pipe', 'pipe'], ...options}))
  assert.equal(code, 0, text)
  return text
}

async function outputOf(child) {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { text += chunk })
  const [code] = await once(child, 'close')
  return {text, code}
}
