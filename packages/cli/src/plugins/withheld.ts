import {type CgpuEvent, type HookHost, sanitizeLine} from '@cgpu/plugin-sdk'

/** What only a trusted plugin may bring: functions that run in cgpu's own process. */
export const isRegistration = (event: string): boolean => event.endsWith(':register')

/** What to do where a plugin that is here might bring what is missing, and may not since it is untrusted. */
export function trustFirst(host: HookHost, event: CgpuEvent): string | undefined {
  const held = pluginsOf(host).filter(({pjson}) => withheldOf(pjson).includes(event)).map(({name}) => sanitizeLine(name, 100))
  return held.length === 0 ? undefined : `${held.join(', ')} may bring it, and ${held.length === 1 ? 'is' : 'are'} not trusted: read it, then cgpu plugins trust ${held[0]}`
}

interface Known {
  name: string
  pjson: object
}

/** cgpu's short way has no plugins, and says so by throwing. */
function pluginsOf({config}: HookHost): Known[] {
  try {
    return [...((config as {plugins?: ReadonlyMap<string, Known>}).plugins?.values() ?? [])] // oclif's config has them
  } catch {
    return []
  }
}

/** Of a plugin that stands in for an untrusted one: the registrations that it would have. */
function withheldOf(pjson: object): string[] {
  const {cgpu} = pjson as {cgpu?: {withheld?: unknown}} // ours, where it is there
  return Array.isArray(cgpu?.withheld) ? cgpu.withheld : []
}
