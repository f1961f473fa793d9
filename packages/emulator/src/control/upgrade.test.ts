import assert from 'node:assert/strict'
import {once} from 'node:events'
import {WebSocket, WebSocketServer} from 'ws'
import {startControl, type TestControl} from '../../../../test/helpers/control-plane.ts'

describe("a machine's WebSockets through the tunnel", () => {
  let control: TestControl
  let sockets: WebSocketServer
  let endpoint: string
  const open = (headers: Record<string, string>, path = `/tun/m/${endpoint}/api/kernels/k/channels?authuser=0&session_id=s`): WebSocket =>
    new WebSocket(control.url.replace('http', 'ws') + path, {headers: {'x-colab-tunnel': 'Google', authorization: `Bearer ${control.token}`, ...headers}})
  const refusal = async (socket: WebSocket): Promise<number> => {
    socket.on('error', () => undefined)
    const [, response] = await once(socket, 'unexpected-response') as [unknown, {statusCode: number}]
    return response.statusCode
  }

  beforeEach(async () => {
    control = await startControl()
    sockets = new WebSocketServer({port: 0, host: '127.0.0.1'})
    sockets.on('connection', (socket, request) => {
      socket.send(JSON.stringify({url: request.url, headers: request.headers}))
      socket.on('message', (data) => socket.send(data))
    })
    await once(sockets, 'listening')
    const start = control.host.start.bind(control.host)
    control.host.start = async (spec) => {
      const machine = await start(spec)
      return {...machine, url: `http://127.0.0.1:${(sockets.address() as {port: number}).port}`}
    }
    const account = control.world.account('me@example.com')
    assert.ok(account)
    const result = await control.world.assign(account, {nbh: 'n'.repeat(44), highMem: false})
    assert.ok('assignment' in result)
    endpoint = result.assignment.endpoint
  })
  afterEach(async () => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    await control.stop()
  })

  it("go both ways, without the account's token", async () => {
    const socket = open({})
    const [hello] = await once(socket, 'message') as [Buffer]
    const seen = JSON.parse(hello.toString()) as {url: string; headers: Record<string, string>}
    assert.equal(seen.url, '/api/kernels/k/channels?session_id=s')
    assert.equal(seen.headers['authorization'], undefined)
    assert.equal(control.world.checkToken(endpoint, 8080, seen.headers['x-colab-runtime-proxy-token'] ?? ''), 'ok')
    const text = 'x'.repeat(100_000)
    socket.send(text)
    const [echo] = await once(socket, 'message') as [Buffer]
    assert.equal(echo.toString(), text)
    const [server] = sockets.clients
    socket.close()
    assert.ok(server)
    await once(server, 'close')
  })

  it('are refused as other calls are', async () => {
    assert.equal(await refusal(open({authorization: 'Bearer nothing'})), 401)
    assert.equal(await refusal(open({authorization: `Bearer ${control.world.standingToken('free@example.com')}`})), 404)
    assert.equal(await refusal(open({authorization: `Bearer ${control.world.standingToken('me@example.com', ['openid'])}`})), 403)
    assert.equal(await refusal(open({}, '/other/path')), 404)
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    await once(sockets, 'close')
    assert.equal(await refusal(open({})), 502)
  })
})
