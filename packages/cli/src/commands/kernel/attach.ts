import {string} from '@oclif/core/args'
import {Kernels} from '@cgpu/core/kernels/kernels'
import {runtimeFlag} from '../../flags.ts'
import {ReplCommand, replFlags, type ReplResult} from '../../repl-command.ts'

/** Talks to a kernel that runs, and shows what it prints for others. */
export default class KernelAttach extends ReplCommand {
  static override args = {
    kernel: string({description: 'name of the kernel, its id, or a unique beginning; default: the one that exec uses', default: 'default'}),
  }
  static override description = 'A REPL on a kernel that runs already, a notebook\'s as well. What other clients run on it is shown from now on, each line marked with |. Ctrl-D leaves; the kernel goes on.'
  static override examples = [{command: '<%= config.bin %> kernel attach', description: 'look on at the kernel that exec uses, and join in'}]
  static override flags = {...runtimeFlag, ...replFlags}
  static override seeAlso = ['repl', 'kernel list']
  static override summary = 'talk to a kernel that runs, and see what others run on it'

  async run(): Promise<ReplResult> {
    const {args, flags} = await this.parse(KernelAttach)
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(flags.runtime)
    return this.converse({
      cgpu, record, flags, watch: true,
      target: async (session) => {
        const {id, name, spec, language} = await new Kernels(session).find(args.kernel)
        return {attach: {kernel: {id, name: spec, language}, key: name}}
      },
    })
  }
}
