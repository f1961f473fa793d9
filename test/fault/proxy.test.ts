import assert from 'node:assert/strict'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {createServer as createTlsServer} from 'node:https'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {getCACertificates, setDefaultCACertificates} from 'node:tls'
import {sender} from '@cgpu/accounts'
import {proxyProblem} from '@cgpu/core/errors'
import {JupyterServer, type Message, type ServerOptions} from '@cgpu/jupyter'
import {proxyFor} from '../../packages/jupyter/src/proxy/route.ts'
import {openTunnel} from '../../packages/jupyter/src/proxy/tunnel.ts'
import {requestFailed} from '../../packages/provider-colab/src/http/errors.ts'
import {Transport} from '../../packages/provider-colab/src/http/transport.ts'
import {certificate} from '../contract/certificate.ts'
import {refusal} from '../helpers/accounts-bed.ts'
import {freePort, startJupyter, type TestJupyter} from '../helpers/jupyter-server.ts'
import {type ProxyMood, setProxies, startProxy, type TestProxy} from '../helpers/proxy.ts'

const names = ['https_proxy', 'http_proxy', 'all_proxy', 'no_proxy'].flatMap(name => [name, name.toUpperCase()])

describe('row 39: HTTP proxies', function () {
  this.timeout(60_000)
  const original = names.map(name => process.env[name])
  const authorities = getCACertificates('default')
  const servers: JupyterServer[] = []
  const traced: string[] = []
  let folder: string
  let tls: {key: Buffer; cert: Buffer}
  let jupyter: TestJupyter
  let proxy: TestProxy

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cgpu-proxy-'))
    const files = certificate(folder, 'DNS:jupyter.test,DNS:google.test,IP:127.0.0.1')
    tls = {key: readFileSync(files.key), cert: readFileSync(files.cert)}
    jupyter = await startJupyter({tls: files, extraArgs: ['--ServerApp.allow_remote_access=True']})
  })
  beforeEach(async () => {
    proxy = await startProxy({password: 'me:p@ss'})
    setProxies({HTTPS_PROXY: proxy.url.replace('//', '//me:p%40ss@')})
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close()
    await proxy.stop()
    setDefaultCACertificates(authorities)
    assert.ok(!/p@ss|p%40ss|bWU6cEBzcw/.test(traced.splice(0).join('\n')), 'no credentials are traced')
  })
  after(async () => {
    for (const [index, name] of names.entries()) {
      if (original[index] === undefined) delete process.env[name]
      else process.env[name] = original[index]
    }
    await jupyter?.stop()
    rmSync(folder, {recursive: true, force: true})
  })

  const away = (url: string): string => url.replace('127.0.0.1', 'jupyter.test')
  function client(options: Partial<ServerOptions> = {ca: tls.cert.toString()}): JupyterServer {
    const server = new JupyterServer({url: away(jupyter.url), token: jupyter.token, trace: line => void traced.push(line), ...options})
    servers.push(server)
    return server
  }
  /** what a command would end with */
  const problem = async (work: Promise<unknown>): Promise<unknown> => work.then(() => assert.fail('it worked'), error => Promise.reject(proxyProblem(error) ?? error))
  const targets = (): string[] => [...new Set(proxy.asked.map(({target}) => target))]

  describe('a Jupyter server behind one', () => {
    it('is reached over a tunnel, which shows the proxy nothing but the host', async () => {
      const server = client()
      assert.match(await server.version(), /^\d/)
      const {id} = await server.startKernel()
      const kernel = await server.openKernel(id)
      let text = ''
      const {status} = await kernel.execute('print(6 * 7)', {onOutput: message => void (text += printed(message))})
      await kernel.close()
      await server.shutdownKernel(id)
      assert.deepEqual([status, text], ['ok', '42\n'])
      assert.deepEqual(targets(), [`jupyter.test:${jupyter.port}`])
      assert.deepEqual(proxy.others, [])
      assert.ok(!Buffer.concat(proxy.seen).includes(jupyter.token), 'the token is inside TLS')
      assert.ok(proxy.asked.length <= 3, `one connection for requests, one for the kernel: ${proxy.asked.length}`)
    })

    it('keeps the proxy\'s credentials from the server', async () => {
      const heard: string[] = []
      const front = await tlsServer(tls, (request, response) => {
        heard.push(JSON.stringify(request.headers))
        response.setHeader('content-type', 'application/json').end('{"version":"1"}')
      })
      await client({url: `https://jupyter.test:${front.port}/`, ca: tls.cert.toString()}).version()
      await front.stop()
      assert.equal(heard.length, 1)
      assert.doesNotMatch(heard.join(), /proxy/i)
    })

    it('goes on after the proxy cut the kernel connection', async () => {
      const server = client()
      const {id} = await server.startKernel()
      const kernel = await server.openKernel(id)
      const lines: string[] = []
      const some = Promise.withResolvers<void>()
      // what is printed until the server has noticed, too, is for nobody
      const go = join(folder, 'go')
      const running = kernel.execute(`import os, time\nfor i in range(30):\n    while i == 5 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)\n    print(i, flush=True)`, {
        onOutput: message => {
          lines.push(...printed(message).split('\n').filter(Boolean))
          if (lines.length >= 5) some.resolve()
        },
      })
      await some.promise
      const back = new Promise<void>(resolve => void kernel.onLink(state => void (state === 'connected' && resolve())))
      proxy.cut()
      await back
      writeFileSync(go, '')
      const {status} = await running
      await kernel.close()
      await server.shutdownKernel(id)
      assert.equal(status, 'ok')
      assert.deepEqual(lines.map(Number), Array.from({length: 30}, (_, index) => index))
      assert.ok(proxy.asked.length >= 3)
    })

    it('is checked by its certificate, which the proxy cannot give', async () => {
      await assert.rejects(client({url: jupyter.url.replace('127.0.0.1', 'other.test'), ca: tls.cert.toString()}).version(), {code: 'TLS'})
      await assert.rejects(client({}).version(), {code: 'TLS'})
    })

    it('is reached without it where NO_PROXY or loopback says so', async () => {
      assert.match(await client({url: jupyter.url, ca: tls.cert.toString()}).version(), /^\d/)
      assert.deepEqual(proxy.asked, [])
      process.env['NO_PROXY'] = '.test'
      await assert.rejects(client().version(), {code: 'NETWORK', message: /^cannot reach jupyter\.test/})
      assert.deepEqual(proxy.asked, [])
    })

    it('works through a proxy that is spoken to over TLS', async () => {
      const secure = await startProxy({tls, password: 'me:p@ss'})
      try {
        setDefaultCACertificates([...authorities, tls.cert.toString()])
        setProxies({ALL_PROXY: secure.url.replace('//', '//me:p%40ss@')})
        const server = client()
        const {id} = await server.startKernel()
        // two heartbeats without a pong would be noticed within the sleep; a busy machine may be late by less
        const kernel = await server.openKernel(id, {heartbeatMs: 2_000})
        const {status} = await kernel.execute('import time; time.sleep(7)')
        assert.deepEqual([status, kernel.state], ['ok', 'connected'])
        assert.equal(secure.asked.length, 2) // a connection for requests, which may be closed when it was idle, and the kernel's
        await kernel.close()
        await server.shutdownKernel(id)
        setDefaultCACertificates(authorities)
        await assert.rejects(problem(client().version()), refusal('PROXY_FAILED', 69, /certificate of the proxy.*NODE_EXTRA_CA_CERTS/s))
      } finally {
        await secure.stop()
      }
    })
  })

  it('tunnels plain http and ws too', async () => {
    const plain = await startJupyter({extraArgs: ['--ServerApp.allow_remote_access=True']})
    try {
      setProxies({http_proxy: proxy.url.replace('//', '//me:p%40ss@')})
      const server = client({url: away(plain.url), token: plain.token})
      const {id} = await server.startKernel()
      const kernel = await server.openKernel(id)
      assert.equal((await kernel.execute('1')).status, 'ok')
      await kernel.close()
      assert.deepEqual(targets(), [`jupyter.test:${plain.port}`])
    } finally {
      await plain.stop()
    }
  })

  const moods: [string, ProxyMood, RegExp, number][] = [
    ['hangs up in the middle of its answer', 'hang-up', /hung up before it had connected to/, 4],
    ['speaks no HTTP', 'garbage', /does not answer as an HTTP proxy does/, 1],
    ['forbids the host', 403, /does not connect to jupyter\.test:\d+: it answered 403/, 1],
    ['cannot reach the host', 502, /it answered 502/, 4],
  ]
  for (const [what, mood, says, attempts] of moods) {
    it(`a proxy that ${what} is named, in a request and in a kernel's connection`, async () => {
      proxy.mood = mood
      const fits = refusal('PROXY_FAILED', 69, new RegExp(`${proxy.name}.*${says.source}|${proxy.name}.*HTTPS_PROXY`, 's'))
      await assert.rejects(problem(client().version()), error => fits(error) && says.test(String(error)) && silent(error))
      assert.equal(proxy.asked.length, attempts)
      await assert.rejects(problem(client().openKernel('00000000-0000-0000-0000-000000000000')), error => fits(error) && says.test(String(error)) && silent(error))
      while (proxy.open > 0) await new Promise(resolve => setTimeout(resolve, 10))
    })
  }

  it('a proxy that is not there is named', async () => {
    const port = await freePort()
    setProxies({HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${port}`})
    await assert.rejects(problem(client().version()), error => refusal('PROXY_FAILED', 69, new RegExp(`127\\.0\\.0\\.1:${port} cannot be reached.*HTTPS_PROXY`, 's'))(error) && silent(error))
  })

  it('a proxy that wants credentials, or others, is named', async () => {
    setProxies({HTTPS_PROXY: proxy.url})
    await assert.rejects(problem(client().version()), refusal('PROXY_AUTH_REQUIRED', 69, new RegExp(`${proxy.name} wants a user name.*HTTPS_PROXY=http://USER:PASSWORD@${proxy.name}`, 's')))
    assert.equal(proxy.asked.length, 1, 'nothing becomes better by asking again')
    setProxies({HTTPS_PROXY: proxy.url.replace('//', '//me:wrong@')})
    await assert.rejects(problem(client().version()), error => refusal('PROXY_AUTH_REQUIRED', 69, /does not take the user name and password in HTTPS_PROXY/)(error) && !String(error).includes('wrong'))
  })

  it('a proxy that never answers is named, and an abort does not wait for it', async () => {
    proxy.mood = 'silent'
    const way = proxyFor(new URL('https://jupyter.test'), process.env)
    assert.ok(way)
    await assert.rejects(problem(openTunnel(way, 'jupyter.test:443', undefined, 100)), error => refusal('PROXY_FAILED', 69, /did not connect to jupyter\.test:443 within 0\.1 s/)(error) && silent(error))
    const stop = new AbortController()
    const stopped = Promise.all([
      assert.rejects(client().request('GET', 'api', {signal: stop.signal}), {message: 'enough'}),
      assert.rejects(client().openKernel('00000000-0000-0000-0000-000000000000', {signal: stop.signal}), {message: 'enough'}),
    ])
    while (proxy.asked.length < 3) await new Promise(resolve => setTimeout(resolve, 10))
    const started = performance.now()
    stop.abort(new Error('enough'))
    await stopped
    assert.ok(performance.now() - started < 20_000)
    while (proxy.open > 0) await new Promise(resolve => setTimeout(resolve, 10))
  })

  it('a variable that names no proxy is refused before anything is connected', async () => {
    setProxies({HTTPS_PROXY: 'socks5://me:p%40ss@127.0.0.1:1'})
    await assert.rejects(problem(client().version()), error => refusal('PROXY_INVALID', 64, /HTTPS_PROXY names a SOCKS proxy/)(error) && silent(error))
  })

  for (const [who, ask] of Object.entries({
    'the control plane': async (url: string) => {
      const sent = new Transport(line => void traced.push(line)).send({method: 'GET', url: new URL(url), headers: {}, timeoutMs: 30_000, maxBytes: 1000})
      const {status, body} = await sent.catch((error: unknown) => Promise.reject(requestFailed(error, 'GET /', 'google.test')))
      return [status, body.toString()]
    },
    'sign-in': async (url: string) => {
      const {status, text} = await sender()({method: 'POST', url, form: {refresh_token: 'a-refresh-token'}})
      return [status, text]
    },
  })) {
    describe(who, () => {
      let google: Awaited<ReturnType<typeof tlsServer>>
      beforeEach(async () => (google = await tlsServer(tls, (_, response) => response.end('{}'))))
      afterEach(() => google.stop())
      const url = (): string => `https://google.test:${google.port}/token`

      it('goes through the proxy, with TLS to the end', async () => {
        setDefaultCACertificates([...authorities, tls.cert.toString()])
        assert.deepEqual(await ask(url()), [200, '{}'])
        assert.deepEqual(targets(), [`google.test:${google.port}`])
        assert.ok(!Buffer.concat(proxy.seen).includes('a-refresh-token'))
        setDefaultCACertificates(authorities)
        await assert.rejects(ask(url()), refusal('TLS_NOT_TRUSTED', 69, /NODE_EXTRA_CA_CERTS/))
      })

      it('names the proxy that refuses or hangs up', async () => {
        const named = new RegExp(proxy.name.replaceAll('.', '\\.'))
        proxy.mood = 'hang-up'
        await assert.rejects(ask(url()), error => refusal('PROXY_FAILED', 69, named)(error) && silent(error))
        proxy.mood = 407
        await assert.rejects(ask(url()), error => refusal('PROXY_AUTH_REQUIRED', 69, named)(error) && silent(error))
        setProxies({https_proxy: 'http://'})
        await assert.rejects(ask(url()), refusal('PROXY_INVALID', 64, /https_proxy/))
      })

      it('does not take it to loopback', async () => {
        setDefaultCACertificates([...authorities, tls.cert.toString()])
        assert.deepEqual(await ask(url().replace('google.test', '127.0.0.1')), [200, '{}'])
        assert.deepEqual(proxy.asked, [])
      })
    })
  }
})

function printed({content}: Message): string {
  return typeof content['text'] === 'string' ? content['text'] : ''
}

/** Neither the message, nor the fix, nor what lies behind it shows the proxy's credentials. */
function silent(error: unknown): boolean {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const shown = `${each.stack} ${JSON.stringify(each, (key, value: unknown) => (key === 'cause' ? undefined : value))}`
    assert.doesNotMatch(shown, /p@ss|p%40ss|bWU6cEBzcw/)
  }
  return true
}

async function tlsServer(tls: {key: Buffer; cert: Buffer}, answer: Parameters<typeof createTlsServer>[1]): Promise<{port: number; stop(): Promise<unknown>}> {
  const server = createTlsServer(tls, answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port, // listening on TCP
    stop: () => new Promise(resolve => {
      server.close(resolve)
      server.closeAllConnections()
    }),
  }
}
