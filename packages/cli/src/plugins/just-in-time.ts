import type {Config} from '@oclif/core/config'
import {CgpuError, errors, ExitCode, warnEarly} from '@cgpu/plugin-sdk'
import type {Prepared} from '@cgpu/plugins/install'
import type {Pin} from '../shell/pinned.ts'
import {installerOf} from './installer.ts'

/** Whether it is the very plugin that this cgpu was released with. */
export const isAsPinned = ({checked: {version}, integrity, signature}: Prepared, pin: Pin): boolean =>
  version === pin.version && (pin.integrity === undefined ? signature === 'signed' : integrity === pin.integrity)

/**
 * Installs a plugin of cgpu's own, in the version that this cgpu was released with. Nobody is asked: who runs cgpu runs it. It is what was
 * pinned, by its checksum or by the registry's signature, or it is refused. False: another version is here by the user's wish, or could not
 * be replaced now.
 */
export async function installPinned(config: Config, pin: Pin, notice: (text: string) => void): Promise<boolean> {
  const {name, version, integrity, commands} = pin
  const installer = await installerOf(config, {}, warnEarly)
  const before = await installer.store.get(name)
  if (before && (before.source === 'link' || before.want !== before.version)) return false
  notice(`fetching ${name} ${version}, for cgpu ${commands[0] ?? ''} (once)`)
  try {
    await installer.prepared(`${name}@${version}`, async (prepared) => {
      if (!isAsPinned(prepared, pin)) {
        throw errors.data(`${name} ${version} is not what cgpu was released with: its ${integrity === undefined ? 'signature is missing' : 'checksum differs'}`, {
          code: 'PLUGIN_INTEGRITY', category: 'plugin', fix: 'check CGPU_NPM_REGISTRY, and tell whoever runs the registry',
        })
      }
      await installer.commit(prepared, 'trusted')
    })
    return true
  } catch (error) {
    // a registry that cannot be reached, or what is remembered of it, from before this version
    if (!(error instanceof CgpuError) || (error.category !== 'network' && error.exit !== ExitCode.notFound)) throw error
    if (!before) {
      throw errors.network(`cgpu ${commands[0] ?? ''} is a plugin of cgpu's own, and cannot be fetched: ${error.message}`, {
        code: 'PLUGIN_UNAVAILABLE', retryable: true, cause: error, fix: 'connect to the network and try again; where there is a registry of your own: CGPU_NPM_REGISTRY=URL', details: {plugin: name, version},
      })
    }
    warnEarly(`${name} stays ${before.version}, as ${version} cannot be fetched: ${error.message}`)
    return false
  }
}
