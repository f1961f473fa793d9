import type {Runtime} from '@cgpu/core/runtime/record'
import {string as stringArg} from '@oclif/core/args'
import {specFlags} from '../../flags.ts'
import {Progress} from '../../render/progress.ts'
import {describeRuntime} from '../../render/runtimes.ts'
import {makeOptionsOf, requestOf, runtimeWish} from '../../runtime-request.ts'
import {WorkCommand} from '../../work-command.ts'

/** Makes a runtime unless it is there already. */
export default class RuntimeEnsure extends WorkCommand<Runtime & {created: boolean}> {
  static override args = {name: stringArg({description: 'name of the runtime', required: true})}
  static override examples = [{command: '<%= config.bin %> runtime ensure trainer', description: 'have a runtime named trainer, now and on every later call'}]
  static override flags = {...specFlags}
  static override summary = 'make a runtime unless it exists'

  async run(): Promise<Runtime & {created: boolean}> {
    const {args, flags} = await this.parse(RuntimeEnsure)
    const cgpu = await this.open(flags)
    const wish = runtimeWish(cgpu)
    const progress = new Progress({quiet: this.quiet || this.jsonEnabled()})
    const abort = this.abortOnSignals()
    try {
      const {runtime, created} = await cgpu.runtimes.ensure(
        {...requestOf(wish), name: args.name},
        {...makeOptionsOf(wish), signal: abort.signal, onProgress: (event) => progress.show(event)},
      )
      progress.done()
      this.log(describeRuntime(runtime))
      return {...runtime, created}
    } finally {
      progress.done()
      abort.dispose()
    }
  }
}
