import type {RuntimeEndpoint} from '@cgpu/core/provider'
import type {ProxyToken} from './api/api.ts'
import type {Colab} from './context.ts'
import {proxyHeaders} from './probe.ts'
import type {KeptToken} from './state/tokens.ts'

/** after a failed refresh the old token is used for so long before another try */
const againMs = 30_000
const header = 'X-Colab-Runtime-Proxy-Token'

export interface Port {
  endpoint: string
  port: number
  /** asks Colab for another token; null: there is no such machine */
  fetch: () => Promise<ProxyToken | null>
}

/** How one port of a machine is reached: with its proxy token, replaced ahead of its end and when it is refused. */
export function endpointOf(colab: Colab, {endpoint, port, fetch}: Port, first: KeptToken): RuntimeEndpoint {
  let current = first
  let notBefore = -Infinity
  const renew = async (refused?: string): Promise<boolean> => {
    const next = await colab.tokens.renew(endpoint, port, fetch, refused)
    if (!next || next.token === refused) return false
    current = next
    return true
  }
  const {trace} = colab.context
  return {
    url: first.url,
    async headers() {
      if (colab.tokens.isDue(current) && colab.effects.uptime() >= notBefore) {
        await renew(colab.tokens.leftMs(current) > 0 ? undefined : current.token).catch((error: unknown) => {
          // the old one is good for a little longer
          if (colab.tokens.leftMs(current) <= 0) throw error
          notBefore = colab.effects.uptime() + againMs
          trace?.(`no new token for ${endpoint} yet: ${error instanceof Error ? error.message : String(error)}`)
        })
      }
      return proxyHeaders(current)
    },
    async reauthorize(refused) {
      const sent = refused[header] ?? refused[header.toLowerCase()]
      // another request has got one already
      if (sent !== undefined && sent !== current.token) return true
      return renew(current.token)
    },
    ...(trace ? {trace} : {}),
  }
}
