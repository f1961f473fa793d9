import type {KernelView} from '@cgpu/core/kernels/view'
import {runtimeFlag} from '../../flags.ts'
import {kernelArg, KernelCommand} from '../../kernel-command.ts'

/** Interrupts the code on a kernel. */
export default class KernelInterrupt extends KernelCommand<KernelView> {
  static override args = {kernel: kernelArg}
  static override description = 'As Ctrl-C does for exec, from anywhere: the code gets a KeyboardInterrupt, the variables stay.'
  static override examples = [{command: '<%= config.bin %> kernel interrupt', description: 'end the code that exec left running'}]
  static override flags = {...runtimeFlag}
  static override seeAlso = ['kernel restart']
  static override summary = 'interrupt the code on a kernel'

  async run(): Promise<KernelView> {
    const {args, flags} = await this.parse(KernelInterrupt)
    return this.withKernels(flags, async (kernels, {name}) => {
      const kernel = await kernels.find(args.kernel)
      await kernels.interrupt(kernel)
      this.log(kernel.state === 'busy' ? `interrupted ${kernel.name ?? kernel.id} on ${name}` : `${kernel.name ?? kernel.id} on ${name} was ${kernel.state}: nothing ran on it`)
      return kernel
    })
  }
}
