import type {KernelView} from '@cgpu/core/kernels/view'
import {runtimeFlag} from '../../flags.ts'
import {KernelCommand} from '../../kernel-command.ts'
import {kernelsTable} from '../../render/kernels.ts'

/** Lists the kernels of a runtime. */
export default class KernelList extends KernelCommand<KernelView[]> {
  static override description = 'Those that cgpu started have names: default is the one that exec uses. Those of notebooks and other clients are shown with what they were started for.'
  static override examples = [{command: '<%= config.bin %> kernel list', description: 'the kernels that run, and how they are'}]
  static override flags = {...runtimeFlag}
  static override seeAlso = ['kernel start', 'kernel specs', 'exec']
  static override summary = 'list the kernels of a runtime'

  async run(): Promise<KernelView[]> {
    const {flags} = await this.parse(KernelList)
    return this.withKernels(flags, async (kernels, {name}) => {
      const all = await kernels.list()
      if (all.length === 0) this.notice(`no kernel runs on ${name}; exec starts one`)
      else this.log(kernelsTable(all, Date.now()))
      return all
    })
  }
}
