import {errors} from '@cgpu/core/errors'
import {failureText} from '@cgpu/core/ports/forwards'
import {runtimeArg, runtimeFlag} from '../../flags.ts'
import {joinStdio} from '../../port/stdio.ts'
import {SshCommand, sshFlags} from '../../ssh-command.ts'
import {gateOf, sshFolder} from '../../ssh/route.ts'

/** What ssh runs as its ProxyCommand: the bytes of one connection on stdin and stdout. */
export default class SshProxy extends SshCommand<void> {
  static override args = {name: runtimeArg}
  static override flags = {...runtimeFlag, ...sshFlags}
  static override hidden = true
  static override summary = 'join stdin and stdout to the SSH of a machine'

  async run(): Promise<void> {
    const {args, flags} = await this.parse(SshProxy)
    const cgpu = await this.open(flags)
    const runtime = await cgpu.runtimes.select(args.name ?? flags.runtime)
    const gate = await gateOf(cgpu, runtime)
    if (gate) {
      const [{joinGate}, {keyFor}] = await Promise.all([import('@cgpu/core/ssh/gate'), import('../../ssh/key.ts')])
      const {line} = await keyFor(gate, {identity: flags.identity, folder: sshFolder(cgpu), env: process.env})
      // ssh ends its ProxyCommand by SIGHUP
      const {signal, dispose} = this.abortOnSignals()
      await joinGate(gate, line, {input: process.stdin, output: process.stdout}, runtime.name, signal).finally(dispose)
      process.stdin.destroy()
      return
    }
    const target = {host: 'localhost', port: flags.port}
    await this.withAgent(cgpu, runtime.name, async (agent, {name}, signal, gone) => {
      const {failure} = await joinStdio(agent, target, signal, gone)
      if (failure?.code === 'REFUSED') await (await import('@cgpu/core/ssh/look')).sshUser(await agent(), flags.port, name)
      if (failure && failure.code !== 'RESET') throw errors.network(failureText(failure, target, name), {code: 'CONNECTION_FAILED', fix: `cgpu ssh ${name}`})
    })
  }

  /** stdout is the connection's */
  override jsonEnabled(): boolean {
    return false
  }
}
