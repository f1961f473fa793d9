import {boolean, option, string} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {isLoopback} from '@cgpu/core/loopback'
import {ForwardStore, type ForwardView, viewOf} from '@cgpu/core/ports/record'
import {describeForward, type ForwardSpec, isForwardSpec, parseForward, parseReverse} from '@cgpu/core/ports/spec'
import {uniqueTag} from '@cgpu/core/state/token'
import {formatBytes} from '@cgpu/core/text/format'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../../flags.ts'
import {backgroundId} from '../../port/background.ts'
import {forwardLine} from '../../render/ports.ts'
import {WorkCommand} from '../../work-command.ts'

/** Makes ports of a machine ports of this computer. */
export default class PortForward extends WorkCommand<ForwardView> {
  static override description = 'Each connection to LOCAL becomes one of the machine to REMOTE: any protocol over TCP. REMOTE alone takes the same number here, 0:REMOTE any that is free, LOCAL:HOST:REMOTE a host that the machine can reach. Connections outlive a network that is gone for a while. The machine is kept from going idle while one is open.\n\nEnds with Ctrl-C, and status 0; with 71 when the machine is gone.'
  static override examples = [
    {command: '<%= config.bin %> port forward trainer 6006', description: 'http://127.0.0.1:6006 is what listens on port 6006 of trainer'},
    {command: '<%= config.bin %> port forward 8080:8888 5432:db.internal:5432', description: 'several at once, one of them of a host behind the machine'},
    {command: '<%= config.bin %> port forward trainer --reverse 9000:3000', description: 'port 9000 of the machine is what listens on 3000 here'},
    {command: '<%= config.bin %> port forward trainer 0:6006 --detach', description: 'any free port, in the background'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...withEnv({
      address: string({summary: 'listen there instead of on 127.0.0.1; others may then connect', helpValue: 'ADDRESS'}),
      reverse: string({summary: 'a port of the machine that leads here; may be given more than once', helpValue: 'REMOTE:LOCAL', multiple: true}),
      via: option({options: ['agent', 'proxy'] as const, default: 'agent', summary: 'through cgpu\'s agent, or by the provider\'s proxy for HTTP and WebSockets'})(),
      detach: boolean({char: 'd', summary: 'go on in the background; see cgpu port list'}),
    }),
  }
  static override seeAlso = ['port list', 'port close', 'port connect']
  static override strict = false
  static override summary = 'make ports of a machine ports of this computer'
  static override usage = ['port forward [NAME] [ADDRESS:]LOCAL:[HOST:]REMOTE…', 'port forward [NAME] --reverse [ADDRESS:]REMOTE:[HOST:]LOCAL']

  async run(): Promise<ForwardView> {
    const {argv, flags} = await this.parse(PortForward)
    const background = backgroundId()
    const reversed = (flags.reverse ?? []).map(parseReverse)
    const {runtime: name, specs: forwards} = split(argv.map(String), flags.runtime, flags.address, reversed.length > 0)
    const specs = [...forwards, ...reversed]
    if (background === undefined) this.#warnOfOthers(specs)
    if (flags.via === 'proxy') refuseHosts(forwards)
    const cgpu = await this.open(flags)
    const runtime = await cgpu.runtimes.select(name)
    const {signal, dispose} = this.abortOnSignals()
    try {
      if (flags.detach) {
        const id = uniqueTag().slice(0, 8)
        const again = ['-r', runtime.name, '--via', flags.via, ...(flags.reverse ?? []).flatMap((pair) => ['--reverse', pair]), ...(flags.address === undefined ? [] : ['--address', flags.address]), ...argv.map(String).filter(isForwardSpec)]
        const record = await (await import('../../port/detach.ts')).forwardDetached(new ForwardStore(cgpu.dirs.state), id, again, signal)
        this.#say(record.forwards, runtime.name)
        this.notice(`in the background; end it: cgpu port close ${id}`)
        return viewOf(record)
      }
      const {runForwards} = await import('../../port/run.ts')
      const record = await runForwards({
        cgpu, runtime, specs, signal, id: background ?? uniqueTag().slice(0, 8), background: background !== undefined, byProxy: flags.via === 'proxy',
        onOpen: (forwards) => this.#say(forwards, runtime.name),
        onNotice: (message) => this.notice(message),
      })
      this.notice(`closed after ${record.connections} connections, ${formatBytes(record.bytesSent)} sent and ${formatBytes(record.bytesReceived)} received`)
      return viewOf(record)
    } finally {
      dispose()
    }
  }

  #warnOfOthers(specs: readonly ForwardSpec[]): void {
    for (const {local, remote, reverse} of specs) {
      const [address, here, there] = reverse ? [remote.host, 'the machine', 'this computer'] : [local.address, 'this computer', 'the machine']
      if (!isLoopback(address)) this.warn(`whoever reaches ${address} of ${here} may connect to ${there} by it`)
    }
  }

  #say(forwards: readonly ForwardSpec[], runtime: string): void {
    for (const forward of forwards) this.log(forwardLine(describeForward(forward), runtime, forward.reverse))
  }
}

/** A name first, if there is one, then pairs of ports. Throws PORT_REQUIRED, USAGE (64). */
function split(words: readonly string[], flag: string | undefined, address: string | undefined, mayBeNone: boolean): {runtime: string | undefined; specs: ForwardSpec[]} {
  const [first] = words
  const named = first !== undefined && !isForwardSpec(first)
  if (named && flag !== undefined && flag !== first) throw errors.usage(`two runtimes are named: ${flag} and ${first}`, {code: 'USAGE', fix: 'leave one of them out'})
  const pairs = named ? words.slice(1) : words
  if (pairs.length === 0 && !mayBeNone) throw errors.usage('forward which port?', {code: 'PORT_REQUIRED', fix: 'cgpu port forward 8888, or LOCAL:REMOTE; see what the machine listens on: cgpu port list --remote'})
  return {runtime: named ? first : flag, specs: pairs.map((pair) => parseForward(pair, address))}
}

function refuseHosts(specs: readonly ForwardSpec[]): void {
  const other = specs.find(({remote}) => remote.host !== 'localhost')
  if (other) throw errors.usage(`the proxy reaches ports of the machine itself only, not ${other.remote.host}`, {code: 'USAGE', fix: 'leave out --via proxy'})
}
