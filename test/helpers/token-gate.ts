import {createServer, request as httpRequest} from 'node:http'
import type {IncomingMessage} from 'node:http'
import {connect} from 'node:net'
import type {Socket} from 'node:net'
import type {Duplex} from 'node:stream'

/** What Colab's runtime proxy reads its token from. */
export const tokenHeader = 'x-colab-runtime-proxy-token'

/** A proxy in front of a Jupyter server that lets pass what carries a valid token, and whose tokens expire. */
export interface TokenGate {
  url: string
  /** the tokens that are good at the moment */
  readonly valid: Set<string>
  /** how many requests and upgrades were answered with this status by the gate itself */
  count(status: number): number
  /** what is answered instead of everything, to new requests; undefined: it works */
  answerAll: number | undefined
  /** Ends the connections there are, as a proxy that watches over its tokens does. */
  cut(): void
  close(): Promise<void>
}

/** `secret`: Jupyter's own token, which the gate adds. */
export async function startTokenGate(target: number, secret: string): Promise<TokenGate> {
  const valid = new Set<string>()
  const answered: number[] = []
  const sockets = new Set<Duplex>()
  const refusal = (request: IncomingMessage): number | undefined => {
    const status = gate.answerAll ?? (valid.has(String(request.headers[tokenHeader])) ? undefined : 401)
    if (status !== undefined) answered.push(status)
    return status
  }
  const passed = (request: IncomingMessage): NodeJS.Dict<string | string[]> => ({...request.headers, authorization: `token ${secret}`})
  const server = createServer((request, response) => {
    const status = refusal(request)
    if (status !== undefined) {
      request.resume()
      return void response.writeHead(status).end('{}')
    }
    const upstream = httpRequest({port: target, host: '127.0.0.1', method: request.method, path: request.url, headers: passed(request)}, answer => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    upstream.on('error', () => response.destroy())
    request.pipe(upstream)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    const status = refusal(request)
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
    const upstream: Socket = connect(target, '127.0.0.1', () => {
      const lines = Object.entries(passed(request)).map(([name, value]) => `${name}: ${String(value)}`)
      upstream.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    for (const each of [socket, upstream]) {
      sockets.add(each)
      each.on('close', () => sockets.delete(each))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the gate has no port')
  const gate: TokenGate = {
    url: `http://127.0.0.1:${address.port}/`,
    valid,
    answerAll: undefined,
    count: status => answered.filter(one => one === status).length,
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    close: () =>
      new Promise(resolve => {
        gate.cut()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return gate
}
