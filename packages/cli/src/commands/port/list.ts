import {boolean} from '@oclif/core/flags'
import type {RemoteListener} from '@cgpu/core/ports/listeners'
import {ForwardStore, type ForwardView, viewOf} from '@cgpu/core/ports/record'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeArg, runtimeFlag} from '../../flags.ts'
import {PortCommand} from '../../port-command.ts'
import {forwardsTable, listenersTable} from '../../render/ports.ts'

/** Lists what is forwarded, or what a machine listens on. */
export default class PortList extends PortCommand<ForwardView[] | RemoteListener[]> {
  static override args = {name: runtimeArg}
  static override description = 'With --remote, the ports that something listens on at the machine, with the program where it may be known; Jupyter\'s own only with --all.'
  static override examples = [
    {command: '<%= config.bin %> port list', description: 'what is forwarded, with what went through'},
    {command: '<%= config.bin %> port list trainer', description: 'of it, what leads to trainer'},
    {command: '<%= config.bin %> port list trainer --remote', description: 'which port was it: what trainer listens on'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...withEnv({
      remote: boolean({summary: 'what the machine listens on'}),
      all: boolean({summary: 'with the ports of Jupyter itself', dependsOn: ['remote']}),
    }),
  }
  static override seeAlso = ['port forward', 'port close']
  static override summary = 'list forwarded ports, or those of a machine'

  async run(): Promise<ForwardView[] | RemoteListener[]> {
    const {args, flags} = await this.parse(PortList)
    if (flags.remote) return this.#remote(flags, args.name ?? flags.runtime, flags.all)
    const name = args.name ?? flags.runtime
    const {configDir, dataDir, cacheDir} = this.config
    const all = (await new ForwardStore(resolveDirs(process.env, {configDir, dataDir, cacheDir}).state).list()).map(viewOf)
    const views = name === undefined ? all : all.filter(({runtime}) => runtime.startsWith(name))
    if (views.length === 0) this.notice(name === undefined ? 'no port is forwarded' : `no port of ${sanitizeLine(name, 60)} is forwarded; what it listens on: cgpu port list ${sanitizeLine(name, 60)} --remote`)
    else this.log(forwardsTable(views, Date.now()))
    return views
  }

  async #remote(flags: Record<string, unknown>, name: string | undefined, all: boolean): Promise<RemoteListener[]> {
    return this.withAgent(await this.open(flags), name, async (agent, runtime) => {
      const {remoteListeners} = await import('@cgpu/core/ports/listeners')
      const listeners = (await remoteListeners(await agent())).filter(({jupyter}) => all || !jupyter)
      if (listeners.length === 0) this.notice(`nothing${all ? '' : ' but Jupyter'} listens on ${runtime.name}`)
      else this.log(listenersTable(listeners))
      return listeners
    })
  }
}
