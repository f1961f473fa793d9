import type {Runtime} from '@cgpu/core/runtime/record'
import {string as stringArg} from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {leaseFlag} from '../../flags.ts'
import {describeRuntime} from '../../render/runtimes.ts'
import {leaseWish} from '../../runtime-request.ts'
import {WorkCommand} from '../../work-command.ts'

/** Makes a runtime that was opened in a browser one of cgpu's own. */
export default class RuntimeAdopt extends WorkCommand<Runtime> {
  static override args = {runtime: stringArg({description: 'its name in cgpu runtime list, or its endpoint', required: true})}
  static override description = 'Its kernels, files and variables stay as they are. From then on it is picked as any other runtime is, and released by release --all. It does not release itself when nobody uses it, unless --lease says so.'
  static override examples = [
    {command: '<%= config.bin %> runtime adopt calm-otter', description: 'take over what was opened in a browser'},
    {command: '<%= config.bin %> runtime adopt gpu-t4-s-1a2b3c --name trainer', description: 'by its endpoint, with a name'},
    {command: '<%= config.bin %> runtime adopt calm-otter --lease 2h', description: 'and let it release itself when unused for so long'},
  ]
  static override flags = {...withEnv({name: string({summary: 'what to call it', helpValue: 'NAME'})}), ...leaseFlag}
  static override summary = 'take over a runtime that was opened in a browser'

  async run(): Promise<Runtime> {
    const {args, flags} = await this.parse(RuntimeAdopt)
    const cgpu = await this.open(flags)
    const {leaseSeconds, needsLease} = leaseWish(cgpu)
    const abort = this.abortOnSignals()
    try {
      const lease = needsLease && typeof leaseSeconds === 'number' ? {leaseSeconds} : {}
      const runtime = await cgpu.runtimes.adopt(args.runtime, {name: flags.name, ...lease, signal: abort.signal})
      this.log(describeRuntime(runtime))
      return runtime
    } finally {
      abort.dispose()
    }
  }
}
