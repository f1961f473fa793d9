import {errors} from '../errors.ts'
import {checkSecretName} from './name.ts'

/** What `--secret` asks for: a secret by its name, or what a plugin's source has for a reference. */
export interface SecretRequest {
  name: string
  from?: {source: string; reference: string}
}

/** Reads `NAME` or `NAME=SOURCE:REFERENCE`. Throws INVALID_SECRET_NAME, INVALID_SECRET_REFERENCE (64): neither shows what follows `=`, which may be a value by mistake. */
export function parseSecretRequest(text: string): SecretRequest {
  const at = text.indexOf('=')
  if (at < 0) return {name: checkSecretName(text)}
  const name = checkSecretName(text.slice(0, at))
  const [, source, reference] = /^([a-z][a-z0-9+.-]{1,30}):(.+)$/s.exec(text.slice(at + 1)) ?? []
  if (source !== undefined && reference !== undefined && !reference.includes('\0')) return {name, from: {source, reference}}
  throw errors.usage(`what follows "${name}=" names no source of secrets`, {
    code: 'INVALID_SECRET_REFERENCE', fix: `give ${name}=SOURCE:REFERENCE with the source of a plugin; a value never stands on the command line: cgpu secret set ${name}`, details: {name},
  })
}
