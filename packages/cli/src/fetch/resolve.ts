import {errors} from '@cgpu/core/errors'
import {builtInSchemes, type FetchPlan, schemeOf, shownAddress} from '@cgpu/core/fetch/plan'
import {isObject} from '@cgpu/core/state/json'
import {type HookHost, registeredSchemes} from '@cgpu/plugin-sdk'
import {trustFirst} from '../plugins/withheld.ts'

/** How a file is fetched: by cgpu's own handler of the scheme, else by a plugin's. Throws UNKNOWN_SCHEME (64). */
export async function resolveAddress(host: HookHost, address: string, headers: Record<string, string>): Promise<FetchPlan> {
  const scheme = schemeOf(address)
  const own = Object.hasOwn(builtInSchemes, scheme) ? builtInSchemes[scheme] : undefined
  const plan = await (own ? own(address) : byPlugin(host, scheme, address))
  if (Object.keys(headers).length === 0) return plan
  return {...plan, ways: plan.ways.map((way) => ('url' in way ? {...way, headers: {...way.headers, ...headers}} : way))}
}

async function byPlugin(host: HookHost, scheme: string, address: string): Promise<FetchPlan> {
  const own = Object.keys(builtInSchemes)
  const registered = await registeredSchemes(host, own)
  const found = registered.find((one) => one.scheme === scheme)
  if (!found) {
    const known = [...own, ...registered.map((one) => one.scheme)].join(', ')
    throw errors.usage(`no way is known to fetch ${shownAddress(address)}`, {code: 'UNKNOWN_SCHEME', fix: trustFirst(host, 'scheme:register') ?? `cgpu and its plugins know ${known}`})
  }
  const plan: unknown = await found.resolve(address)
  if (!isPlan(plan)) throw errors.usage(`a plugin does not say how ${scheme} is fetched`, {code: 'INVALID_PLAN', category: 'plugin', fix: 'update the plugin, or give an https address'})
  return plan
}

/** What a plugin returns is not trusted to be what its types say. */
function isPlan(value: unknown): value is FetchPlan {
  if (!isObject(value) || !Array.isArray(value['ways']) || value['ways'].length === 0) return false
  const isText = (one: unknown): one is string => typeof one === 'string' && !one.includes('\0')
  return value['ways'].every((way: unknown) => {
    if (!isObject(way)) return false
    const headers = way['headers']
    if ('url' in way) return isText(way['url']) && (headers === undefined || (isObject(headers) && Object.values(headers).every(isText)))
    return Array.isArray(way['argv']) && way['argv'].length > 0 && way['argv'].every(isText) && isText(way['fix'])
  })
}
