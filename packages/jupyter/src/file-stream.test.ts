import assert from 'node:assert/strict'
import {createServer, type AddressInfo, type Server, type Socket} from 'node:net'
import {startProxy} from '../../../test/helpers/proxy.ts'
import {JupyterServer} from './index.ts'

const file = Buffer.from(Array.from({length: 300_000}, (_, index) => (index * 7 + (index >> 8)) & 0xff))

/** What a request line and its headers ask for. */
interface Asked {
  text: string
  from: number
}

/** A server that answers each connection as `answer` says; the real one is met in server.test.ts. */
describe('a file that is read as it comes', () => {
  let server: Server
  let client: JupyterServer
  let asked: Asked[]
  let answer: (socket: Socket, from: number, count: number) => void
  const sockets = new Set<Socket>()

  const whole = (from: number, more = ''): string => (from === 0
    ? `HTTP/1.1 200 OK\r\nContent-Length: ${file.length}\r\n${more}\r\n`
    : `HTTP/1.1 206 Partial Content\r\nContent-Length: ${file.length - from}\r\nContent-Range: bytes ${from}-${file.length - 1}/${file.length}\r\n${more}\r\n`)

  before(async () => {
    server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
      socket.once('data', data => {
        const text = data.toString()
        const from = Number(/range: bytes=(\d+)-/.exec(text)?.[1] ?? 0)
        asked.push({text, from})
        answer(socket, from, asked.length)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    client = new JupyterServer({url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`, token: 'secret'})
  })
  beforeEach(() => {
    asked = []
    answer = (socket, from) => void socket.end(Buffer.concat([Buffer.from(whole(from)), file.subarray(from)]))
  })
  after(() => {
    client.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  /** Several under way at once, of sizes that meet no boundary. */
  const readAll = async (from: number, through = client): Promise<Buffer> => {
    const size = 40_001
    const stream = await through.openFile('a b/f', from)
    const pieces: Promise<Buffer>[] = []
    for (let at = from; at < file.length; at += size) {
      const into = Buffer.alloc(Math.min(size, file.length - at))
      pieces.push(stream.read(into).then(() => into))
    }
    return Buffer.concat(await Promise.all(pieces))
  }

  it('is whole from its beginning and from any byte, by one request with the token', async () => {
    assert.ok((await readAll(0)).equals(file))
    assert.ok((await readAll(123_457)).equals(file.subarray(123_457)))
    assert.deepEqual(asked.map(({from}) => from), [0, 123_457])
    assert.match(asked[1]?.text ?? '', /^GET \/base\/files\/a%20b\/f HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nauthorization: token secret\r\n/)
  })

  it('is whole when it comes in any pieces, also before anybody waits for it', async () => {
    const {promise: sent, resolve} = Promise.withResolvers<void>()
    answer = (socket, from) => {
      const bytes = Buffer.concat([Buffer.from(whole(from)), file])
      const step = (at: number): void => {
        if (at >= bytes.length) return resolve()
        socket.write(bytes.subarray(at, at + 33_333 + at), () => step(at + 33_333 + at))
      }
      socket.write(bytes.subarray(0, 10), () => socket.write(bytes.subarray(10, 200), () => socket.write(bytes.subarray(200, 33_333), () => step(33_333))))
    }
    const stream = await client.openFile('f', 0)
    const parts = [Buffer.alloc(1), Buffer.alloc(100_000), Buffer.alloc(file.length - 100_001)] as const
    await stream.read(parts[0])
    await sent
    await stream.read(parts[1])
    await stream.read(parts[2])
    assert.ok(Buffer.concat(parts).equals(file))
    assert.equal(asked.length, 1)
    stream.close()
  })

  it('goes on where a connection was lost, each time, and gives up when nothing comes any more', async () => {
    answer = (socket, from) => void socket.write(Buffer.concat([Buffer.from(whole(from)), file.subarray(from, from + 50_000)]), () => socket.end())
    assert.ok((await readAll(0)).equals(file))
    assert.deepEqual(asked.map(({from}) => from), [0, 50_000, 100_000, 150_000, 200_000, 250_000])
    asked = []
    answer = (socket, _from, count) => void (count === 1 ? socket.write(Buffer.concat([Buffer.from(whole(0)), file.subarray(0, 7)]), () => socket.destroy()) : socket.destroy())
    await assert.rejects(readAll(0), {code: 'NETWORK', message: /ended in the middle|cannot reach/})
    assert.deepEqual(asked.map(({from}) => from), [0, 7, 7, 7, 7])
  })

  it('takes nothing that begins elsewhere, has no length, is packed, or is no HTTP', async () => {
    const cases: [string, string][] = [
      ['HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n', 'the server knows no ranges'],
      ['HTTP/1.1 206 x\r\nContent-Length: 5\r\nContent-Range: bytes 11-15/300000\r\n\r\n', 'the server knows no ranges'],
      ['HTTP/1.1 206 x\r\nContent-Range: bytes 10-14/300000\r\n\r\n', 'the server does not say how long the file is'],
      ['HTTP/1.1 206 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 10-14/300000\r\n\r\n', 'the server does not say how long the file is'],
      ['HTTP/1.1 206 x\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\nContent-Range: bytes 10-14/300000\r\n\r\n', 'the server does not say how long the file is'],
      ['HTTP/1.1 206 x\r\nContent-Length: 3\r\nContent-Range: bytes 10-12/300000\r\n\r\n', 'the file ended before it should'],
      ['x'.repeat(70_000), 'does not speak HTTP'],
    ]
    for (const [head, message] of cases) {
      answer = socket => void socket.write(`${head}abcdefgh`)
      const into = Buffer.alloc(5)
      await assert.rejects((await client.openFile('f', 10)).read(into), (error: Error) => error.message.includes(message), head.slice(0, 200))
    }
    assert.equal(asked.length, cases.length)
    answer = socket => void socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
    await assert.rejects((await client.openFile('f', 0)).read(Buffer.alloc(1)), {code: 'NOT_FOUND', status: 404})
    answer = socket => void socket.end('HTTP/1.1 302 Found\r\nLocation: /login?next=x\r\nContent-Length: 0\r\n\r\n')
    await assert.rejects((await client.openFile('f', 0)).read(Buffer.alloc(1)), {code: 'AUTH'})
    await assert.rejects(client.openFile('../../other', 0), {code: 'PROTOCOL', message: /outside of the server's base path/})
  })

  it('asks with new credentials after a 401, once', async () => {
    let token = 'old'
    const renewing = new JupyterServer({
      url: client.url, headers: () => ({authorization: `token ${token}`}), reauthorize: async () => {
        token = 'new'
        return true
      },
    })
    const refuse = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'
    answer = (socket, from) => void socket.end(asked.at(-1)?.text.includes('token new') ? Buffer.concat([Buffer.from(whole(from)), file]) : refuse)
    const into = Buffer.alloc(file.length)
    await (await renewing.openFile('f', 0)).read(into)
    assert.ok(into.equals(file))
    assert.equal(asked.length, 2)
    answer = socket => void socket.end(refuse)
    await assert.rejects((await renewing.openFile('f', 0)).read(into), {code: 'AUTH', status: 401})
    renewing.close()
  })

  it('is stopped by its signal and by its end, and writes nothing behind it', async () => {
    const {promise: connected, resolve} = Promise.withResolvers<Socket>()
    answer = (socket, from) => {
      socket.write(whole(from))
      resolve(socket)
    }
    const stop = new AbortController()
    const stream = await client.openFile('f', 0, {signal: stop.signal})
    const into = Buffer.alloc(10)
    const reading = stream.read(into)
    const socket = await connected
    stop.abort(new Error('enough'))
    await assert.rejects(reading, /enough/)
    await new Promise(done => socket.once('close', done))
    await assert.rejects(stream.read(into), {code: 'CLOSED'})
    assert.ok(into.equals(Buffer.alloc(10)))
    const other = await client.openFile('f', 0)
    const closed = other.read(into)
    other.close()
    await assert.rejects(closed, {code: 'CLOSED'})
  })

  it('comes through a proxy', async () => {
    const proxy = await startProxy()
    const before = process.env['http_proxy']
    process.env['http_proxy'] = proxy.url
    const far = new JupyterServer({url: client.url.replace('127.0.0.1', 'far.example'), token: 'secret'})
    try {
      assert.ok((await readAll(5, far)).equals(file.subarray(5)))
      assert.equal(proxy.asked.length, 1)
    } finally {
      far.close()
      if (before === undefined) delete process.env['http_proxy']
      else process.env['http_proxy'] = before
      await proxy.stop()
    }
  })
})
