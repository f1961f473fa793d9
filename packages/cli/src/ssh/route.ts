import {join} from 'node:path'
import type {Cgpu} from '@cgpu/core/cgpu'
import type {SshGate} from '@cgpu/core/provider'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {cliProgram} from '../daemon/program.ts'

/** Where cgpu keeps what ssh wants to know: the machines' host keys, and a key that was made where the user had none. */
export const sshFolder = (cgpu: Cgpu): string => join(cgpu.dirs.state, 'ssh')

/** The provider's own way; undefined: the machine's own sshd, through the agent. */
export async function gateOf(cgpu: Cgpu, {provider, providerId}: RuntimeRecord): Promise<SshGate | undefined> {
  const from = await cgpu.runtimes.provider(provider)
  return from.capabilities.ssh ? from.sshGate?.(providerId) : undefined
}

export interface RouteOptions {
  user: string
  port: number
  /** the private half of the key to use, where ssh is not to choose */
  identity?: string | undefined
}

/** ssh's own options for a machine, as in its configuration. */
export function sshOptions(cgpu: Cgpu, {id, name}: RuntimeRecord, {user, port, identity}: RouteOptions): [name: string, value: string][] {
  const proxy = [process.execPath, ...cliProgram(), 'ssh', 'proxy', name, '--port', String(port), ...(identity === undefined ? [] : ['--identity', identity])]
  return [
    ['User', user],
    // ssh expands % itself, then a shell reads the line
    ['ProxyCommand', proxy.map((word) => quoted(word).replaceAll('%', '%%')).join(' ')],
    ['HostKeyAlias', `cgpu-${id}`],
    ['UserKnownHostsFile', `"${join(sshFolder(cgpu), 'known_hosts')}"`],
    ['StrictHostKeyChecking', 'accept-new'],
    ...(identity === undefined ? [] : [['IdentityFile', `"${identity}"`] satisfies [string, string]]),
  ]
}

function quoted(word: string): string {
  if (/^[\w@+=:,./-]+$/.test(word)) return word
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll('\'', '\'\\\'\'')}'`
}
