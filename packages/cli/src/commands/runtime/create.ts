import {string} from '@oclif/core/flags'
import type {Runtime} from '@cgpu/core/runtime/record'
import {withEnv} from '@cgpu/plugin-sdk'
import {specFlags} from '../../flags.ts'
import {Progress} from '../../render/progress.ts'
import {describeRuntime} from '../../render/runtimes.ts'
import {makeOptionsOf, requestOf, runtimeWish} from '../../runtime-request.ts'
import {WorkCommand} from '../../work-command.ts'

/** Makes a runtime that stays until it is released. */
export default class RuntimeCreate extends WorkCommand<Runtime> {
  static override examples = [
    {command: '<%= config.bin %> runtime create', description: 'a runtime on this machine, with a made-up name'},
    {command: '<%= config.bin %> runtime create --name trainer', description: 'a runtime named trainer'},
    {command: '<%= config.bin %> runtime create --provider colab --gpu a100,l4,t4 --wait 30m', description: 'the first of these GPUs that is free, within half an hour'},
  ]
  static override flags = {
    ...specFlags,
    ...withEnv({name: string({summary: 'what to call it; default: a made-up name', helpValue: 'NAME'})}),
  }
  static override summary = 'make a runtime'

  async run(): Promise<Runtime> {
    const {flags} = await this.parse(RuntimeCreate)
    const cgpu = await this.open(flags)
    const wish = runtimeWish(cgpu)
    const progress = new Progress({quiet: this.quiet || this.jsonEnabled()})
    const abort = this.abortOnSignals()
    try {
      const runtime = await cgpu.runtimes.create(
        {...requestOf(wish), ...(flags.name === undefined ? {} : {name: flags.name})},
        {...makeOptionsOf(wish), signal: abort.signal, onProgress: (event) => progress.show(event)},
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
