import assert from 'node:assert/strict'
import {createServer} from 'node:http'
import type {IncomingMessage, RequestListener, Server} from 'node:http'
import {createServer as createTcpServer} from 'node:net'
import {JupyterServer} from './index.ts'

/** Not a Jupyter server, but what answers in its place: portals, proxies, broken and hostile ones. */
const serve = async (listener: RequestListener): Promise<{server: Server; url: string}> => {
  const server = createServer(listener)
  server.on('upgrade', (request, socket) => {
    const response = {writeHead: (status: number, headers: Record<string, string>) => {
      socket.write(`HTTP/1.1 ${status} x\r\n${Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`).join('')}content-length: 0\r\n\r\n`)
      return response
    }, end: () => socket.end()}
    // an answer that is no upgrade has these two calls only
    listener(request, response as never)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {server, url: `http://127.0.0.1:${address.port}/`}
}

describe('what is not a Jupyter server', () => {
  let listener: RequestListener
  let running: {server: Server; url: string}
  let client: JupyterServer

  before(async () => {
    running = await serve((request, response) => listener(request, response))
    client = new JupyterServer({url: running.url, token: 'secret'})
  })
  after(() => {
    client.close()
    running.server.closeAllConnections()
    running.server.close()
  })

  const json = (body: string, status = 200): void => {
    listener = (_request, response) => response.writeHead(status, {'content-type': 'application/json'}).end(body)
  }

  it('is named when it answers with HTML', async () => {
    listener = (_request, response) => response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html><p>sign in to the hotel')
    await assert.rejects(client.version(), {code: 'PROTOCOL', message: /answered with HTML/})
    await assert.rejects(client.openKernel('x'), {code: 'PROTOCOL'})
  })

  const wrong: [string, string, (server: JupyterServer) => Promise<unknown>, RegExp][] = [
    ['a list for an object', '[]', each => each.version(), /api should be an object, not a list/],
    ['an object for a list', '{}', each => each.listKernels(), /api\/kernels should be a list, not a object/],
    ['a number for an id', '[{"id": "a", "name": "b"}, {"id": 7}]', each => each.listKernels(), /api\/kernels\[1\]\.id should be a string, not a number/],
    ['null', 'null', each => each.status(), /api\/status should be an object, not null/],
    ['nothing', '', each => each.kernelSpecs(), /should be an object, not nothing/],
    ['a session without a kernel', '[{"id": "a", "path": "p"}]', each => each.listSessions(), /api\/sessions\[0\]\.kernel should be an object, not nothing/],
    ['half of its JSON', '{"version": "2', each => each.version(), /is not JSON/],
  ]
  for (const [what, body, ask, message] of wrong) {
    it(`is named when it answers with ${what}`, async () => {
      json(body)
      await assert.rejects(ask(client), {code: 'PROTOCOL', message})
    })
  }

  it('cannot exhaust memory, with or without announcing its size', async () => {
    for (const announced of [true, false]) {
      let written = 0
      listener = (_request, response) => {
        response.writeHead(200, announced ? {'content-length': 4e9} : {})
        const chunk = Buffer.alloc(1 << 20, 32)
        const more = (): void => {
          while (!response.destroyed && response.write(chunk)) written += chunk.length
        }
        response.on('drain', more)
        more()
      }
      await assert.rejects(client.request('GET', 'api'), {code: 'PROTOCOL', message: /more than 16777216 bytes/})
      assert.ok(written < 100e6)
    }
  })

  it('cannot overflow the stack with deep nesting, nor reach a prototype', async () => {
    json(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`)
    await assert.rejects(client.version(), {code: 'PROTOCOL'})
    json('{"__proto__": {"polluted": 1}, "version": "2", "default": "a", "kernelspecs": {"__proto__": {"spec": {}}}}')
    await client.version()
    await client.kernelSpecs()
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })

  const redirects: [string, string][] = [
    ['https://elsewhere.example/api?token=x', 'REDIRECT'],
    ['/other/api', 'REDIRECT'],
    ['/login?next=%2Fapi', 'AUTH'],
    ['/hub/api/oauth2/authorize?client_id=x', 'AUTH'],
    ['https://accounts.google.com/o/oauth2', 'AUTH'],
  ]
  for (const [location, code] of redirects) {
    it(`is never followed to ${location}: ${code}`, async () => {
      const requests: IncomingMessage[] = []
      listener = (request, response) => {
        requests.push(request)
        response.writeHead(302, {location}).end()
      }
      await assert.rejects(client.version(), (error: Error) => {
        assert.ok(!error.message.includes('token=x'))
        return Reflect.get(error, 'code') === code
      })
      await assert.rejects(client.openKernel('x'), {code})
      await assert.rejects(client.startKernel(), {code})
      assert.equal(requests.length, 3)
    })
  }

  it('gets the token as a header and nowhere in the address', async () => {
    const seen: IncomingMessage[] = []
    listener = (request, response) => {
      seen.push(request)
      response.writeHead(500, {}).end()
    }
    await assert.rejects(client.version(), {code: 'HTTP', status: 500, retryable: false})
    await assert.rejects(client.openKernel('x'), {code: 'HTTP', status: 500})
    for (const request of seen) {
      assert.equal(request.headers.authorization, 'token secret')
      assert.ok(!request.url?.includes('secret'))
    }
  })

  it('is asked again after a reset where that changes nothing, and only there', async () => {
    let count = 0
    listener = (request, response) => {
      if (++count < 3) request.socket.resetAndDestroy()
      else response.writeHead(200).end('{"version": "2"}')
    }
    assert.equal(await client.version(), '2')
    count = 0
    await assert.rejects(client.startKernel(), {code: 'NETWORK', retryable: true})
    assert.equal(count, 1)
  })

  it('does not hold anybody longer than the time given', async () => {
    listener = () => {}
    await assert.rejects(client.request('POST', 'api', {timeoutMs: 50}), {code: 'NETWORK', message: /did not answer within 0.05 s/})
  })

  it('that speaks no HTTP at all is named', async () => {
    const tcp = createTcpServer(socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve))
    const address = tcp.address()
    assert.ok(address !== null && typeof address === 'object')
    const other = new JupyterServer({url: `http://127.0.0.1:${address.port}/`})
    await assert.rejects(other.startKernel(), {code: 'PROTOCOL'})
    await assert.rejects(other.openKernel('x'), {code: 'PROTOCOL'})
    other.close()
    tcp.close()
  })

  it('that is not there is a failing network', async () => {
    const gone = new JupyterServer({url: 'http://127.0.0.1:1/'})
    await assert.rejects(gone.version(), {code: 'NETWORK', message: /ECONNREFUSED/})
    await assert.rejects(gone.openKernel('x'), {code: 'NETWORK', message: /ECONNREFUSED/})
    gone.close()
  })
})
