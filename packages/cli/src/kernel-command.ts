import {string} from '@oclif/core/args'
import {Kernels} from '@cgpu/core/kernels/kernels'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {WorkCommand} from './work-command.ts'

/** The kernel that is meant. */
export const kernelArg = string({description: 'name of the kernel, its id, or a unique beginning; default: the one that exec uses', default: 'default'})

/** The base of commands that work on the kernels of one runtime. */
export abstract class KernelCommand<T = unknown> extends WorkCommand<T> {
  /** Its session is closed when the work is over. */
  protected async withKernels<R>(flags: {runtime?: string | undefined}, work: (kernels: Kernels, runtime: RuntimeRecord) => Promise<R>): Promise<R> {
    const cgpu = await this.open(flags)
    const runtime = await cgpu.runtimes.select(flags.runtime)
    const abort = this.abortOnSignals()
    const session = await cgpu.connect(runtime, {signal: abort.signal})
    try {
      return await work(new Kernels(session), runtime)
    } finally {
      abort.dispose()
      await session.close()
    }
  }
}
