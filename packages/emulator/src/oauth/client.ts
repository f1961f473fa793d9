import {isLoopback} from '@cgpu/core/loopback'
import type {ClientConfig, WorldConfig} from '../world/config.ts'

/** How a client id may be used; undefined: it is not known. */
export function clientOf(config: WorldConfig, id: string): ClientConfig | undefined {
  if (config.clients === 'any') return id === '' ? undefined : {id, type: 'native', redirectUris: [], pkce: 'required'}
  return config.clients.find((one) => one.id === id)
}

/** How a code reaches the client: sent to an address, or shown to the person to copy. Undefined: not this client's. */
export function redirectKind(config: WorldConfig, client: ClientConfig, uri: string, origin: string): 'send' | 'show' | undefined {
  if (!URL.canParse(uri)) return undefined
  const url = new URL(uri)
  if (url.hash !== '') return undefined
  if (client.redirectUris.includes(uri)) return 'send'
  if (url.origin === origin && url.pathname === '/vscode/redirect') return 'send'
  if (config.landingPages.includes(uri)) return 'show'
  return client.type === 'native' && url.protocol === 'http:' && isLoopback(url.hostname) ? 'send' : undefined
}
