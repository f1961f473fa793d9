import type {KernelView} from '@cgpu/core/kernels/view'
import {runtimeFlag} from '../../flags.ts'
import {kernelArg, KernelCommand} from '../../kernel-command.ts'
import {kernelFacts} from '../../render/kernels.ts'

/** Shows one kernel. */
export default class KernelShow extends KernelCommand<KernelView> {
  static override args = {kernel: kernelArg}
  static override examples = [{command: '<%= config.bin %> kernel show', description: 'the kernel that exec uses'}]
  static override flags = {...runtimeFlag}
  static override seeAlso = ['kernel list']
  static override summary = 'show a kernel'

  async run(): Promise<KernelView> {
    const {args, flags} = await this.parse(KernelShow)
    return this.withKernels(flags, async (kernels, {name}) => {
      const kernel = await kernels.find(args.kernel)
      this.log(kernelFacts(kernel, name))
      return kernel
    })
  }
}
