import type {ClientRequestArgs} from 'node:http'
import type {Socket} from 'node:net'
import type {Duplex} from 'node:stream'
import {portOf, proxyFor} from './route.ts'
import {openTunnel} from './tunnel.ts'

export type ConnectOptions = ClientRequestArgs & {socket?: Socket; tunnelSignal?: AbortSignal}

/** A connection for `url`: by `direct`, or through the environment's proxy, with `direct`'s TLS inside of the tunnel. */
export async function connectTo(url: URL, options: ConnectOptions, direct: (options: ConnectOptions) => Duplex): Promise<Duplex> {
  const proxy = proxyFor(url, process.env)
  if (proxy === undefined) return direct(options)
  const socket = await openTunnel(proxy, `${url.hostname}:${portOf(url)}`, options.tunnelSignal)
  return /^(https|wss):$/.test(url.protocol) ? direct({...options, socket}) : socket
}
