import {string as stringArg} from '@oclif/core/args'
import {closeLeft} from '@cgpu/core/ports/tunnel'
import {ForwardStore} from '@cgpu/core/ports/record'
import {WorkCommand} from '../work-command.ts'

/** so long it tries to reach the machine; after that the next forward tells it, or it gives up by itself */
const patienceMs = 120_000

/** Tells a machine that the process of a forward is gone, for the shell that watched it. */
export default class PortEnded extends WorkCommand<void> {
  static override args = {id: stringArg({description: 'of the forward', required: true})}
  static override hidden = true
  static override summary = 'tell a machine that a forward was killed'

  async run(): Promise<void> {
    const {args} = await this.parse(PortEnded)
    const cgpu = await this.open({})
    const store = new ForwardStore(cgpu.dirs.state)
    const record = await store.get(args.id)
    if (!record || !(await store.left(record.runtime)).includes(record.id)) return
    const signal = AbortSignal.timeout(patienceMs)
    const session = await cgpu.connect(await cgpu.runtimes.select(record.runtime), {signal})
    try {
      await session.guard(async () => closeLeft(await session.agent(), [record.id], signal))
    } finally {
      await session.close()
    }
  }
}
