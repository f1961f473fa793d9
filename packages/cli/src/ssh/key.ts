import {execFile} from 'node:child_process'
import {access, readFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {errors} from '@cgpu/core/errors'
import type {SshGate} from '@cgpu/core/provider'
import {ensureDir} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'

export interface SshKey {
  /** the private half */
  file: string
  /** one line of authorized_keys, without its comment */
  line: string
}

/** The key that a provider's own SSH is to let in: the one that is named, the user's usual one, or one that is made for it in `folder`. */
export async function keyFor({keyTypes}: SshGate, {identity, folder, env}: {identity: string | undefined; folder: string; env: NodeJS.ProcessEnv}): Promise<SshKey> {
  if (identity !== undefined) {
    const line = await publicHalf(identity)
    if (keyTypes.includes(line.split(' ')[0] ?? '')) return {file: identity, line}
    throw errors.usage(`the machine does not take keys of the kind ${sanitizeLine(line.split(' ')[0] ?? '', 40)}`, {
      code: 'SSH_KEY_REFUSED', category: 'auth', fix: `make one it takes: ssh-keygen -t ed25519; it takes ${keyTypes.join(', ')}`,
    })
  }
  const home = join(env['HOME'] ?? homedir(), '.ssh')
  for (const file of [...['id_ed25519', 'id_ecdsa'].map((name) => join(home, name)), join(folder, 'id_ed25519')]) {
    const line = await readFile(`${file}.pub`, 'utf8').then(bare, () => '')
    if (keyTypes.includes(line.split(' ')[0] ?? '')) return {file, line}
  }
  const made = join(folder, 'id_ed25519')
  await ensureDir(folder)
  await keygen('-q', '-t', 'ed25519', '-N', '', '-C', 'cgpu', '-f', made)
  return {file: made, line: bare(await readFile(`${made}.pub`, 'utf8'))}
}

async function publicHalf(file: string): Promise<string> {
  const beside = await readFile(`${file}.pub`, 'utf8').then(bare, () => undefined)
  if (beside !== undefined) return beside
  await access(file).catch(() => {
    throw errors.notFound(`there is no key ${sanitizeLine(file, 200)}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path, or make one: ssh-keygen -t ed25519'})
  })
  return bare(await keygen('-y', '-f', file))
}

async function keygen(...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)('ssh-keygen', args)).stdout
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw errors.usage(missing ? 'this computer has no ssh-keygen' : 'ssh-keygen cannot read or make the key', {
      code: missing ? 'NO_SSH_CLIENT' : 'SSH_KEY_UNREADABLE', category: 'file', fix: missing ? 'install OpenSSH\'s client' : 'try ssh-keygen -y -f FILE to see why', cause: error,
    })
  }
}

function bare(text: string): string {
  return text.trim().split(/\s+/).slice(0, 2).join(' ')
}
