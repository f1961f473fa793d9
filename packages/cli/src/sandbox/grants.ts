import type {Capability} from '@cgpu/plugins'
import {sanitizeLine, warnEarly} from '@cgpu/plugin-sdk'
import type {Held} from './stand-in.ts'

/** What a person agreed to. An update that came another way than by `cgpu plugins` was not agreed to. */
export async function grantsOf({name, version}: Pick<Held, 'name' | 'version'>, dataDir: string): Promise<Capability[]> {
  const {TrustStore} = await import('@cgpu/plugins')
  const trust = await new TrustStore(dataDir, warnEarly).get(name)
  if (!trust) return []
  if (trust.version === version) return trust.granted
  warnEarly(`${sanitizeLine(name, 100)} is ${sanitizeLine(version, 60)}, and ${sanitizeLine(trust.version, 60)} was agreed to: nothing is granted. run: cgpu plugins trust ${sanitizeLine(name, 100)}`)
  return []
}
