import type {ServerOptions} from '@cgpu/jupyter'
import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {createServer, request, type IncomingMessage, type RequestListener, type Server, type ServerResponse} from 'node:http'
import {connect} from 'node:net'
import {Readable, Transform} from 'node:stream'
import {setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import {type ForwardOptions, forwardRequest, forwardUpgrade} from './forward.ts'
import {listenOnLoopback, loopbackServer} from './loopback.ts'
import {Upstream} from './upstream.ts'

/** An upstream that does as told, and a proxy before it. */
describe('the reverse proxy', () => {
  let upstreamServer: Server
  let proxy: Server
  let upstream: Upstream
  let port: number
  let answer: RequestListener
  let options: Omit<ForwardOptions, 'path'>
  let credentials: Pick<ServerOptions, 'headers' | 'reauthorize'>
  let url: string

  before(async () => {
    upstreamServer = createServer((incoming, response) => answer(incoming, response)).on('upgrade', (incoming, socket, head) => {
      if (incoming.headers['x-key'] !== 'good') return void socket.end('HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\nno')
      const accept = createHash('sha1').update(`${incoming.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      socket.write(`HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\nhello`)
      if (head.length > 0) socket.write(head)
      socket.pipe(socket)
    })
    url = `http://127.0.0.1:${await listenOnLoopback(upstreamServer, 0)}/base/`
    proxy = loopbackServer()
    proxy.on('request', (incoming: IncomingMessage, response: ServerResponse) => void forwardRequest(upstream, incoming, response, {...options, path: incoming.url ?? '/'}))
    proxy.on('upgrade', (incoming, socket, head) => void forwardUpgrade(upstream, incoming, socket, head, {...options, path: incoming.url ?? '/'}))
    port = await listenOnLoopback(proxy, 0)
  })

  beforeEach(() => {
    answer = (_, response) => response.end('ok')
    options = {}
    credentials = {headers: () => ({'X-Key': 'good'})}
    upstream = new Upstream({url, headers: () => credentials.headers?.() ?? {}, reauthorize: (refused) => credentials.reauthorize?.(refused) ?? Promise.resolve(false)})
  })

  afterEach(() => upstream.close())

  after(() => {
    for (const server of [proxy, upstreamServer]) server.close().closeAllConnections()
  })

  const ask = (init: {method?: string; path?: string; headers?: Record<string, string>; body?: Readable | string} = {}): Promise<{status: number; headers: IncomingMessage['headers']; body: Buffer}> =>
    new Promise((resolve, reject) => {
      const {method = 'GET', path = '/x', headers = {}, body} = init
      const sent = request({port, host: '127.0.0.1', method, path, headers, agent: false}, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject)
        response.once('end', () => resolve({status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks)}))
      }).once('error', reject)
      if (body instanceof Readable) body.pipe(sent)
      else sent.end(body)
    })

  it('adds its credentials over the client’s, names the upstream as host, and passes everything else', async () => {
    let seen: IncomingMessage | undefined
    answer = (incoming, response) => {
      seen = incoming
      response.writeHead(207, 'Odd', [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['X-More', 'é']].flat()).end(Buffer.from('body'))
    }
    const got = await ask({method: 'PROPFIND', path: '/a%2Fb?q=1&q=2', headers: {'x-key': 'bad', 'x-mine': 'yes', connection: 'x-hop', 'x-hop': '1'}})
    assert.deepEqual([got.status, got.headers['set-cookie'], got.headers['x-more'], got.body.toString()], [207, ['a=1', 'b=2'], 'é', 'body'])
    assert.deepEqual([seen?.method, seen?.url, seen?.headers['x-key'], seen?.headers['x-mine'], seen?.headers['x-hop']], ['PROPFIND', '/a%2Fb?q=1&q=2', 'good', 'yes', undefined])
    assert.equal(seen?.headers.host, upstream.url.host)
  })

  it('passes bodies of both kinds, and none where there is none', async () => {
    answer = (incoming, response) => {
      response.setHeader('x-framing', JSON.stringify([incoming.headers['content-length'], incoming.headers['transfer-encoding']]))
      incoming.pipe(response)
    }
    const framing = async (init: Parameters<typeof ask>[0]): Promise<unknown> => {
      const {headers, body} = await ask(init)
      return [...(JSON.parse(String(headers['x-framing'])) as unknown[]), body.toString()]
    }
    assert.deepEqual(await framing({method: 'POST', body: 'abc', headers: {'content-length': '3'}}), ['3', null, 'abc'])
    assert.deepEqual(await framing({method: 'DELETE', body: 'abc', headers: {'transfer-encoding': 'chunked'}}), [null, 'chunked', 'abc'])
    assert.deepEqual(await framing({}), [null, null, ''])
    assert.equal((await ask({method: 'HEAD'})).body.length, 0)
  })

  it('carries 64 MB each way without holding it', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void // what the flag adds
    const chunk = randomBytes(64 * 1024)
    const [sent, got] = [createHash('sha256'), createHash('sha256')]
    const live = (): number => {
      // what the first finds dead is freed by the second at the latest
      collect()
      collect()
      return process.memoryUsage().arrayBuffers
    }
    const before = live()
    let peak = 0
    const body = Readable.from((function* () {
      for (let at = 0; at < 1024; at++) {
        sent.update(chunk)
        if (at % 200 === 199) peak = Math.max(peak, live())
        yield chunk
      }
    })())
    answer = (incoming, response) => void incoming.pipe(response)
    await new Promise<void>((resolve, reject) => {
      body.pipe(request({port, method: 'POST', agent: false}, (response) => response.pipe(got).once('finish', resolve)).once('error', reject))
    })
    assert.equal(got.digest('hex'), sent.digest('hex'))
    // there are six sockets' buffers in this process
    assert.ok(peak - before < 16 * 1024 * 1024, `held ${peak - before} bytes`)
  })

  it('sends a small request again with other credentials, and a big one only after the client did', async () => {
    let key = 'old'
    let renewals = 0
    credentials = {
      headers: () => ({'X-Key': key}),
      reauthorize: () => {
        renewals++
        key = 'good'
        return Promise.resolve(true)
      },
    }
    answer = (incoming, response) => {
      if (incoming.headers['x-key'] !== 'good') return void response.writeHead(401).end('no')
      incoming.pipe(response)
    }
    const small = await ask({method: 'POST', body: 'again'})
    assert.deepEqual([small.status, small.body.toString(), renewals], [200, 'again', 1])
    key = 'old'
    const big = Buffer.alloc(1024 * 1024).toString('latin1')
    assert.equal((await ask({method: 'PUT', body: big})).status, 401)
    assert.equal(renewals, 2)
    assert.equal((await ask({method: 'PUT', body: big})).body.length, big.length)
  })

  it('does not ask for credentials for every 401 of the program behind', async () => {
    let renewals = 0
    credentials.reauthorize = () => {
      renewals++
      return Promise.resolve(true)
    }
    answer = (_, response) => response.writeHead(401).end('mine')
    for (let time = 0; time < 3; time++) assert.equal((await ask()).status, 401)
    assert.equal(renewals, 1)
  })

  it('says 502 when nobody answers, and what its owner makes of it', async () => {
    answer = (incoming) => void incoming.socket.destroy()
    const plain = await ask()
    assert.equal(plain.status, 502)
    options = {failed: () => ({status: 503, message: 'gone', headers: {'retry-after': '1'}})}
    const told = await ask()
    assert.deepEqual([told.status, told.headers['retry-after'], JSON.parse(told.body.toString())], [503, '1', {message: 'gone', reason: null}])
  })

  it('cuts an answer that was cut', async () => {
    answer = (_, response) => {
      response.writeHead(200, {'content-length': 100})
      response.write('half', () => response.destroy())
    }
    await assert.rejects(ask(), /aborted|hang up|ECONNRESET/)
  })

  it('changes heads and bodies, and refuses in an answer’s place', async () => {
    options = {
      outgoing: (headers) => ({...headers, 'x-told': 'yes'}),
      incoming: ({status, headers}) => status === 418 ? {status: 502, message: 'tea'} : {
        status, headers,
        through: [new Transform({transform: (data: Buffer, _, done) => done(null, data.toString().toUpperCase())})],
      },
    }
    answer = (incoming, response) => response.end(incoming.headers['x-told'])
    assert.equal((await ask()).body.toString(), 'YES')
    answer = (_, response) => response.writeHead(418).end()
    assert.equal((await ask()).status, 502)
  })

  it('ends the request when its client leaves', async () => {
    const left = new Promise<void>((resolve) => {
      answer = (incoming) => void incoming.socket.once('close', () => resolve())
    })
    const sent = request({port, agent: false}).on('error', () => undefined)
    const arrived = once(upstreamServer, 'request')
    sent.end()
    await arrived
    sent.destroy()
    await left
  })

  const upgrade = async (): Promise<{text: () => string; wait: (what: RegExp) => Promise<void>; send: (text: string) => void; ended: Promise<unknown>}> => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    let text = ''
    socket.on('data', (chunk: string) => (text += chunk)).on('error', () => undefined)
    const ended = once(socket, 'close')
    socket.write(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`)
    return {
      text: () => text, ended, send: (data) => void socket.write(data),
      wait: async (what) => {
        while (!what.test(text)) await once(socket, 'data')
      },
    }
  }

  it('joins WebSockets, with what came along with the upgrade, and ends both sides as one', async () => {
    const socket = await upgrade()
    await socket.wait(/hello/)
    assert.match(socket.text(), /^HTTP\/1\.1 101 /)
    assert.match(socket.text(), /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/)
    socket.send('ping-pong')
    await socket.wait(/ping-pong/)
    upstream.close()
    await socket.ended
  })

  it('renews credentials for a WebSocket, and passes a refusal on', async () => {
    let key = 'old'
    credentials = {headers: () => ({'X-Key': key}), reauthorize: () => Promise.resolve((key = 'good') === 'good')}
    const socket = await upgrade()
    await socket.wait(/hello/)
    credentials = {headers: () => ({'X-Key': 'old'})}
    const refused = await upgrade()
    await refused.ended
    assert.match(refused.text(), /^HTTP\/1\.1 401 No\r\n[^]*connection: close\r\n\r\nno$/)
  })
})
