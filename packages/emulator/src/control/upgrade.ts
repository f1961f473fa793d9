import {type IncomingMessage, request as httpRequest, STATUS_CODES} from 'node:http'
import type {Duplex} from 'node:stream'
import {covers, scopes} from '@cgpu/core/google/scopes'
import type {SiteHandler} from '../contract.ts'
import type {World} from '../world/world.ts'

/** A machine's WebSockets through the tunnel, by the account's token; the machine gets a proxy token in its place. */
export function tunnelUpgrade(world: World): NonNullable<SiteHandler['upgrade']> {
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const target = admitted(world, request)
    if (typeof target === 'number') return refuse(socket, target)
    const {endpoint, url} = target
    world.used(endpoint)
    const kept = Object.entries(request.headers).filter(([name]) => name.startsWith('sec-websocket-') || name === 'user-agent')
    const outgoing = httpRequest(url, {headers: {
      ...Object.fromEntries(kept), connection: 'Upgrade', upgrade: 'websocket', 'x-colab-runtime-proxy-token': world.proxyTokens.current(endpoint, 8080).token,
    }})
    outgoing.once('error', () => refuse(socket, 502))
    outgoing.once('response', (answer) => {
      answer.resume()
      refuse(socket, answer.statusCode ?? 502)
    })
    outgoing.once('upgrade', (answer, machine, first) => {
      const headers = answer.rawHeaders.map((value, index) => index % 2 === 0 ? `${value}: ` : `${value}\r\n`).join('')
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`)
      socket.write(first)
      machine.write(head)
      machine.on('error', () => socket.destroy()).on('close', () => socket.destroy())
      socket.on('close', () => machine.destroy())
      machine.pipe(socket)
      socket.pipe(machine)
    })
    outgoing.end()
  }
}

function admitted(world: World, request: IncomingMessage): {endpoint: string; url: string} | number {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  const [, tun, m, endpoint = '', ...rest] = path.split('/')
  if (tun !== 'tun' || m !== 'm') return 404
  const caller = world.caller(request.headers.authorization)
  if (caller === null) return 401
  if (!covers(caller.scopes, scopes.colab)) return 403
  if (request.headers['x-colab-tunnel'] === undefined) return 400
  const assignment = world.fleet.get(endpoint)
  if (assignment === undefined || assignment.email !== caller.email) return 404
  const parameters = new URLSearchParams(query)
  parameters.delete('authuser')
  const url = `${assignment.machine.url}/${rest.join('/')}?${parameters.toString()}`
  return URL.canParse(url) ? {endpoint, url} : 400
}

function refuse(socket: Duplex, status: number): void {
  if (socket.writable) socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
}
