import type {ProxyToken} from './api/api.ts'
import type {Transport} from './http/transport.ts'

const maxBytes = 64 * 1024

/** What a machine is told of who asks; the account's token is never among it. */
export function proxyHeaders({token}: Pick<ProxyToken, 'token'>): Record<string, string> {
  return {'X-Colab-Runtime-Proxy-Token': token, 'X-Colab-Client-Agent': 'cgpu'}
}

/** `ready`: its Jupyter server answers. `refused`: the proxy in front of it answers, and wants another token. */
export type Probed = 'ready' | 'refused' | 'unreachable'

/** Asks the machine itself. Throws only the signal's reason. */
export async function probe(transport: Transport, proxy: ProxyToken, timeoutMs: number, signal?: AbortSignal): Promise<Probed> {
  try {
    const {status} = await transport.send({
      method: 'GET', url: new URL(`${proxy.url}/api`), headers: {accept: 'application/json', ...proxyHeaders(proxy)}, timeoutMs, maxBytes, signal,
    })
    if (status === 401 || status === 403) return 'refused'
    return status >= 200 && status < 300 ? 'ready' : 'unreachable'
  } catch {
    signal?.throwIfAborted()
    return 'unreachable'
  }
}
