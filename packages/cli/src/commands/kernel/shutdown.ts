import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import type {KernelView} from '@cgpu/core/kernels/view'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag, yesFlag} from '../../flags.ts'
import {confirm} from '../../input.ts'
import {KernelCommand} from '../../kernel-command.ts'

/** Ends kernels. */
export default class KernelShutdown extends KernelCommand<KernelView[]> {
  static override description = 'Their variables, and the memory that they take on the GPU, are gone. Asks first for kernels that are not cgpu\'s, or busy.'
  static override examples = [
    {command: '<%= config.bin %> kernel shutdown default', description: 'end the kernel that exec uses; the next exec starts another'},
    {command: '<%= config.bin %> kernel shutdown --all --yes', description: 'end all of them, those of notebooks too'},
  ]
  static override flags = {...runtimeFlag, ...withEnv({all: boolean({summary: 'all kernels of the runtime, those of notebooks too'})}), ...yesFlag}
  static override seeAlso = ['kernel list', 'kernel restart']
  static override strict = false
  static override summary = 'end kernels'
  static override usage = ['kernel shutdown KERNEL…', 'kernel shutdown --all']

  async run(): Promise<KernelView[]> {
    const {argv, flags} = await this.parse(KernelShutdown)
    if (argv.length === 0 && !flags.all) throw errors.usage('end which kernel?', {code: 'KERNEL_REQUIRED', fix: 'cgpu kernel shutdown NAME; see the names: cgpu kernel list'})
    return this.withKernels(flags, async (kernels, {name}) => {
      const found = flags.all ? await kernels.list() : await Promise.all(argv.map((query) => kernels.find(String(query))))
      const meant = [...new Map(found.map((kernel) => [kernel.id, kernel])).values()]
      const touchy = meant.filter((kernel) => kernel.name === null || kernel.state === 'busy')
      if (touchy.length > 0) await confirm(`end ${meant.length} kernels, ${touchy.length} of which ${touchy.length === 1 ? 'is' : 'are'} busy or not cgpu's?`, flags.yes)
      for (const kernel of meant) {
        await kernels.shutdown(kernel)
        this.log(`ended ${kernel.name ?? kernel.id} on ${name}`)
      }
      if (meant.length === 0) this.notice(`no kernel runs on ${name}`)
      return meant
    })
  }
}
