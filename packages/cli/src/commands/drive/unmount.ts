import {DriveCommand} from '../../drive-command.ts'
import {runtimeFlag} from '../../flags.ts'

export interface DriveUnmounted {
  runtime: string
  /** false: nothing was mounted */
  unmounted: boolean
}

/** Writes back what is pending, and unmounts Drive. */
export default class DriveUnmount extends DriveCommand<DriveUnmounted> {
  static override description = 'What was written to Drive is sent there first, which may take a while.'
  static override examples = [
    {command: '<%= config.bin %> drive unmount -r trainer', description: 'before the runtime is released'},
    {command: '<%= config.bin %> drive unmount', description: 'of the only runtime'},
  ]
  static override flags = runtimeFlag
  static override seeAlso = ['drive mount']
  static override summary = 'unmount Google Drive from a runtime'

  async run(): Promise<DriveUnmounted> {
    const {flags} = await this.parse(DriveUnmount)
    const runtime = await this.driveRuntime(flags)
    const abort = this.abortOnSignals()
    try {
      const host = {secret: async () => ({exists: false, access: false})}
      const printed = await this.onKernel(runtime, `__import__('google.colab.drive', fromlist=['drive']).flush_and_unmount()`, host, abort.signal)
      const unmounted = !/not mounted/i.test(printed)
      this.notice(unmounted ? `Drive is unmounted from ${runtime.record.name}` : `Drive is not mounted on ${runtime.record.name}`)
      return {runtime: runtime.record.name, unmounted}
    } finally {
      abort.dispose()
    }
  }
}
