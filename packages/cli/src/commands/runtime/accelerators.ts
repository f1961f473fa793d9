import type {Accelerator} from '@cgpu/core/provider'
import {string} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {acceleratorsTable} from '../../render/runtimes.ts'
import {WorkCommand} from '../../work-command.ts'

/** Lists the accelerators that new runtimes can have. */
export default class RuntimeAccelerators extends WorkCommand<Accelerator[]> {
  static override examples = [
    {command: '<%= config.bin %> runtime accelerators', description: 'what --gpu and --tpu accept'},
    {command: '<%= config.bin %> runtime accelerators --provider colab', description: 'what your Google account may use'},
  ]
  static override flags = withEnv({provider: string({summary: 'whose accelerators', helpValue: 'ID'})})
  static override summary = 'list accelerators'

  async run(): Promise<Accelerator[]> {
    const {flags} = await this.parse(RuntimeAccelerators)
    const cgpu = await this.open(flags)
    const id = cgpu.settings.text('provider') ?? 'local'
    const accelerators = await cgpu.runtimes.accelerators(id)
    this.log(acceleratorsTable(accelerators))
    // what is available depends on who asks
    if ((await cgpu.runtimes.provider(id)).capabilities.computeUnits) this.notice(`for ${(await cgpu.accounts.current()).email}`)
    return accelerators
  }
}
