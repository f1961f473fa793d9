import {once} from 'node:events'
import {createServer, get} from 'node:http'
import type {AddressInfo} from 'node:net'
import {WebSocket, WebSocketServer} from 'ws'

/** A server of HTTP and WebSockets on loopback, as somebody runs on a machine: it says which request came, and echoes. */
export interface WebServer {
  port: number
  close(): Promise<void>
}

export async function startWebServer(): Promise<WebServer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => response.end(JSON.stringify({method: request.method, url: request.url, host: request.headers.host, body: Buffer.concat(chunks).toString()})))
  })
  const sockets = new WebSocketServer({server})
  sockets.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, {binary: isBinary})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port, // it listens by TCP
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export async function fetchJson(url: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    get(url, {agent: false}, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>)) // the server above wrote it
    }).on('error', reject)
  })
}

/** What a WebSocket gets back for a message. */
export async function echoed(url: string, message: string): Promise<string> {
  const socket = new WebSocket(url)
  try {
    await once(socket, 'open')
    socket.send(message)
    const [data] = await once(socket, 'message') as [Buffer]
    return data.toString()
  } finally {
    socket.terminate()
  }
}
