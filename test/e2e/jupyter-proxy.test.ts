import assert from 'node:assert/strict'
import {randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {openJupyterProxy} from '@cgpu/core/jupyter-proxy/open'
import {RunningProxies} from '@cgpu/core/jupyter-proxy/running'
import {JupyterServer} from '@cgpu/jupyter'
import {ask, type ProxyBed, sendRaw, startProxyBed} from '../helpers/proxy-bed.ts'
import {until} from '../helpers/workbench.ts'

describe('a Jupyter proxy', function () {
  this.timeout(60_000)
  let bed: ProxyBed
  before(async () => {
    bed = await startProxyBed({baseUrl: '/user/me/', limits: false})
  })
  after(() => bed?.stop())
  afterEach(() => {
    bed.chaos.refuse(false)
    bed.chaos.mode = 'pass'
  })

  it('is a Jupyter server at the same path with a token of its own', async () => {
    const {proxy, jupyter} = bed
    assert.equal(proxy.url, `http://127.0.0.1:${proxy.port}/user/me/`)
    assert.notEqual(proxy.token, jupyter.token)
    for (const answer of [await ask(proxy, 'api/kernelspecs'), await ask(proxy, `api/kernelspecs?token=${proxy.token}`, {anonymous: true})]) {
      assert.equal(answer.status, 200)
      assert.match(answer.body.toString(), /"python3"/)
    }
    assert.equal((await ask(proxy, '/')).headers.location, '/user/me/')
  })

  it('leads a browser in by a cookie, and takes the token out of the address', async () => {
    const {proxy} = bed
    const html = {accept: 'text/html'}
    const first = await ask(proxy, `files/?token=${proxy.token}&x=1`, {anonymous: true, headers: html})
    assert.deepEqual([first.status, first.headers.location], [302, '/user/me/files/?x=1'])
    const cookie = first.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    assert.equal((await ask(proxy, 'api/status', {anonymous: true, headers: {cookie, 'sec-fetch-site': 'same-origin'}})).status, 200)
    assert.equal((await ask(proxy, 'api/status', {anonymous: true, headers: {cookie, 'sec-fetch-site': 'same-site'}})).status, 403)
  })

  it('carries big files both ways, and parts of them', async () => {
    const {proxy, jupyter} = bed
    const bytes = randomBytes(12 * 1024 * 1024)
    const body = JSON.stringify({type: 'file', format: 'base64', content: bytes.toString('base64')})
    assert.equal((await ask(proxy, 'api/contents/big.bin', {method: 'PUT', body})).status, 201)
    assert.ok(bytes.equals(await readFile(join(jupyter.root, 'big.bin'))))
    assert.ok(bytes.equals((await ask(proxy, 'files/big.bin')).body))
    const part = await ask(proxy, 'files/big.bin', {headers: {range: 'bytes=5-9'}})
    assert.deepEqual([part.status, part.body.equals(bytes.subarray(5, 10))], [206, true])
  })

  it('carries a kernel, its binary messages and its streams', async () => {
    const server = new JupyterServer({url: bed.proxy.url, token: bed.proxy.token})
    const {id} = await server.startKernel()
    const kernel = await server.openKernel(id)
    let text = ''
    await kernel.execute('print("x" * 600_000)', {onOutput: ({content}) => void (text += typeof content['text'] === 'string' ? content['text'] : '')})
    assert.equal(text.trim().length, 600_000, text.slice(0, 400))
    await kernel.close()
    await server.shutdownKernel(id)
    server.close()
  })

  describe('when it is attacked', () => {
    const host = (): string => `Host: 127.0.0.1:${bed.proxy.port}`
    const token = (): string => `Authorization: token ${bed.proxy.token}`
    const websocket = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
    const cases: {name: string; lines: () => string[]; body?: string; status: number}[] = [
      {name: 'no token', lines: () => ['GET /user/me/api/status HTTP/1.1', host()], status: 401},
      {name: 'a wrong token', lines: () => ['GET /user/me/api/status HTTP/1.1', host(), 'Authorization: token 123'], status: 401},
      {name: 'the runtime’s own token', lines: () => ['GET /user/me/api/status HTTP/1.1', host(), `Authorization: token ${bed.jupyter.token}`], status: 401},
      {name: 'the token in a header of another name', lines: () => ['GET /user/me/api/status HTTP/1.1', host(), `X-Colab-Runtime-Proxy-Token: ${bed.proxy.token}`, `Cookie: token=${bed.proxy.token}`], status: 401},
      {name: 'the token in the path', lines: () => [`GET /user/me/api/status;token=${bed.proxy.token} HTTP/1.1`, host()], status: 401},
      {name: 'a name that was made to resolve here', lines: () => ['GET /user/me/api/status HTTP/1.1', `Host: evil.example:${bed.proxy.port}`, token()], status: 403},
      {name: 'no Host', lines: () => ['GET /user/me/api/status HTTP/1.0', token()], status: 403},
      {name: 'two Hosts', lines: () => ['GET /user/me/api/status HTTP/1.1', host(), 'Host: evil.example', token()], status: 403},
      {name: 'another site’s page', lines: () => ['POST /user/me/api/kernels HTTP/1.1', host(), token(), 'Origin: https://evil.example', 'Content-Length: 0'], status: 403},
      {name: 'another site’s preflight', lines: () => ['OPTIONS /user/me/api/kernels HTTP/1.1', host(), 'Origin: https://evil.example', 'Access-Control-Request-Method: DELETE'], status: 403},
      {name: 'an absolute address', lines: () => [`GET http://evil.example/user/me/api/status HTTP/1.1`, host(), token()], status: 400},
      {name: 'its own address in absolute form', lines: () => [`GET http://127.0.0.1:${bed.proxy.port}/user/me/api/status HTTP/1.1`, host(), token()], status: 400},
      {name: 'a path that climbs', lines: () => ['GET /user/me/../../api/status HTTP/1.1', host(), token()], status: 400},
      {name: 'a path that climbs, encoded', lines: () => ['GET /user/me/%2e%2e/%2E%2e/api/status HTTP/1.1', host(), token()], status: 400},
      {name: 'a path beside the server’s', lines: () => ['GET /user/mean/api/status HTTP/1.1', host(), token()], status: 404},
      {name: 'a path like an address', lines: () => ['GET //evil.example/%2f.. HTTP/1.1', host(), token()], status: 404},
      {name: 'a length and chunks', lines: () => ['POST /user/me/api/kernels HTTP/1.1', host(), token(), 'Content-Length: 4', 'Transfer-Encoding: chunked'], body: '0\r\n\r\nGET /user/me/api/status HTTP/1.1\r\n\r\n', status: 400},
      {name: 'two lengths', lines: () => ['POST /user/me/api/kernels HTTP/1.1', host(), token(), 'Content-Length: 4', 'Content-Length: 5'], body: 'abcde', status: 400},
      {name: 'odd chunks', lines: () => ['POST /user/me/api/kernels HTTP/1.1', host(), token(), 'Transfer-Encoding: xchunked'], body: '0\r\n\r\n', status: 400},
      {name: 'a header with a space before its colon', lines: () => ['POST /user/me/api/kernels HTTP/1.1', host(), token(), 'Content-Length : 4'], body: 'abcd', status: 400},
      {name: 'a WebSocket without a token', lines: () => ['GET /user/me/api/kernels/x/channels HTTP/1.1', host(), ...websocket], status: 401},
      {name: 'another site’s WebSocket', lines: () => ['GET /user/me/api/kernels/x/channels HTTP/1.1', host(), ...websocket, token(), 'Origin: http://evil.example'], status: 403},
      {name: 'an upgrade to something else', lines: () => ['GET /user/me/api/status HTTP/1.1', host(), token(), 'Connection: Upgrade', 'Upgrade: h2c'], status: 400},
    ]
    for (const {name, lines, body, status} of cases) {
      it(`answers ${status} to ${name}`, async () => {
        const passed = bed.chaos.connections
        const answer = await sendRaw(bed.proxy.port, lines(), body)
        assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
        assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1)
        assert.ok(!answer.includes(bed.proxy.token) && !answer.includes(bed.jupyter.token))
        assert.equal(bed.chaos.connections, passed, 'the runtime heard of it')
      })
    }

    it('closes at CONNECT', async () => assert.equal(await sendRaw(bed.proxy.port, ['CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example:443']), ''))
  })

  it('stays while the runtime cannot be reached, and says so', async () => {
    const {proxy, chaos, links} = bed
    chaos.refuse()
    chaos.rstAll()
    const failed = await ask(proxy, 'api/status')
    // what JupyterLab takes for a server that will be back, and not for a kernel that died
    assert.equal(failed.status, 503)
    assert.match(failed.body.toString(), /"message":"cannot reach 127\.0\.0\.1:\d+ \(ECONNRESET\)"/)
    chaos.refuse(false)
    assert.equal((await ask(proxy, 'api/status')).status, 200)
    assert.deepEqual(links, ['unreachable', 'reachable'])
  })

  it('waits for the network with a WebSocket that is asked for meanwhile', async () => {
    const {WebSocket} = await import('ws')
    const server = new JupyterServer({url: bed.proxy.url, token: bed.proxy.token})
    const {id} = await server.startKernel()
    const before = bed.chaos.refused
    bed.chaos.refuse()
    bed.chaos.rstAll()
    const socket = new WebSocket(`${bed.proxy.url.replace('http', 'ws')}api/kernels/${id}/channels?token=${bed.proxy.token}`)
    const opened = once(socket, 'open')
    await until(() => bed.chaos.refused > before, () => 'it was not tried')
    bed.chaos.refuse(false)
    await opened
    socket.terminate()
    await server.shutdownKernel(id)
    server.close()
  })

  it('ends a WebSocket whose way is dead, so that its client looks for another', async () => {
    const {WebSocket} = await import('ws')
    const server = new JupyterServer({url: bed.proxy.url, token: bed.proxy.token})
    const {id} = await server.startKernel()
    const socket = new WebSocket(`${bed.proxy.url.replace('http', 'ws')}api/kernels/${id}/channels?token=${bed.proxy.token}`)
    await once(socket, 'open')
    bed.chaos.freezeExisting()
    await once(socket, 'close')
    await server.shutdownKernel(id)
    server.close()
  })

  it('is found by other commands while it is open', async () => {
    const running = new RunningProxies(bed.cgpu.dirs.state)
    const {id} = await bed.cgpu.runtimes.select('bed')
    assert.deepEqual(await running.find(id), {url: bed.proxy.url, port: bed.proxy.port, token: bed.proxy.token, pid: process.pid})
    const file = join(bed.cgpu.dirs.state, 'jupyter-proxies', '1-1.json')
    await writeFile(file, JSON.stringify({version: 1, id, url: 'http://127.0.0.1:1/', port: 1, token: 'old', owner: {pid: 2 ** 22 + 1, host: JSON.parse(await readFile(join(bed.cgpu.dirs.state, 'jupyter-proxies', `${process.pid}-${bed.proxy.port}.json`), 'utf8')).owner.host}}))
    assert.equal((await running.find(id))?.pid, process.pid)
    await assert.rejects(readFile(file), {code: 'ENOENT'})
  })

  it('renews a lease while it is used, and not for a page that only looks', async () => {
    const record = await bed.cgpu.runtimes.select('bed')
    // a quarter of it is the least that is waited, a second
    const leased = await openJupyterProxy(bed.cgpu, {...record, lease: {seconds: 1, renewedAt: new Date().toISOString()}})
    const server = new JupyterServer({url: bed.jupyter.url, token: bed.jupyter.token})
    // what renews it is the agent, in a kernel of its own
    const renewed = async (): Promise<boolean> => (await server.listSessions()).some(({path}) => path.endsWith('cgpu-control'))
    try {
      const looked = Date.now()
      await until(async () => {
        await ask(leased, 'api/sessions')
        return Date.now() - looked > 2_500
      }, () => '')
      assert.equal(await renewed(), false)
      await ask(leased, 'api/contents', {method: 'POST', body: '{"type":"file"}'})
      await until(renewed, () => 'the agent was not asked')
    } finally {
      await leased.close()
      server.close()
    }
  })

  it('works for clients without XSRF tokens before a server that has no token', async () => {
    const open = await startProxyBed({token: ''})
    try {
      const made = await ask(open.proxy, 'api/contents', {method: 'POST', body: '{"type":"file"}'})
      assert.equal(made.status, 201, made.body.toString())
    } finally {
      await open.stop()
    }
  })

  // the last: the runtime is gone afterwards
  it('ends when the runtime is released', async () => {
    await bed.cgpu.runtimes.release([await bed.cgpu.runtimes.select('bed')])
    const error = await bed.proxy.ended
    assert.deepEqual([error.code, error.exit], ['RUNTIME_RECLAIMED', 71])
  })
})
