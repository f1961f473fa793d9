import {string as stringArg} from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../flags.ts'
import {ReplCommand, replFlags, type ReplResult} from '../repl-command.ts'

/** Talks to a kernel of a runtime, cell by cell. */
export default class Repl extends ReplCommand {
  static override args = {name: stringArg({description: 'name of the runtime, or a unique beginning of it'})}
  static override description = 'Works on the kernel that exec uses: its variables are there, and stay there when you leave. Tab completes, name? explains, Ctrl-R searches what was typed before, Ctrl-C interrupts the code that runs, Ctrl-D leaves. :help shows the rest.\n\nCode that comes by a pipe is run cell by cell; the first one that fails ends it, with its exit status.'
  static override examples = [
    {command: '<%= config.bin %> repl', description: 'talk to the default kernel'},
    {command: '<%= config.bin %> repl trainer --kernel lab', description: 'to the kernel lab of the runtime trainer'},
    {command: `echo "1 + 1" | <%= config.bin %> repl`, description: 'prints 2'},
  ]
  static override flags = {...runtimeFlag, ...replFlags, ...withEnv({kernel: string({summary: 'the kernel to use, by its name or that of its kernelspec', helpValue: 'NAME'})})}
  static override seeAlso = ['exec', 'kernel attach', 'kernel list']
  static override summary = 'talk to a kernel, line by line'

  async run(): Promise<ReplResult> {
    const {args, flags} = await this.parse(Repl)
    if (args.name !== undefined && flags.runtime !== undefined && args.name !== flags.runtime) {
      throw errors.usage(`the runtime is given twice: ${args.name} and ${flags.runtime}`, {code: 'USAGE', fix: 'give one of them'})
    }
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(args.name ?? flags.runtime)
    const kernel = flags.kernel ?? cgpu.settings.text('kernel')
    return this.converse({cgpu, record, flags, watch: false, target: async () => (kernel === undefined ? {} : {kernel})})
  }
}
