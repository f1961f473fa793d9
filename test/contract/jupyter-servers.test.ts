import assert from 'node:assert/strict'
import {once} from 'node:events'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import {type AddressInfo, connect, createServer as createTcpServer} from 'node:net'
import {join} from 'node:path'
import type {RuntimeProvider} from '@cgpu/core/provider'
import {JupyterServer} from '@cgpu/jupyter'
import {createProvider} from '@cgpu/provider-jupyter'
import {startJupyter, type TestJupyter} from '../helpers/jupyter-server.ts'
import {certificate} from './certificate.ts'
import {type Sealed, sealedContext} from './local-context.ts'
import {compute, rejects} from './provider.ts'

describe('adding Jupyter servers', function () {
  this.timeout(60_000)
  let sealed: Sealed
  let provider: RuntimeProvider
  let jupyter: TestJupyter
  const closing: (() => Promise<unknown>)[] = []

  before(async () => {
    jupyter = await startJupyter({baseUrl: '/user/me/'})
  })
  after(() => jupyter.stop())
  beforeEach(() => {
    sealed = sealedContext()
    provider = createProvider(sealed.context)
  })
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()))
    sealed.remove()
  })

  const add = (url: string, token?: string, ca?: string) =>
    provider.add?.({url, ...(token === undefined ? {} : {token}), ...(ca === undefined ? {} : {ca})}) ?? assert.fail('jupyter can add')
  const state = (): string => readFileSync(join(sealed.context.stateDir, 'servers.json'), 'utf8')

  /** A web server that is no Jupyter, and everything that it was asked. */
  async function web(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<{url: string; seen: IncomingMessage[]}> {
    const seen: IncomingMessage[] = []
    const server: Server = createServer((request, response) => {
      seen.push(request)
      answer(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(resolve)
    }))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return {url: `http://127.0.0.1:${address.port}/`, seen}
  }

  it('understands a URL as it stands in the browser, and moves its token to the secrets', async () => {
    const runtime = await add(`${jupyter.url}lab/tree/a.ipynb?token=${jupyter.token}#x`)
    assert.equal(runtime.endpointUrl, jupyter.url)
    assert.ok(!state().includes(jupyter.token))
    const endpoint = await createProvider(sealed.context).connect(runtime.id)
    assert.deepEqual([endpoint.url, endpoint.token], [jupyter.url, jupyter.token])
    assert.equal(await compute(endpoint, '2**10'), '1024')
  })

  it('keeps one entry per server, with the last token', async () => {
    const first = await add(jupyter.url, jupyter.token)
    const again = await add(`${jupyter.url}tree`)
    assert.equal(again.id, first.id)
    await rejects(add(jupyter.url, 'wrong'), 'TOKEN_REFUSED', 67)
    assert.equal((await provider.connect(first.id)).token, jupyter.token, 'a refused token replaces nothing')
    assert.equal((await provider.list()).length, 1)
  })

  it('tells a missing token from a wrong one', async () => {
    await rejects(add(jupyter.url), 'TOKEN_REQUIRED', 67)
    await rejects(add(jupyter.url, 'wrong'), 'TOKEN_REFUSED', 67)
    assert.deepEqual(await provider.list(), [])
    for (const odd of ['', ' ', 'a b', 'a\r\nX-Evil: 1', '\u0000', 'é']) await rejects(add(jupyter.url, odd), 'INVALID_TOKEN', 64)
  })

  it('takes a server without a token', async () => {
    const open = await startJupyter({token: ''})
    closing.push(() => open.stop())
    const runtime = await add(open.url)
    assert.equal((await provider.connect(runtime.id)).token, undefined)
    assert.equal((await provider.get(runtime.id))?.state, 'ready')
  })

  it('shows a server whose token has changed as unauthorized, and does not drop it', async () => {
    const [before, after] = await Promise.all(['a', 'b'].map((letter) => startJupyter({token: letter.repeat(40)})))
    assert.ok(before && after)
    closing.push(() => after.stop())
    let {port} = before
    // at one address, whose port nobody can take in between
    const front = createTcpServer((socket) => {
      const server = connect(port, '127.0.0.1')
      for (const end of [socket, server]) end.on('error', () => undefined)
      socket.pipe(server).pipe(socket)
    }).listen(0, '127.0.0.1')
    closing.push(async () => front.close())
    await once(front, 'listening')
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}/` // it listens by TCP
    const runtime = await add(url, before.token)
    await before.stop()
    ;({port} = after)
    assert.equal((await provider.get(runtime.id))?.state, 'unauthorized')
    assert.equal((await add(url, after.token)).id, runtime.id)
    assert.equal((await provider.get(runtime.id))?.state, 'ready')
  })

  it('trusts a certificate only with its authority', async () => {
    const tls = certificate(sealed.root)
    const secure = await startJupyter({tls})
    closing.push(() => secure.stop())
    const refused = await rejects(add(secure.url, secure.token), 'TLS_NOT_TRUSTED', 69)
    assert.match(refused.fix ?? '', /--ca/)
    const runtime = await add(secure.url, secure.token, readFileSync(tls.cert, 'utf8'))
    assert.equal((await provider.get(runtime.id))?.state, 'ready')
    assert.equal(await compute(await createProvider(sealed.context).connect(runtime.id), '5*5'), '25')
    await rejects(add(secure.url, secure.token, 'no certificate'), 'INVALID_CA', 64)
  })

  it('says so when nobody answers', async () => {
    await rejects(add('http://127.0.0.1:1/', 'token'), 'RUNTIME_UNREACHABLE', 69)
  })

  const strangers: [string, (request: IncomingMessage, response: ServerResponse) => void, string][] = [
    ['HTML', (_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><h1>hello</h1>'), 'NOT_JUPYTER'],
    ['other JSON', (_, response) => response.end('{"hello": 1}'), 'NOT_JUPYTER'],
    ['a version of the wrong type', (_, response) => response.end('{"version": {"a": 1}}'), 'NOT_JUPYTER'],
    ['an array', (_, response) => response.end('[]'), 'NOT_JUPYTER'],
    ['nothing', (_, response) => response.end(), 'NOT_JUPYTER'],
    ['half JSON', (_, response) => response.end('{"version": "2'), 'NOT_JUPYTER'],
    ['deep JSON', (_, response) => response.end('['.repeat(200_000)), 'NOT_JUPYTER'],
    ['giant JSON', (_, response) => response.end(`{"version": "${'x'.repeat(20_000_000)}"}`), 'NOT_JUPYTER'],
    ['404', (_, response) => response.writeHead(404).end('no'), 'NOT_JUPYTER'],
    ['500', (_, response) => response.writeHead(500).end('no'), 'SERVER_ERROR'],
  ]
  for (const [what, answer, code] of strangers) {
    it(`refuses a server that answers ${what}, without showing it the token`, async () => {
      const {url, seen} = await web(answer)
      await rejects(add(url, 'tok-1234567890'), code, 69)
      assert.ok(seen.length > 0)
      for (const {headers, url: path} of seen) assert.ok(!`${JSON.stringify(headers)}${path}`.includes('tok-1234567890'))
      assert.deepEqual(await provider.list(), [])
    })
  }

  it('follows no redirect, and says where it leads', async () => {
    const target = await web((_, response) => response.end('{"version": "2"}'))
    const {url, seen} = await web((_, response) => response.writeHead(302, {location: `${target.url}elsewhere/api?token=x`}).end())
    const error = await rejects(add(url, 'tok-1234567890'), 'REDIRECTED', 69)
    assert.ok(error.message.includes(`${target.url}elsewhere/api`), error.message)
    assert.equal(target.seen.length, 0)
    for (const {headers} of seen) assert.equal(headers.authorization, undefined)
  })

  it('takes a redirect to a sign-in page for a refused token', async () => {
    const {url} = await web((_, response) => response.writeHead(302, {location: '/hub/login?next=x'}).end())
    await rejects(add(`${url}user/me/`, 'wrong'), 'TOKEN_REFUSED', 67)
    await rejects(add(`${url}user/me/`), 'TOKEN_REQUIRED', 67)
  })

  it('shuts down cgpu\'s own kernels on release, and nothing else', async () => {
    const runtime = await add(jupyter.url, jupyter.token)
    const server = new JupyterServer(await provider.connect(runtime.id))
    const sessions = await Promise.all([
      ['cgpu', 'console'], ['cgpu-control', 'console'], ['cgpu-notes.ipynb', 'notebook'], ['work.ipynb', 'notebook'],
    ].map(([path = '', type = '']) => server.ensureSession({path, type, name: path})))
    const alone = await server.startKernel()
    await provider.release(runtime.id)
    assert.deepEqual((await server.listSessions()).map(({path}) => path).sort(), ['cgpu-notes.ipynb', 'work.ipynb'])
    assert.ok(await server.getKernel(alone.id))
    assert.equal(await sealed.context.secrets.get(`jupyter:${runtime.id}:token`), undefined)
    for (const {id} of sessions) await server.deleteSession(id)
    await server.shutdownKernel(alone.id)
    server.close()
  })

  it('forgets a server that is gone', async () => {
    const gone = await startJupyter()
    const runtime = await add(gone.url, gone.token)
    await gone.stop()
    assert.equal((await provider.get(runtime.id))?.state, 'unreachable')
    await provider.release(runtime.id)
    assert.deepEqual(await provider.list(), [])
  })

  for (const [what, text] of [['empty', ''], ['half', '{"version": 1, "serv'], ['of wrong types', '{"version": 1, "servers": {"a": {"url": 7}}}']] as const) {
    it(`goes on when its file is ${what}`, async () => {
      mkdirSync(sealed.context.stateDir, {recursive: true})
      writeFileSync(join(sealed.context.stateDir, 'servers.json'), text)
      assert.deepEqual(await provider.list(), [])
      assert.equal((await add(jupyter.url, jupyter.token)).state, 'ready')
      assert.equal((await provider.list()).length, 1)
    })
  }
})
