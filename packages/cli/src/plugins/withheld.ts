import {type CgpuEvent, type HookHost, sanitizeLine} from '@cgpu/plugin-sdk'

/** What only a trusted plugin may bring: functions that run in cgpu's own process. */
export const isRegistration = (event: string): boolean => event.endsWith(':register')

/** What to do where a plugin that is here might bring what is missing, and may not since it is untrusted. */
export function trustFirst(host: HookHost, event: CgpuEvent): string | undefined {
  const held = [...withheldBy(host)].filter(([, events]) => events.includes(event)).map(([name]) => sanitizeLine(name, 100))
  return held.length === 0 ? undefined : `${held.join(', ')} may bring it, and ${held.length === 1 ? 'is' : 'are'} not trusted: read it, then cgpu plugins trust ${held[0]}`
}

interface Known {
  name: string
  pjson: object
}

/** By plugin. cgpu's short way has loaded none, and tells them by `withheld`. */
function withheldBy({config}: HookHost): ReadonlyMap<string, readonly string[]> {
  const {withheld} = config as {withheld?: ReadonlyMap<string, readonly string[]>}
  if (withheld) return withheld
  const {plugins} = config as {plugins?: ReadonlyMap<string, Known>} // oclif's config has them
  return new Map([...(plugins?.values() ?? [])].map(({name, pjson}) => [name, withheldOf(pjson)]))
}

/** Of a plugin that stands in for an untrusted one: the registrations that it would have. */
function withheldOf(pjson: object): string[] {
  const {cgpu} = pjson as {cgpu?: {withheld?: unknown}} // ours, where it is there
  return Array.isArray(cgpu?.withheld) ? cgpu.withheld : []
}
