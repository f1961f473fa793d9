import type {Cgpu} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import {Execution} from '@cgpu/core/execution/exec'
import type {KernelHost, RuntimeProvider} from '@cgpu/core/provider'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {sanitizeLine} from '@cgpu/core/text/line'
import {WorkCommand} from './work-command.ts'

/** A runtime whose provider can give it Drive. */
export interface DriveRuntime {
  cgpu: Cgpu
  record: RuntimeRecord
  authorize: NonNullable<RuntimeProvider['authorizeMachine']>
}

/** The base of `cgpu drive …`: Colab's own library does the work, on the kernel that `exec` uses. */
export abstract class DriveCommand<T = unknown> extends WorkCommand<T> {
  /** Throws CAPABILITY_MISSING (64) where machines cannot be given Drive. */
  protected async driveRuntime(flags: {runtime?: string | undefined}): Promise<DriveRuntime> {
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(flags.runtime)
    const provider = await cgpu.runtimes.provider(record.provider)
    if (provider.capabilities.drive && provider.authorizeMachine) return {cgpu, record, authorize: provider.authorizeMachine.bind(provider)}
    throw errors.usage(`runtimes of ${provider.id} have no Drive`, {
      code: 'CAPABILITY_MISSING', fix: 'copy files with: cgpu cp', details: {provider: provider.id, capability: 'drive'},
    })
  }

  /** Runs code on the runtime's kernel; what it printed. Throws DRIVE_FAILED (69) with the exception that ended it. */
  protected async onKernel({cgpu, record}: DriveRuntime, code: string, host: KernelHost, signal: AbortSignal): Promise<string> {
    const session = await cgpu.connect(record)
    const printed: Uint8Array[] = []
    try {
      const execution = new Execution(session, {
        code,
        host,
        onEvent: (event) => {
          // the data is a view of a received frame
          if (event.type === 'stdout' || event.type === 'stderr') printed.push(Uint8Array.from(event.data))
          if (event.type === 'notice') this.warn(event.message)
        },
      })
      const stop = (): void => void execution.interrupt().catch(() => undefined)
      signal.addEventListener('abort', stop, {once: true})
      const {status, error} = await execution.result.finally(() => signal.removeEventListener('abort', stop))
      signal.throwIfAborted()
      const text = Buffer.concat(printed).toString('utf8')
      if (status === 'ok') return text
      throw errors.network(`Drive on ${record.name}: ${sanitizeLine(error?.value || error?.name || 'the mount was interrupted', 500)}`, {
        code: 'DRIVE_FAILED', category: 'runtime', fix: 'try again; cgpu exec "…" -r NAME shows the whole error', details: {printed: text.slice(0, 2000)},
      })
    } finally {
      await session.close()
    }
  }
}
