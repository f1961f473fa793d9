import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {type ForwardRecord, ForwardStore, type ForwardView, viewOf} from '@cgpu/core/ports/record'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'

/** Ends what forwards ports. */
export default class PortClose extends CgpuCommand<ForwardView[]> {
  static override description = 'By the id that cgpu port list shows, or by a port of this computer. What is open over them is broken off.'
  static override examples = [
    {command: '<%= config.bin %> port close 6006', description: 'whatever forwards port 6006 of this computer'},
    {command: '<%= config.bin %> port close --all', description: 'all of them'},
  ]
  static override flags = withEnv({all: boolean({summary: 'everything that is forwarded'})})
  static override seeAlso = ['port list', 'port forward']
  static override strict = false
  static override summary = 'stop forwarding ports'
  static override usage = ['port close ID|PORT…', 'port close --all']

  async run(): Promise<ForwardView[]> {
    const {argv, flags} = await this.parse(PortClose)
    if (argv.length === 0 && !flags.all) throw errors.usage('close which one?', {code: 'PORT_REQUIRED', fix: 'cgpu port close ID, or a port of this computer; see them: cgpu port list'})
    const {configDir, dataDir, cacheDir} = this.config
    const store = new ForwardStore(resolveDirs(process.env, {configDir, dataDir, cacheDir}).state)
    const known = await store.list()
    const meant = flags.all ? known : [...new Set(argv.map((query) => find(known, String(query))))]
    for (const record of meant) {
      const ended = await store.end(record)
      const ports = record.forwards.map(({local}) => local.port).join(', ')
      this.log(ended ? `closed ${record.id} (${ports}, to ${record.runtime})` : `${record.id} (${ports}, to ${record.runtime}) was over already`)
    }
    if (meant.length === 0) this.notice('no port is forwarded')
    return meant.map(viewOf)
  }
}

/** Throws PORT_NOT_FORWARDED (66). */
function find(known: readonly ForwardRecord[], query: string): ForwardRecord {
  const byPort = known.filter(({forwards}) => forwards.some(({local}) => String(local.port) === query))
  // of those that ended, another may have the port now
  const found = known.find(({id}) => id === query) ?? byPort.find(({state}) => state !== 'failed') ?? byPort[0] ?? known.find(({id}) => query.length >= 3 && id.startsWith(query))
  if (found) return found
  throw errors.notFound(`nothing here forwards ${sanitizeLine(query, 60)}`, {code: 'PORT_NOT_FORWARDED', fix: 'see what is forwarded: cgpu port list'})
}
