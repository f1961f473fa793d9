import assert from 'node:assert/strict'
import {once} from 'node:events'
import {createServer, type IncomingHttpHeaders, type IncomingMessage, request, type RequestListener, type Server} from 'node:http'
import {type AddressInfo, createServer as createTcpServer, type Server as TcpServer} from 'node:net'
import {HttpForward} from './http.ts'

const portOf = (server: Server | TcpServer): number => (server.address() as AddressInfo).port // it listens by TCP

describe('a port by the provider\'s proxy', () => {
  let upstream: Server
  let answer: RequestListener
  let front: TcpServer
  let forward: HttpForward
  let there: string
  let here: string

  before(async () => {
    upstream = createServer((incoming, response) => answer(incoming, response)).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    there = `http://127.0.0.1:${portOf(upstream)}`
    forward = new HttpForward({url: there, headers: () => ({'X-Key': 'good'})}, '127.0.0.1')
    front = createTcpServer((socket) => forward.take(socket)).listen(0, '127.0.0.1')
    await once(front, 'listening')
    here = `http://127.0.0.1:${portOf(front)}`
  })
  after(() => {
    forward.close()
    front.close()
    upstream.close().closeAllConnections()
  })

  const ask = async (headers: Record<string, string> = {}, path = '/x'): Promise<IncomingMessage> => {
    const sent = request({host: '127.0.0.1', port: portOf(front), path, headers, agent: false}).end()
    const [response] = await once(sent, 'response') as [IncomingMessage]
    response.resume()
    return response
  }

  it('is asked with the proxy\'s credentials, as its own host and origin', async () => {
    let seen: IncomingHttpHeaders = {}
    answer = (incoming, response) => {
      seen = incoming.headers
      response.end()
    }
    await ask({origin: here, referer: `${here}/page`})
    assert.deepEqual([seen['x-key'], `http://${seen.host}`, seen.origin, seen.referer], ['good', there, there, `${there}/page`])
    await ask({origin: here, referer: 'https://elsewhere.example/'})
    assert.equal(seen.referer, 'https://elsewhere.example/', 'what is not ours is left as it is')
  })

  it('leads back here', async () => {
    answer = (_, response) => response.writeHead(302, {
      location: `${there}/next`, 'access-control-allow-origin': there, 'set-cookie': ['a=1; Domain=.proxy.example; Path=/', 'b=2'],
    }).end()
    const {headers} = await ask()
    assert.deepEqual([headers.location, headers['access-control-allow-origin'], headers['set-cookie']], [`${here}/next`, here, ['a=1; Path=/', 'b=2']])
    answer = (_, response) => response.writeHead(302, {location: `${there}.evil.example/`}).end()
    assert.equal((await ask()).headers.location, `${there}.evil.example/`)
  })

  for (const [what, headers] of [
    ['a page of another site', {origin: 'https://evil.example'}],
    ['a page of another port of this computer', {origin: 'http://127.0.0.1:1'}],
    ['a name that resolves to this computer', {host: 'evil.example'}],
  ] as const) {
    it(`refuses ${what}`, async () => {
      answer = () => assert.fail('it was asked')
      assert.equal((await ask(headers)).statusCode, 403)
    })
  }

  it('is not asked for what is no path', async () => {
    answer = () => assert.fail('it was asked')
    assert.equal((await ask({}, 'http://elsewhere.example/')).statusCode, 400)
  })
})
