import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {request as requestTo} from 'node:http'
import {createServer} from 'node:https'
import type {AddressInfo} from 'node:net'
import {certificate} from '../contract/certificate.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {startProxy, type TestProxy} from '../helpers/proxy.ts'
import {assertRefused, jupyterFor} from '../helpers/workbench.ts'

const google = ['colab.research.google.com', 'colab.pa.googleapis.com', 'colaboratory.googleapis.com', 'oauth2.googleapis.com', 'www.googleapis.com']

describe('row 39: commands behind an HTTP proxy', function () {
  this.timeout(90_000)
  let bench: ColabBench
  let proxy: TestProxy
  let env: Record<string, string>
  let tls: {cert: string; key: string}

  before(async () => {
    bench = await colabBench()
    tls = certificate(bench.home.path, ['DNS:jupyter.test', ...google.map((host) => `DNS:${host}`)].join(','))
    const front = await inFrontOf(Number(new URL(bench.emulator.url).port), tls)
    bench.onRemove(() => front.stop())
    proxy = await startProxy({password: 'me:p@ss', portOf: (target) => (target.endsWith(':443') ? front.port : Number(target.split(':').at(-1)))})
    bench.onRemove(() => proxy.stop())
    env = {HTTPS_PROXY: proxy.url.replace('//', '//me:p%40ss@'), NODE_EXTRA_CA_CERTS: tls.cert}
  })
  after(() => bench?.remove())
  beforeEach(() => {
    proxy.mood = 'ok'
    proxy.asked.length = 0
  })

  const quiet = (text: string): void => assert.doesNotMatch(text, /p@ss|p%40ss|bWU6cEBzcw/)

  it('reach a Jupyter server through it, and say so when it fails', async () => {
    const server = await jupyterFor(bench, {tls, extraArgs: ['--ServerApp.allow_remote_access=True']})
    const added = await bench.cli(['runtime', 'add', server.url.replace('127.0.0.1', 'jupyter.test'), '--token-stdin', '--name', 'far', '--verbose'], {env, input: server.token})
    assert.equal(added.status, 0, added.stderr)
    const ran = await bench.cli(['exec', '-r', 'far', '--verbose', 'print(6 * 7)'], {env})
    assert.deepEqual([ran.status, ran.stdout], [0, '42\n'], ran.stderr)
    assert.ok(proxy.asked.length >= 3 && proxy.asked.every(({target}) => target === `jupyter.test:${server.port}`), JSON.stringify(proxy.asked))
    proxy.mood = 'hang-up'
    const cut = await bench.cli(['exec', '-r', 'far', '1'], {env})
    assertRefused(cut, 69)
    assert.match(cut.stderr, new RegExp(`error: the proxy ${proxy.name} hung up[^]*fix: check HTTPS_PROXY`))
    proxy.mood = 'ok'
    const refused = await bench.cli(['exec', '-r', 'far', '1', '--json', '--verbose'], {env: {...env, HTTPS_PROXY: proxy.url.replace('//', '//me:wrong@')}})
    assert.equal(refused.status, 69, refused.stderr)
    assert.match(refused.stdout, /"PROXY_AUTH_REQUIRED"/)
    assert.doesNotMatch(refused.stdout + refused.stderr, /wrong/)
    quiet(added.stderr + ran.stderr + cut.stderr)
  })

  it('reach Google through it, with its own names and TLS', async () => {
    const own = {...env, CGPU_COLAB_EMULATOR: ''}
    const used = await bench.cli(['usage', '--verbose'], {env: own})
    assert.equal(used.status, 0, used.stderr)
    assert.ok(proxy.asked.length > 0 && proxy.asked.every(({target}) => google.includes(target.replace(/:443$/, ''))), JSON.stringify(proxy.asked))
    proxy.mood = 407
    const refused = await bench.cli(['usage', '--json', '--verbose'], {env: own})
    assert.equal(refused.status, 69, refused.stderr)
    assert.match(refused.stdout, /"code":\s*"PROXY_AUTH_REQUIRED"/)
    assert.ok(refused.stdout.includes(proxy.name), refused.stdout)
    quiet(used.stderr + refused.stdout + refused.stderr)
    const invalid = await bench.cli(['usage'], {env: {...own, HTTPS_PROXY: 'socks5://me:p%40ss@localhost:1080'}})
    assertRefused(invalid, 64)
    quiet(invalid.stderr)
  })

  it('leave an emulator on loopback alone', async () => {
    assert.equal((await bench.cli(['usage'], {env: {...env, HTTP_PROXY: proxy.url, ALL_PROXY: proxy.url}})).status, 0)
    assert.deepEqual(proxy.asked, [])
  })
})

/** TLS in front of the emulator, to which every host is itself. */
async function inFrontOf(port: number, files: {cert: string; key: string}): Promise<{port: number; stop(): Promise<void>}> {
  const server = createServer({cert: readFileSync(files.cert), key: readFileSync(files.key)})
  server.on('request', (request, response) => {
    const {method, url: path, headers} = request
    const behind = requestTo({port, host: '127.0.0.1', method, path, headers: {...headers, host: `127.0.0.1:${port}`}}, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    behind.once('error', () => response.destroy())
    request.pipe(behind)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port, // listening on TCP
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
