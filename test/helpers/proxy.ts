import {createServer, type IncomingMessage} from 'node:http'
import {createServer as createTlsServer} from 'node:https'
import {type AddressInfo, connect, type Socket} from 'node:net'
import type {Duplex} from 'node:stream'

/** What the proxy does with CONNECT: a status refuses, `hang-up` is in the middle of its answer, `silent` never answers. */
export type ProxyMood = 'ok' | 'hang-up' | 'garbage' | 'silent' | number

export interface TestProxy {
  /** without credentials */
  url: string
  /** `host:port`, as messages name it */
  name: string
  mood: ProxyMood
  /** what was asked of it, in order */
  asked: {target: string; authorization: string | undefined}[]
  /** bytes that went through, as seen from here */
  seen: Buffer[]
  /** requests that were no CONNECT */
  others: string[]
  /** connections to it that are not closed */
  readonly open: number
  /** ends the tunnels that are open */
  cut(): void
  stop(): Promise<void>
}

export interface ProxyOptions {
  /** `user:password`, without which it answers 407 */
  password?: string
  /** makes it an https proxy */
  tls?: {key: Buffer; cert: Buffer}
  /** the loopback port behind a `host:port`; default: that port */
  portOf?: (target: string) => number
}

/** An HTTP proxy that connects to loopback, whatever host it is asked for. */
export async function startProxy({password, tls, portOf = target => Number(target.split(':').at(-1))}: ProxyOptions = {}): Promise<TestProxy> {
  const server = tls ? createTlsServer(tls) : createServer()
  const sockets = new Set<Duplex>()
  const tunnels = new Set<Duplex>()
  const kept = (socket: Duplex, where: Set<Duplex>): void => {
    where.add(socket)
    socket.on('error', () => {}).once('close', () => where.delete(socket))
  }
  server.on('connection', (socket: Socket) => kept(socket, sockets))
  server.on('request', (request: IncomingMessage, response) => {
    proxy.others.push(`${request.method} ${request.url}`)
    response.writeHead(501).end()
  })
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    const {url: target = '', headers} = request
    const authorization = headers['proxy-authorization']
    proxy.asked.push({target, authorization})
    kept(client, tunnels)
    if (proxy.mood === 'silent') return void client.resume().once('end', () => client.end())
    if (proxy.mood === 'hang-up') return void client.write('HTTP/1.1 200 Conn', () => client.destroy())
    if (proxy.mood === 'garbage') return void client.end('SSH-2.0-OpenSSH_9.6\r\n')
    if (typeof proxy.mood === 'number') return void client.end(`HTTP/1.1 ${proxy.mood} No\r\ncontent-length: 0\r\n\r\n`)
    if (password !== undefined && authorization !== `Basic ${Buffer.from(password).toString('base64')}`) {
      return void client.end('HTTP/1.1 407 Who\r\nproxy-authenticate: Basic realm="test"\r\ncontent-length: 0\r\n\r\n')
    }
    const machine = connect(portOf(target), '127.0.0.1', () => client.write('HTTP/1.1 200 Connection established\r\n\r\n'))
    kept(machine, tunnels)
    client.on('data', (bytes: Buffer) => void proxy.seen.push(bytes))
    client.pipe(machine).pipe(client)
    machine.once('close', () => client.destroy())
    client.once('close', () => machine.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const name = `127.0.0.1:${(server.address() as AddressInfo).port}` // listening on TCP
  const proxy: TestProxy = {
    url: `${tls ? 'https' : 'http'}://${name}`, name, mood: 'ok', asked: [], seen: [], others: [],
    get open() {
      return sockets.size
    },
    cut() {
      for (const socket of tunnels) socket.destroy()
    },
    async stop() {
      for (const socket of [...tunnels, ...sockets]) socket.destroy()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return proxy
}

/** Runs with these proxy variables and no others. */
export function setProxies(variables: Record<string, string>): void {
  for (const name of ['https_proxy', 'http_proxy', 'all_proxy', 'no_proxy']) {
    delete process.env[name]
    delete process.env[name.toUpperCase()]
  }
  Object.assign(process.env, variables)
}
