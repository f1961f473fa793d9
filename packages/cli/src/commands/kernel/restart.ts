import type {KernelView} from '@cgpu/core/kernels/view'
import {runtimeFlag} from '../../flags.ts'
import {kernelArg, KernelCommand} from '../../kernel-command.ts'

/** Restarts a kernel. */
export default class KernelRestart extends KernelCommand<KernelView> {
  static override args = {kernel: kernelArg}
  static override description = 'Its variables are gone, and code that runs on it is ended. Jobs and other kernels go on.'
  static override examples = [{command: '<%= config.bin %> kernel restart', description: 'a fresh start for exec'}]
  static override flags = {...runtimeFlag}
  static override seeAlso = ['kernel interrupt', 'kernel shutdown']
  static override summary = 'restart a kernel'

  async run(): Promise<KernelView> {
    const {args, flags} = await this.parse(KernelRestart)
    return this.withKernels(flags, async (kernels, {name}) => {
      const before = await kernels.find(args.kernel)
      const after = await kernels.restart(before)
      this.log(`restarted ${before.name ?? before.id} on ${name}${before.state === 'busy' ? '; the code that ran on it was ended' : ''}; its variables are gone`)
      return after
    })
  }
}
