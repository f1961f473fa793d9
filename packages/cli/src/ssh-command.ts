import {resolve} from 'node:path'
import {integer, string} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {ensureDir} from '@cgpu/core/state/dirs'
import {withEnv} from '@cgpu/plugin-sdk'
import {PortCommand} from './port-command.ts'
import {gateOf, sshFolder, sshOptions} from './ssh/route.ts'

export const sshFlags = withEnv({
  identity: string({char: 'i', summary: 'the private key to use', helpValue: 'FILE'}),
  port: integer({summary: 'where the machine\'s own SSH server listens', default: 22, min: 1, max: 65_535, helpValue: 'PORT'}),
})

export interface SshChoice {
  identity?: string | undefined
  port: number
  login?: string | undefined
}

/** The base of the commands that say how ssh reaches a machine. */
export abstract class SshCommand<T = unknown> extends PortCommand<T> {
  /** Throws NO_SSH (64) where nobody would answer. */
  protected async optionsFor(cgpu: Cgpu, runtime: RuntimeRecord, {identity, port, login}: SshChoice): Promise<[string, string][]> {
    const folder = await ensureDir(sshFolder(cgpu))
    const gate = await gateOf(cgpu, runtime)
    const named = identity === undefined ? undefined : resolve(identity)
    if (gate) {
      const {keyFor} = await import('./ssh/key.ts')
      const {file} = await keyFor(gate, {identity: named, folder, env: process.env})
      return sshOptions(cgpu, runtime, {user: login ?? gate.user, port, identity: file})
    }
    const user = await this.withAgent(cgpu, runtime.name, async (agent) => {
      const {sshUser} = await import('@cgpu/core/ssh/look')
      return sshUser(await agent(), port, runtime.name)
    })
    return sshOptions(cgpu, runtime, {user: login ?? user, port, identity: named})
  }
}
