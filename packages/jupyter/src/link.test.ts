import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {createServer} from 'node:http'
import type {Server} from 'node:http'
import type {Duplex} from 'node:stream'
import type {Message} from './contract.ts'
import {JupyterServer} from './index.ts'
import {openLink} from './link.ts'
import type {LinkLoss} from './link.ts'

/** Short, unmasked WebSocket frames, as a server sends them. */
const frame = (opcode: number, payload: Buffer): Buffer => Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload])
const text = Buffer.from('{"header":{"msg_id":"1","msg_type":"status"},"content":{}}')

describe('a link', () => {
  let server: Server
  let url: URL

  before(async () => {
    // upgrade, message and goodbye in one segment: what a loaded server's replay looks like
    server = createServer().on('upgrade', (request, socket) => {
      const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      const head = `HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`
      socket.end(Buffer.concat([Buffer.from(head), frame(1, text), frame(8, Buffer.from([3, 233]))]))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    url = new URL(`ws://127.0.0.1:${address.port}/`)
  })
  after(() => void server.close())

  it('keeps what came with the upgrade until its owner is ready', async () => {
    const seen: (Message | LinkLoss)[] = []
    const link = await openLink({
      url, headers: {}, v1: false, heartbeatMs: 10_000,
      onMessage: message => void seen.push(message),
      onLost: loss => void seen.push(loss),
    })
    await link.ended
    assert.equal(seen.length, 0)
    link.start()
    assert.deepEqual(seen.map(each => ('kind' in each ? each.kind : each.header.msg_type)), ['status', 'closed'])
    await assert.rejects(link.send({channel: 'shell', header: {}, parent_header: {}, metadata: {}, content: {}, buffers: []}), {code: 'NETWORK'})
    await link.close()
  })
})

describe('a kernel connection that is being opened', function () {
  this.timeout(15_000)

  it('ends when the kernel is shut down meanwhile, which leaves the handshake without an answer', async () => {
    const held: Duplex[] = []
    const http = createServer((_request, response) => void response.writeHead(404, {'content-type': 'application/json'}).end('{"message": "Kernel does not exist"}'))
      .on('upgrade', (_request, socket) => void held.push(socket))
    await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
    const address = http.address()
    assert.ok(address !== null && typeof address === 'object')
    const jupyter = new JupyterServer({url: `http://127.0.0.1:${address.port}/`, token: 'any'})
    try {
      await assert.rejects(jupyter.openKernel('k'), {code: 'KERNEL_DEAD'})
      assert.equal(held.length, 1)
    } finally {
      jupyter.close()
      for (const socket of held) socket.destroy()
      http.close()
    }
  })
})
