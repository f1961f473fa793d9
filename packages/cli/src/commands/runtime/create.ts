import {string} from '@oclif/core/flags'
import type {Runtime} from '@cgpu/core/runtime/record'
import {withEnv} from '@cgpu/plugin-sdk'
import {specFlags} from '../../flags.ts'
import {Progress} from '../../render/progress.ts'
import {describeRuntime} from '../../render/runtimes.ts'
import {runtimeWish} from '../../runtime-request.ts'
import {WorkCommand} from '../../work-command.ts'

/** Makes a runtime that stays until it is released. */
export default class RuntimeCreate extends WorkCommand<Runtime> {
  static override examples = [
    {command: '<%= config.bin %> runtime create', description: 'a runtime on this machine, with a made-up name'},
    {command: '<%= config.bin %> runtime create --name trainer', description: 'a runtime named trainer'},
  ]
  static override flags = {
    ...specFlags,
    ...withEnv({name: string({summary: 'what to call it; default: a made-up name', helpValue: 'NAME'})}),
  }
  static override summary = 'make a runtime'

  async run(): Promise<Runtime> {
    const {flags} = await this.parse(RuntimeCreate)
    const cgpu = await this.open(flags)
    const {provider, spec} = runtimeWish(cgpu)
    const progress = new Progress({quiet: this.quiet || this.jsonEnabled()})
    const abort = this.abortOnSignals()
    try {
      const runtime = await cgpu.runtimes.create(
        {provider, spec, ...(flags.name === undefined ? {} : {name: flags.name})},
        {signal: abort.signal, onProgress: (event) => progress.show(event)},
      )
      progress.done()
      this.log(describeRuntime(runtime))
      return runtime
    } finally {
      progress.done()
      abort.dispose()
    }
  }
}
