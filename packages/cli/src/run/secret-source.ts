import {CgpuError, errors} from '@cgpu/core/errors'
import {type ReferredSecret, unknownSource} from '@cgpu/core/secrets/sources'
import {sanitizeLine} from '@cgpu/core/text/line'
import {callRegistered, type HookHost, registeredSecretSources} from '@cgpu/plugin-sdk'
import {trustFirst} from '../plugins/withheld.ts'

/** A vault may be far away, or ask for a finger on a key. */
const patienceMs = 60_000

/**
 * What a plugin's source has for a reference. Throws SECRET_SOURCE_UNKNOWN (64), SECRET_NOT_FOUND (66), SECRET_SOURCE_FAILED (69),
 * SECRET_SOURCE_CLASH (72), or what the source throws as an error of cgpu's own.
 */
export async function readFromSource(host: HookHost, request: ReferredSecret): Promise<string> {
  const {name, source, reference} = request
  const sources = await registeredSecretSources(host)
  const found = sources.find(({entry}) => entry.source === source)
  if (!found) throw unknownSource(request, sources.map(({entry}) => entry.source), trustFirst(host, 'secret-source:register'))
  const shown = `the secret source "${source}" of plugin ${sanitizeLine(found.plugin, 100)}`
  const details = {name, source, plugin: found.plugin}
  let value: unknown
  try {
    value = await callRegistered(host, 'secret-source:register', (signal) => found.entry.read(reference, {name, signal}), patienceMs)
  } catch (error) {
    if (error instanceof CgpuError) throw error
    const why = sanitizeLine(error instanceof Error ? error.message : String(error), 300)
    throw errors.network(`${shown} cannot give ${name}: ${why}`, {code: 'SECRET_SOURCE_FAILED', category: 'plugin', fix: 'see to what it says, or keep the value here: cgpu secret set', details, cause: error})
  }
  if (value === undefined || value === '') throw errors.notFound(`${shown} has no value for ${name}`, {code: 'SECRET_NOT_FOUND', category: 'usage', fix: `check what stands behind "${name}=${source}:"`, details})
  // a variable cannot hold it, and what it is instead is not shown
  if (typeof value !== 'string' || value.includes('\0')) throw errors.network(`${shown} gave something for ${name} that is no text`, {code: 'SECRET_SOURCE_FAILED', category: 'plugin', fix: 'check the reference, or tell the plugin\'s author', details})
  return value
}
