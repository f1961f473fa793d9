import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {readdirSync, readFileSync} from 'node:fs'
import {readdir, readFile, stat} from 'node:fs/promises'
import {createServer, type RequestListener} from 'node:http'
import {join} from 'node:path'
import {freePort, type TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, jupyterFor, type Workbench, workbench} from '../helpers/workbench.ts'

describe('cgpu runtime add', function () {
  this.timeout(90_000)
  let bench: Workbench
  let server: TestJupyter
  before(async () => {
    bench = await workbench()
    server = await jupyterFor(bench)
  })
  after(() => bench.remove())
  const add = (url: string, flags: string[] = [], token = server.token) => bench.cli(['runtime', 'add', url, '--token-stdin', ...flags], {input: token})

  /** A server that is no Jupyter server. */
  async function other(answer: RequestListener): Promise<string> {
    const http = createServer(answer).listen(0, '127.0.0.1')
    await new Promise((resolve) => http.once('listening', resolve))
    bench.onRemove(() => new Promise((resolve) => {
      http.close(resolve)
      http.closeAllConnections()
    }))
    const address = http.address()
    assert.ok(address !== null && typeof address === 'object')
    return `http://127.0.0.1:${address.port}/`
  }

  it('refuses what is not the address of a server that answers as one', async () => {
    const cases: [url: string, status: number][] = [
      ['', 64], ['no sense', 64], ['cgpu-no-such-host.invalid', 69], ['ftp://127.0.0.1/', 64], ['http://', 64], ['file:///etc/passwd', 64], ['http://user:secret@127.0.0.1/', 64], [`http://127.0.0.1:${await freePort()}/`, 69],
      [await other((_, response) => response.setHeader('content-type', 'text/html').end('<html>hello</html>')), 69],
      [await other((_, response) => response.writeHead(302, {location: 'http://elsewhere.invalid/lab'}).end()), 69],
      [await other((_, response) => response.writeHead(500).end('broken')), 69],
      [await other((request) => request.socket.destroy()), 69],
    ]
    for (const [url, status] of cases) {
      const result = await add(url)
      assertRefused(result, status, url)
      assert.ok(!result.stderr.includes(server.token) && !result.stderr.includes('secret@'), result.stderr)
    }
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('refuses a wrong token, an empty one and one that is none', async () => {
    assertRefused(await add(server.url, [], 'wrong-token'), 67)
    assertRefused(await add(server.url, [], ''), 64)
    assertRefused(await add(server.url, [], 'two words'), 64)
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('keeps the token in the secrets only, and shows it nowhere', async () => {
    const added = await bench.cli(['runtime', 'add', server.url, '--token-stdin', '--name', 'lab', '--verbose'], {input: `${server.token}\n`})
    assert.equal(added.status, 0, added.stderr)
    const used = await bench.cli(['exec', '--verbose', '-r', 'lab', 'print(6 * 7)'])
    assert.equal(used.stdout, '42\n')
    for (const said of [added.stdout, added.stderr, used.stderr, (await bench.cli(['runtime', 'show', 'lab', '--json'])).stdout]) assert.ok(!said.includes(server.token))
    const holders: string[] = []
    for (const file of await readdir(bench.home.path, {recursive: true, withFileTypes: true})) {
      if (file.isFile() && (await readFile(join(file.parentPath, file.name), 'latin1')).includes(server.token)) holders.push(join(file.parentPath, file.name))
    }
    assert.ok(holders.length >= 1 && holders.every((path) => /secrets\.json(\.bak)?$/.test(path)), holders.join())
    for (const path of holders) assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.ok(readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).every((pid) => !commandLine(pid).includes(server.token)))
  })

  it('knows a server that it has already', async () => {
    assert.equal((await add(server.url, ['--name', 'lab2'])).status, 0)
    assert.deepEqual((await bench.data<{name: string}[]>(['runtime', 'list'])).map(({name}) => name), ['lab2'])
  })

  it('is forgotten by release, and goes on', async () => {
    assert.match((await bench.cli(['stop', 'lab2'])).stdout, /^forgot lab2; its server goes on\n$/)
    assert.equal((await fetch(`${server.url}api`)).status, 200)
    assert.equal((await add(server.url, ['--name', 'lab'])).status, 0)
  })

  it('trusts an unknown authority only by --ca', async () => {
    const at = (name: string) => join(bench.home.path, name)
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=cgpu test', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', at('key.pem'), '-out', at('cert.pem')], {encoding: 'utf8'})
    assert.equal(made.status, 0, made.stderr)
    const secure = await jupyterFor(bench, {tls: {cert: at('cert.pem'), key: at('key.pem')}})
    const refused = await add(secure.url, [], secure.token)
    assertRefused(refused, 69)
    assert.match(refused.stderr, /certificate[^]*--ca/)
    assertRefused(await add(secure.url, ['--ca', 'none.pem'], secure.token), 66)
    await bench.file('no.pem', 'not a certificate')
    assertRefused(await add(secure.url, ['--ca', 'no.pem'], secure.token), [64, 65, 69])
    const added = await add(secure.url, ['--ca', at('cert.pem'), '--name', 'secure'], secure.token)
    assert.equal(added.status, 0, added.stderr)
    const {status, stdout, stderr} = await bench.cli(['run', '-r', 'secure', '--', 'echo', 'safe'])
    assert.deepEqual([status, stdout], [0, 'safe\n'], stderr)
  })

  it('says what is the matter when the server is gone', async () => {
    await server.kill()
    for (const args of [['exec', '-r', 'lab', '1'], ['run', '-r', 'lab', '--', 'true'], ['cp', 'lab:x', 'y'], ['job', 'list', '-r', 'lab']]) {
      assertRefused(await bench.cli(args), 69, args.join(' '))
    }
    const listed = await bench.cli(['runtime', 'list'])
    assert.equal(listed.status, 0)
    assert.match(listed.stdout, /lab +jupyter +.*unreachable/)
    assert.equal((await bench.cli(['stop', 'lab'])).status, 0)
  })
})

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return '' // it ended meanwhile
  }
}
