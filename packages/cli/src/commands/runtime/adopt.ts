import type {Runtime} from '@cgpu/core/runtime/record'
import {string as stringArg} from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {describeRuntime} from '../../render/runtimes.ts'
import {WorkCommand} from '../../work-command.ts'

/** Makes a runtime that was opened in a browser one of cgpu's own. */
export default class RuntimeAdopt extends WorkCommand<Runtime> {
  static override args = {runtime: stringArg({description: 'its name in cgpu runtime list, or its endpoint', required: true})}
  static override description = 'Its kernels, files and variables stay as they are. From then on it is picked as any other runtime is, and released by release --all.'
  static override examples = [
    {command: '<%= config.bin %> runtime adopt calm-otter', description: 'take over what was opened in a browser'},
    {command: '<%= config.bin %> runtime adopt gpu-t4-s-1a2b3c --name trainer', description: 'by its endpoint, with a name'},
  ]
  static override flags = withEnv({name: string({summary: 'what to call it', helpValue: 'NAME'})})
  static override summary = 'take over a runtime that was opened in a browser'

  async run(): Promise<Runtime> {
    const {args, flags} = await this.parse(RuntimeAdopt)
    const cgpu = await this.open(flags)
    const runtime = await cgpu.runtimes.adopt(args.runtime, flags.name)
    this.log(describeRuntime(runtime))
    return runtime
  }
}
