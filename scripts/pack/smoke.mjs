// An archive as a person meets it: unpacked into an empty folder, and started where nothing else is: no PATH, no settings, no Node.
import {execFile, spawnSync} from 'node:child_process'
import {mkdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'

/** Unpacks `archive` into `folder`, which is emptied before. */
export function unpackTo(folder, archive) {
  rmSync(folder, {recursive: true, force: true})
  mkdirSync(join(folder, 'empty'), {recursive: true})
  const {status, stderr} = spawnSync('tar', ['-xzf', archive, '-C', folder], {encoding: 'utf8'})
  if (status !== 0) throw new Error(`tar -xzf ${archive}: ${stderr}`)
}

/** How `cgpu ARGS` ends that was unpacked into `folder`: {status, stdout, stderr}. Its home and its PATH, which is empty, are there too. */
export function runIn(folder, args, more = {}) {
  const windows = process.platform === 'win32'
  const env = {
    HOME: folder, PATH: join(folder, 'empty'), CGPU_DAEMON: 'off', CGPU_AUTOUPDATE: 'off',
    ...(windows ? {USERPROFILE: folder, LOCALAPPDATA: folder, SystemRoot: process.env.SystemRoot} : {}), ...more,
  }
  const program = join(folder, 'cgpu/bin', windows ? 'cgpu.cmd' : 'cgpu')
  return new Promise((resolve) => {
    execFile(program, args, {env, cwd: folder, shell: windows}, (error, stdout, stderr) => resolve({status: error ? (error.code ?? error.signal) : 0, stdout, stderr}))
  })
}

/** What somebody tries first. `python`: one with a Jupyter server, for a job on a runtime of this computer. Throws at what is not as it should be. */
export async function smoke(folder, {version, node, python}) {
  const expect = async (what, pattern, args, more) => {
    const {status, stdout, stderr} = await runIn(folder, args, more)
    if (status !== 0 || !pattern.test(stdout)) throw new Error(`cgpu ${args.join(' ')}: expected ${what}, got status ${status}\n${stdout}${stderr}`)
  }
  await expect('its version and the Node inside', new RegExp(`^cgpu ${version.replaceAll('.', '\\.')} \\S+ node-v${node.replaceAll('.', '\\.')}\\n$`), ['--version'])
  await expect('no runtimes', /"ok":\s*true[^]*"data":\s*\[\]/, ['runtime', 'list', '--json'])
  await expect('the commands that begin so', /^run$[^]*^runtime$/m, ['__complete', 'bash', ' ', 'cgpu ru'])
  await expect('the script of a shell', /complete -F/, ['completion', 'bash'])
  await expect('a plugin that is inside', /emulator/, ['emulator', '--help'])
  if (python !== undefined) await expect('what a job prints', /^a job's word$/m, ['run', '--provider', 'local', '--', python, '-c', 'print("a job\'s word")'], {CGPU_PYTHON: python})
}
