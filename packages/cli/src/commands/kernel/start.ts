import {string} from '@oclif/core/flags'
import {string as stringArg} from '@oclif/core/args'
import type {KernelView} from '@cgpu/core/kernels/view'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../../flags.ts'
import {KernelCommand} from '../../kernel-command.ts'

/** Starts a kernel on a runtime. */
export default class KernelStart extends KernelCommand<KernelView> {
  static override args = {name: stringArg({description: 'what to call it; the name of a kernelspec starts that one', default: 'default'})}
  static override description = 'Several kernels on one runtime have variables of their own, and work at the same time. exec --kernel NAME uses one.'
  static override examples = [
    {command: '<%= config.bin %> kernel start lab', description: 'a second Python, called lab'},
    {command: '<%= config.bin %> exec --kernel lab "x = 1"', description: 'use it'},
  ]
  static override flags = {...runtimeFlag, ...withEnv({spec: string({summary: 'the kernelspec; default: the one of that name, else that of the runtime', helpValue: 'NAME'})})}
  static override seeAlso = ['kernel list', 'kernel specs', 'kernel shutdown']
  static override summary = 'start a kernel'

  async run(): Promise<KernelView> {
    const {args, flags} = await this.parse(KernelStart)
    return this.withKernels(flags, async (kernels, {name}) => {
      const started = await kernels.start(args.name, flags.spec)
      this.log(`started ${started.name} (${started.spec}) on ${name}`)
      return started
    })
  }
}
