import {type ChildProcess, spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {freePort} from './jupyter-server.ts'

/** OpenSSH's server on a loopback port, with a host key of its own, that lets in whoever runs the tests by one key. */
export interface TestSshd {
  port: number
  /** the private key that is let in */
  key: string
  stop(): Promise<void>
}

const program = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((path) => existsSync(path)) ?? 'sshd'

export async function makeKey(file: string, type = 'ed25519'): Promise<string> {
  const made = spawnSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'a test', '-f', file], {encoding: 'utf8'})
  if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`)
  return readFile(`${file}.pub`, 'utf8')
}

export async function startSshd(): Promise<TestSshd> {
  const folder = await mkdtemp(join(tmpdir(), 'cgpu-sshd-'))
  const key = join(folder, 'key')
  await writeFile(join(folder, 'authorized_keys'), await makeKey(key), {mode: 0o600})
  await makeKey(join(folder, 'host_key'))
  // root's needs it for its unprivileged half
  if (process.getuid?.() === 0) await mkdir('/run/sshd', {recursive: true, mode: 0o755})
  const port = await freePort()
  await writeFile(join(folder, 'config'), [
    `Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${join(folder, 'host_key')}`, `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`, `PidFile ${join(folder, 'pid')}`,
    'AuthenticationMethods publickey', 'PermitRootLogin prohibit-password', 'StrictModes no', 'UsePAM no', 'Subsystem sftp internal-sftp', '',
  ].join('\n'))
  const child: ChildProcess = spawn(program, ['-D', '-e', '-f', join(folder, 'config')], {stdio: ['ignore', 'ignore', 'pipe']})
  const {promise, resolve, reject} = Promise.withResolvers<void>()
  let said = ''
  child.stderr?.on('data', (text: Buffer) => {
    said += text.toString()
    if (said.includes('Server listening')) resolve()
  })
  child.once('error', reject).once('exit', () => reject(new Error(`sshd ended: ${said}`)))
  await promise
  return {
    port, key,
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
      await rm(folder, {recursive: true, force: true})
    },
  }
}
