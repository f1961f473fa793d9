import {string as stringArg} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import type {KernelHost} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import {withEnv} from '@cgpu/plugin-sdk'
import {DriveCommand} from '../../drive-command.ts'
import {runtimeFlag} from '../../flags.ts'
import {terminalConsent} from '../../run/consent.ts'

export interface DriveMounted {
  runtime: string
  path: string
  /** it was mounted before */
  already: boolean
}

/** Mounts the account's Drive on a runtime. */
export default class DriveMount extends DriveCommand<DriveMounted> {
  static override args = {path: stringArg({description: 'where on the runtime; My Drive is the folder MyDrive in it', default: '/content/drive'})}
  static override description = 'The account that the runtime belongs to must agree once, on a page in a browser. Programs of cgpu run see the folder too.'
  static override examples = [
    {command: '<%= config.bin %> drive mount', description: 'below /content/drive'},
    {command: '<%= config.bin %> drive mount /content/gdrive -r trainer --open', description: 'elsewhere; opens the page to agree on'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...withEnv({open: boolean({summary: 'open the page to agree on in the browser'})}),
  }
  static override seeAlso = ['drive unmount', 'cp']
  static override summary = 'mount Google Drive on a runtime'

  async run(): Promise<DriveMounted> {
    const {args, flags} = await this.parse(DriveMount)
    const path = checkMountPoint(args.path)
    const runtime = await this.driveRuntime(flags)
    const consent = this.jsonEnabled() ? undefined : terminalConsent({open: flags.open, onWarning: (message) => void this.warn(message)})
    const abort = this.abortOnSignals()
    try {
      const asked = consent && (({signal = abort.signal, ...request}: Parameters<typeof consent>[0]) => consent({...request, signal}))
      // before the code asks for it: what is missing is then told here, not in the code's exception
      await runtime.authorize(runtime.record.providerId, 'drive', {...(asked ? {consent: asked} : {}), signal: abort.signal})
      const host: KernelHost = {secret: async () => ({exists: false, access: false}), ...(asked ? {consent: asked} : {})}
      const printed = await this.onKernel(runtime, `__import__('google.colab.drive', fromlist=['drive']).mount(${JSON.stringify(path)})`, host, abort.signal)
      const already = /already mounted/i.test(printed)
      this.notice(`Drive is ${already ? 'mounted already' : 'mounted'} on ${runtime.record.name} at ${sanitizeLine(path)}`)
      return {runtime: runtime.record.name, path, already}
    } finally {
      abort.dispose()
    }
  }
}

/** Colab's library takes no spaces. Throws INVALID_PATH (64). */
function checkMountPoint(path: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/^\/[^\s\u0000-\u001f\u007f]+$/.test(path) && path.length <= 1000) return path
  throw errors.usage(`Drive cannot be mounted at "${sanitizeLine(path, 80)}"`, {
    code: 'INVALID_PATH', category: 'file', fix: 'give an absolute path on the runtime, without spaces, such as /content/drive',
  })
}
