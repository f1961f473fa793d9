import {createServer, type IncomingMessage, type Server} from 'node:http'
import {errors} from '../errors.ts'
import type {Refusal} from './refuse.ts'

const names = ['127.0.0.1', 'localhost', '[::1]']

/** A server for programs of this machine: as patient as what stands behind it, and with room for the cookies of every local port. */
export function loopbackServer(): Server {
  return createServer({requestTimeout: 0, keepAliveTimeout: 65_000, maxHeaderSize: 65_536})
}

/** Listens on 127.0.0.1; 0 takes any free port. Returns the port. Throws PORT_IN_USE (72), PORT_REFUSED (73). */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  const {promise, resolve, reject} = Promise.withResolvers<void>()
  server.once('error', reject).listen(port, '127.0.0.1', resolve)
  try {
    await promise
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'EADDRINUSE') {
      throw errors.conflict(`port ${port} is in use on this machine`, {code: 'PORT_IN_USE', category: 'network', fix: 'choose another: --port PORT, or leave it out to take a free one', details: {port}, cause: error})
    }
    throw errors.cannotWrite(`cannot listen on port ${port} (${code})`, {code: 'PORT_REFUSED', category: 'network', fix: 'choose another above 1023: --port PORT', details: {port}, cause: error})
  } finally {
    server.off('error', reject)
  }
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

/**
 * Why a request is not one of this machine's own programs or pages, or undefined. A page of another site that has its name
 * resolve to 127.0.0.1 sends its own Host; one that posts a form or opens a WebSocket sends its Origin. `port` is ours.
 */
export function foreignRequest({rawHeaders}: Pick<IncomingMessage, 'rawHeaders'>, port: number): Refusal | undefined {
  const hosts = valuesOf(rawHeaders, 'host')
  const [host = ''] = hosts
  if (hosts.length !== 1 || !isOurs(host.toLowerCase(), port)) return {status: 403, message: 'this address is served under 127.0.0.1 and localhost only'}
  const foreign = valuesOf(rawHeaders, 'origin').some((origin) => !origin.toLowerCase().startsWith('http://') || !isOurs(origin.slice('http://'.length).toLowerCase(), port))
  if (foreign) return {status: 403, message: 'requests of other sites are refused'}
  return undefined
}

function isOurs(authority: string, port: number): boolean {
  return names.some((name) => authority === `${name}:${port}` || (port === 80 && authority === name))
}

function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name)
}
