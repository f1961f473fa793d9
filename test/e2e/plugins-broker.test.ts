import assert from 'node:assert/strict'
import {once} from 'node:events'
import {createServer, type IncomingMessage, type Server} from 'node:http'
import {text} from 'node:stream/consumers'
import {envelope} from '../helpers/cli.ts'
import {installFixture} from '../helpers/untrusted.ts'
import {type Workbench, workbench} from '../helpers/workbench.ts'

describe('an untrusted plugin that was granted something', () => {
  let bench: Workbench
  const servers: Server[] = []
  const seen: {path: string | undefined; method: string | undefined; key: unknown; body: string}[] = []
  const ports: number[] = []

  async function serve(answer: (request: IncomingMessage) => {status: number; location?: string; body?: string}): Promise<number> {
    const server = createServer((request, response) => {
      void text(request).then((sent) => {
        seen.push({path: request.url, method: request.method, key: request.headers['x-key'], body: sent})
        const {status, location, body = ''} = answer(request)
        response.writeHead(status, location === undefined ? {} : {location}).end(body)
      })
    }).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  before(async () => {
    bench = await workbench()
    ports.push(await serve(({url}) => ({status: 200, body: `got ${url}`})))
    ports.push(await serve(({url}) => (url === '/away' ? {status: 307, location: `http://127.0.0.1:${ports[0]}/there`} : {status: 302, location: `http://localhost:${ports[0]}/other`})))
    await installFixture(bench.home, 'friend', {acceptsNetwork: true, granted: [
      {use: 'kernel', reason: 'x'}, {use: 'runtimes', access: 'manage', reason: 'x'}, {use: 'net', hosts: [`127.0.0.1:${ports[0]}`, `127.0.0.1:${ports[1]}`, '*.example.com'], reason: 'x'},
    ]})
  })
  after(async () => {
    for (const server of servers) server.close()
    await bench.remove()
  })

  it('makes a machine, runs code on it and releases it, by cgpu', async function () {
    this.timeout(120_000)
    const result = await bench.cli(['friend', 'measure', '--json'])
    const answer = envelope<object>(result)
    assert.deepEqual(answer.data, {stdout: 'printed\n', result: '42', error: 'ZeroDivisionError', exitStatus: 1, listed: ['measured']}, result.stdout + result.stderr)
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
    assert.deepEqual((await bench.data<{status: string}[]>(['history', 'list'])).map(({status}) => status), ['error', 'ok', 'ok'])
  })

  it('fetches from the hosts that were named, and follows only to them', async () => {
    seen.length = 0
    const fetched = await bench.data<object>(['friend', 'fetch', `http://127.0.0.1:${ports[1]}/away`])
    assert.deepEqual(fetched, {status: 200, url: `http://127.0.0.1:${ports[0]}/there`, body: 'got /there'})
    // neither the key nor the body is another origin's
    assert.deepEqual(seen, [{path: '/away', method: 'POST', key: 'key', body: 'sent'}, {path: '/there', method: 'GET', key: undefined, body: ''}])
    seen.length = 0
    const refused = await bench.cli(['friend', 'fetch', `http://127.0.0.1:${ports[1]}/elsewhere`])
    assert.deepEqual([refused.status, refused.stderr.split('\n')[0]], [75, `error: cgpu-plugin-friend was not granted to reach localhost:${ports[0]}`])
    assert.deepEqual(seen.map(({path}) => path), ['/elsewhere'])
  })
})
