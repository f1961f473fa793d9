import type {Runtime} from '@cgpu/core/runtime/record'
import {runtimeArg} from '../../flags.ts'
import {runtimeDetails} from '../../render/runtimes.ts'
import {WorkCommand} from '../../work-command.ts'

/** Shows one runtime, as its provider sees it now. */
export default class RuntimeShow extends WorkCommand<Runtime> {
  static override args = {name: runtimeArg}
  static override examples = [{command: '<%= config.bin %> runtime show trainer', description: 'everything about trainer'}]
  static override summary = 'show a runtime'

  async run(): Promise<Runtime> {
    const {args, flags} = await this.parse(RuntimeShow)
    const cgpu = await this.open(flags)
    const runtime = await cgpu.runtimes.show(args.name)
    this.log(runtimeDetails(runtime, Date.now()))
    return runtime
  }
}
