import type {IncomingMessage, Server, ServerResponse} from 'node:http'
import type {Socket} from 'node:net'
import type {Duplex} from 'node:stream'
import type {ServerOptions} from '@cgpu/jupyter'
import {isLoopback} from '../loopback.ts'
import {type AnswerHead, type ForwardOptions, forwardRequest, forwardUpgrade} from '../reverse-proxy/forward.ts'
import {type HeaderMap, single, withHeaders} from '../reverse-proxy/headers.ts'
import {foreignRequest, loopbackServer} from '../reverse-proxy/loopback.ts'
import {type Refusal, refuse, refuseUpgrade} from '../reverse-proxy/refuse.ts'
import {Upstream} from '../reverse-proxy/upstream.ts'

/**
 * HTTP and WebSockets of one port of a machine by the provider's port proxy. The server there sees the proxy's address as Host, and
 * its own as Origin: so pages of other sites are refused here.
 */
export class HttpForward {
  readonly #upstream: Upstream
  readonly #server: Server
  readonly #address: string

  constructor(endpoint: ServerOptions, address: string) {
    this.#upstream = new Upstream(endpoint)
    this.#address = address
    this.#server = loopbackServer()
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const refused = this.#refusal(request)
      if (refused) refuse(response, refused)
      else void forwardRequest(this.#upstream, request, response, this.#options(request))
    })
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const refused = this.#refusal(request)
      if (refused) refuseUpgrade(socket, refused)
      else void forwardUpgrade(this.#upstream, request, socket, head, this.#options(request))
    })
  }

  /** A connection that somebody accepted. */
  take(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  close(): void {
    this.#upstream.close()
    this.#server.closeAllConnections()
  }

  #refusal(request: IncomingMessage): Refusal | undefined {
    if (!request.url?.startsWith('/')) return {status: 400, message: 'give a path'}
    if (isLoopback(this.#address)) return foreignRequest(request, request.socket.localPort ?? 0)
    const {origin, host} = request.headers
    return origin === undefined || origin === `http://${host ?? ''}` ? undefined : {status: 403, message: 'requests of other sites are refused'}
  }

  #options(request: IncomingMessage): ForwardOptions {
    const here = `http://${request.headers.host ?? ''}`
    const there = this.#upstream.url.origin
    return {
      path: request.url ?? '/',
      // its front refuses a foreign Origin and Referer
      outgoing: (headers) => renamed(headers, here, there, ['origin', 'referer']),
      incoming: ({status, headers}): AnswerHead => ({
        status,
        headers: withHeaders(renamed(headers, there, here, ['location', 'access-control-allow-origin']), 'set-cookie' in headers ? {'set-cookie': [headers['set-cookie'] ?? []].flat().map(withoutDomain)} : {}),
      }),
    }
  }
}

/** Headers that begin with one origin begin with the other. */
function renamed(headers: HeaderMap, from: string, to: string, names: readonly string[]): HeaderMap {
  const changed: Record<string, string> = {}
  for (const name of names) {
    const value = single(headers, name)
    if (value === from || value?.startsWith(`${from}/`)) changed[name] = to + value.slice(from.length)
  }
  return withHeaders(headers, changed)
}

/** A cookie of the proxy's domain would be refused here. */
function withoutDomain(cookie: string): string {
  return cookie.replace(/;\s*domain=[^;]*/i, '')
}
