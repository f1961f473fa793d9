import {string as stringArg} from '@oclif/core/args'
import type {Runtime} from '@cgpu/core/runtime/record'
import {WorkCommand} from '../../work-command.ts'

/** Gives a runtime another name. */
export default class RuntimeRename extends WorkCommand<Runtime> {
  static override args = {
    name: stringArg({description: 'name of the runtime, or a unique beginning of it', required: true}),
    to: stringArg({description: 'its new name', required: true}),
  }
  static override examples = [{command: '<%= config.bin %> runtime rename calm-otter trainer', description: 'calm-otter becomes trainer'}]
  static override summary = 'rename a runtime'

  async run(): Promise<Runtime> {
    const {args, flags} = await this.parse(RuntimeRename)
    const cgpu = await this.open(flags)
    const runtime = await cgpu.runtimes.rename(args.name, args.to)
    this.log(`renamed to ${runtime.name}`)
    return runtime
  }
}
