import {string as stringArg} from '@oclif/core/args'
import {errors} from '@cgpu/core/errors'
import {failureText} from '@cgpu/core/ports/forwards'
import {parsePlaceOfPort} from '../../port/place.ts'
import {joinStdio} from '../../port/stdio.ts'
import {PortCommand} from '../../port-command.ts'
import {runtimeFlag} from '../../flags.ts'

interface Connected {
  runtime: string
  bytesSent: number
  bytesReceived: number
}

/** Joins stdin and stdout to a port of a machine. */
export default class PortConnect extends PortCommand<Connected> {
  static override args = {
    name: stringArg({description: 'name of the runtime; may be left out where there is one only', required: true}),
    port: stringArg({description: 'its port, or HOST:PORT as it sees it', required: false}),
  }
  static override description = 'As nc does, over cgpu: what ssh wants as its ProxyCommand, and rsync, git and editors through ssh. Ends when both sides have.'
  static override examples = [
    {command: '<%= config.bin %> port connect trainer 22', description: 'what ssh does for a Host with ProxyCommand cgpu port connect trainer 22'},
    {command: 'printf "GET / HTTP/1.0\\r\\n\\r\\n" | <%= config.bin %> port connect trainer 6006', description: 'one request to what listens on port 6006'},
  ]
  static override flags = {...runtimeFlag}
  static override seeAlso = ['port forward', 'port list']
  static override summary = 'join stdin and stdout to a port of a machine'

  async run(): Promise<Connected> {
    const {args, flags} = await this.parse(PortConnect)
    const [name, place] = args.port === undefined ? [flags.runtime, args.name] : [args.name, args.port]
    // a name can be no port, and is nearly one
    if (args.port === undefined && /^[a-z][a-z0-9-]*$/.test(place)) throw errors.usage(`which port of ${place}?`, {code: 'PORT_REQUIRED', fix: `cgpu port connect ${place} PORT; see what it listens on: cgpu port list ${place} --remote`})
    const target = parsePlaceOfPort(place)
    return this.withAgent(await this.open(flags), name, async (agent, runtime, signal, gone) => {
      const {failure, ...moved} = await joinStdio(agent, target, signal, gone)
      if (failure && failure.code !== 'RESET') {
        throw errors.network(failureText(failure, target, runtime.name), {
          code: failure.code === 'REFUSED' ? 'PORT_NOT_OPEN' : 'CONNECTION_FAILED', fix: 'see what it listens on: cgpu port list --remote', details: {...target},
        })
      }
      return {runtime: runtime.name, ...moved}
    })
  }

  /** stdout is the connection's */
  override jsonEnabled(): boolean {
    return false
  }
}
