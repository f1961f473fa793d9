import {createServer, type Server, type Socket} from 'node:net'
import {errors} from '../errors.ts'
import type {Address} from './spec.ts'

/** Listens for TCP; resolves to where. Throws PORT_IN_USE (72), PORT_REFUSED (73), ADDRESS_UNKNOWN (64). */
export async function listen({address, port}: Address, onSocket: (socket: Socket) => void): Promise<{server: Server; at: Address}> {
  const server = createServer({allowHalfOpen: true, noDelay: true}, onSocket)
  const {promise, resolve, reject} = Promise.withResolvers<void>()
  server.once('error', reject).listen({host: address, port}, resolve)
  try {
    await promise
  } catch (error) {
    throw explained(error, {address, port})
  }
  server.off('error', reject)
  server.on('error', () => undefined) // too many files: it goes on when there are fewer
  const bound = server.address()
  return {server, at: {address, port: typeof bound === 'object' && bound !== null ? bound.port : port}}
}

function explained(error: unknown, {address, port}: Address): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const details = {address, port}
  if (code === 'EADDRINUSE') {
    return errors.conflict(`port ${port} of this computer is in use`, {
      code: 'PORT_IN_USE', category: 'network', fix: 'choose another, or 0:REMOTE for any that is free; see yours: cgpu port list', details, cause: error,
    })
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return errors.usage(`this computer has no address ${address}`, {code: 'ADDRESS_UNKNOWN', category: 'network', fix: 'leave it out to use 127.0.0.1', details, cause: error})
  }
  return errors.cannotWrite(`cannot listen on port ${port} of ${address} (${code})`, {
    code: 'PORT_REFUSED', category: 'network', fix: 'choose a port above 1023', details, cause: error,
  })
}
