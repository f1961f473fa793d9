import type {Settings} from '@cgpu/core/config/resolve'
import {SecretSources} from '@cgpu/core/secrets/sources'
import {SecretVault} from '@cgpu/core/secrets/vault'
import type {HookHost} from '@cgpu/plugin-sdk'
import {keepOutOfDebugLog} from '@cgpu/plugin-sdk/lean'

export interface SecretPlaces {
  configDir: string
  settings: Pick<Settings, 'text'>
  onWarning: (message: string) => void
  /** whose plugins are asked for what `NAME=SOURCE:REFERENCE` names; absent: none */
  host?: HookHost
}

/** cgpu's own store, in the system's keyring unless the setting `keyring` is off. */
export function openVault({configDir, settings, onWarning}: SecretPlaces): SecretVault {
  const keyring = settings.text('keyring') === 'off' ? undefined : async () => (await import('@cgpu/accounts/keyring')).openKeyring()
  return new SecretVault({configDir, keyring, onWarning})
}

/** Every place that a secret of this command may come from; `.env` is looked for from `cwd` on. */
export function openSecrets(places: SecretPlaces, cwd = process.cwd()): SecretSources {
  const {host} = places
  return new SecretSources({
    env: process.env, cwd, vault: openVault(places), onFound: keepOutOfDebugLog,
    ...(host ? {fromPlugin: async (request) => (await import('./secret-source.ts')).readFromSource(host, request)} : {}),
  })
}
