import assert from 'node:assert/strict'
import {once} from 'node:events'
import {connect, createServer, type AddressInfo} from 'node:net'
import type {ForwardView} from '@cgpu/core/ports/record'
import type {RemoteListener} from '@cgpu/core/ports/listeners'
import {colabBench} from '../helpers/colab-bench.ts'
import {freePort} from '../helpers/jupyter-server.ts'
import {Watched} from '../helpers/watched.ts'
import {echoed, fetchJson, startWebServer, type WebServer} from '../helpers/web-server.ts'
import {assertRefused, jupyterThere, places, until, type Workbench, workbench} from '../helpers/workbench.ts'

const everywhere = [
  ...places.map(({place, make}) => ({
    place,
    open: async () => {
      const bench = await workbench()
      await make(bench)
      return bench
    },
  })),
  {
    place: 'an emulated Colab',
    open: async (): Promise<Workbench> => {
      const bench = await colabBench()
      assert.equal((await bench.cli(['runtime', 'create', '--name', 'there', '--cpu'])).status, 0)
      return bench
    },
  },
]

for (const {place, open} of everywhere) {
  describe(`ports of ${place}`, function () {
    this.timeout(60_000)
    let bench: Workbench
    let web: WebServer
    const begun: Watched[] = []
    const list = (): Promise<ForwardView[]> => bench.data<ForwardView[]>(['port', 'list'])
    const forward = (...args: string[]): Watched => {
      const forwarding = Watched.cgpu(['port', 'forward', ...args], {home: bench.home})
      begun.push(forwarding)
      return forwarding
    }
    const local = async (forwarding: Watched): Promise<string> => {
      await forwarding.shows('stdout', /^127\.0\.0\.1:\d+ -> /)
      return /^(127\.0\.0\.1:\d+) ->/.exec(forwarding.stdout)?.[1] ?? ''
    }

    before(async () => {
      bench = await open()
      web = await startWebServer()
    })
    afterEach(async () => {
      await bench.cli(['port', 'close', '--all'])
      await Promise.all(begun.splice(0).map(({exit}) => exit))
    })
    after(async () => {
      await web?.close()
      await bench?.remove()
    })

    it('carry HTTP and WebSockets, several at once, until Ctrl-C', async () => {
      const other = await startWebServer()
      const forwarding = forward('there', `0:${web.port}`, `127.0.0.1:0:localhost:${other.port}`)
      await forwarding.shows('stdout', /\n127.*\n/)
      const [first = '', second = ''] = [...forwarding.stdout.matchAll(/^(127\S+) -> there:(\d+)$/gm)].map((match) => match[1])
      assert.deepEqual(await fetchJson(`http://${first}/a?b`), {method: 'GET', url: '/a?b', host: first, body: ''})
      assert.equal((await fetchJson(`http://${second}/`))['host'], second)
      assert.equal(await echoed(`ws://${first}/socket`, 'grüße'), 'grüße')
      const [record] = await list()
      assert.deepEqual([record?.state, record?.pid, record?.background, record?.runtime], ['open', forwarding.child.pid, false, 'there'])
      forwarding.child.kill('SIGINT')
      assert.deepEqual(await forwarding.exit, {status: 0, signal: null})
      assert.match(forwarding.stderr, /^closed after 3 connections, .* sent and .* received$/m)
      assert.deepEqual(await list(), [])
      await other.close()
    })

    it('are forwarded in the background, listed with what went through, and closed', async () => {
      const made = await bench.data<ForwardView>(['port', 'forward', `0:${web.port}`, '--detach'])
      assert.deepEqual([made.state, made.background], ['open', true])
      await fetchJson(`http://${made.forwards[0]?.local ?? ''}/`)
      await until(async () => (await list())[0]?.bytesReceived !== 0, () => 'nothing went through')
      const [listed] = await list()
      assert.match((await bench.cli(['port', 'list', 'there'])).stdout, new RegExp(`^${made.id} `, 'm'))
      assert.match((await bench.cli(['port', 'list', 'other'])).stderr, /no port of other is forwarded/)
      assert.deepEqual([listed?.id, listed?.pid, listed?.connections], [made.id, made.pid, 1])
      const port = made.forwards[0]?.local.split(':')[1] ?? ''
      assertRefused(await bench.cli(['port', 'forward', `${port}:${web.port}`]), 72, 'a port that is in use')
      const closed = await bench.cli(['port', 'close', port])
      assert.deepEqual([closed.status, closed.stdout], [0, `closed ${made.id} (${port}, to there)\n`])
      assert.deepEqual(await list(), [])
      await assert.rejects(fetchJson(`http://127.0.0.1:${port}/`))
    })

    it('that nobody listens on are said, now and then, and connections to them are broken off', async () => {
      const port = await freePort()
      const forwarding = forward(`0:${port}`)
      const [host, here] = (await local(forwarding)).split(':')
      await Promise.all(Array.from({length: 20}, () => {
        const socket = connect(Number(here), host)
        return new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve))
      }))
      await forwarding.shows('stderr', /nothing listens on/)
      const lines = forwarding.stderr.trimEnd().split('\n')
      assert.deepEqual(new Set(lines), new Set([`nothing listens on port ${port} of there`]))
      assert.ok(lines.length < 20, `${lines.length} lines for 20 connections`)
    })

    it('of the machine lead here, in reverse', async () => {
      const forwarding = forward('there', '--reverse', `0:${web.port}`)
      await forwarding.shows('stdout', /->/)
      const port = /^127\.0\.0\.1:(\d+) of there -> localhost:\d+$/m.exec(forwarding.stdout)?.[1] ?? assert.fail(forwarding.stdout)
      const asked = `import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:${port}/from-there").read().decode())`
      const ran = await bench.cli(['exec', asked])
      assert.match(ran.stdout, /"url":"\/from-there"/, ran.stderr)
      assertRefused(await bench.cli(['port', 'forward', 'there', '--reverse', `${port}:${web.port}`]), 72, 'a port of the machine that is in use')
      forwarding.child.kill('SIGINT')
      assert.deepEqual(await forwarding.exit, {status: 0, signal: null})
      // a machine that has no time is not waited for
      await until(async () => /Connection refused/.test((await bench.cli(['exec', asked])).stderr), () => 'the machine still listens')
    })

    if (place === places[0]?.place) it('are given up by the machine soon after their process was killed', async () => {
      const ends: string[] = []
      const server = createServer((socket) => {
        ends.push('open')
        socket.on('error', () => undefined).once('close', () => ends.push('closed')).resume()
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const {port} = server.address() as AddressInfo // it listens by TCP
      const forwarding = forward(`0:${port}`, '--reverse', `0:${web.port}`)
      await forwarding.shows('stdout', /\n127.*\n/)
      const [, there = ''] = /^127\.0\.0\.1:(\d+) of there/m.exec(forwarding.stdout) ?? []
      const [host, here] = (await local(forwarding)).split(':')
      const socket = connect(Number(here), host).on('error', () => undefined)
      await until(() => ends.length === 1, () => 'nobody came')
      forwarding.child.kill('SIGKILL')
      await forwarding.exit
      socket.destroy()
      // opened again at once it has the port that the machine still held
      const again = forward('--reverse', `${there}:${web.port}`)
      await again.shows('stdout', /->/)
      again.child.kill('SIGINT')
      await until(() => ends.length === 2, () => 'the connection is kept')
      server.close()
    })

    it('carry HTTP and WebSockets by the provider\'s proxy, where it has one', async () => {
      if (!place.startsWith('an emulated')) {
        const refused = await bench.cli(['port', 'forward', `0:${web.port}`, '--via', 'proxy'])
        assertRefused(refused, 64)
        return assert.match(refused.stderr, /have no port proxy/)
      }
      const forwarding = forward(`0:${web.port}`, '--via', 'proxy')
      const at = await local(forwarding)
      assert.equal((await fetchJson(`http://${at}/a?b=c`))['url'], '/a?b=c')
      assert.equal(await echoed(`ws://${at}/socket`, 'grüße'), 'grüße')
      const foreign = await fetch(`http://${at}/`, {headers: {origin: 'https://evil.example'}})
      assert.equal(foreign.status, 403)
      forwarding.child.kill('SIGINT')
      assert.deepEqual(await forwarding.exit, {status: 0, signal: null})
    })

    it('are joined to stdin and stdout, byte for byte', async () => {
      const server = createServer({allowHalfOpen: true}, (socket) => void socket.pipe(socket)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const {port} = server.address() as AddressInfo // it listens by TCP
      const input = Buffer.from(Array.from({length: 300_000}, (_, index) => index % 256))
      const back = await bench.cli(['port', 'connect', 'there', String(port)], {input})
      server.close()
      assert.deepEqual([back.status, back.stderr, back.bytes.equals(input)], [0, '', true])
      assertRefused(await bench.cli(['port', 'connect', String(await freePort())], {input: ''}), 69)
    })

    it('of the machine are listed, with who listens', async () => {
      const found = (await bench.data<RemoteListener[]>(['port', 'list', '--remote'])).find(({port}) => port === web.port)
      // an emulated machine does not see the processes outside of it
      const [pid, program] = place.startsWith('an emulated') ? [null, ''] : [process.pid, 'node']
      assert.deepEqual([found?.addresses, found?.pid, found?.program.split(' ')[0]], [['127.0.0.1'], pid, program])
    })

    it('are over when the machine is', async () => {
      const forwarding = forward(`0:${web.port}`)
      await local(forwarding)
      assert.equal((await bench.cli(['runtime', 'release', 'there', '--yes'])).status, 0)
      if (place.startsWith('a Jupyter server')) return void forwarding.child.kill('SIGTERM') // it is not ours to end
      const {status} = await forwarding.exit
      assert.equal(status, 71, forwarding.stderr)
      assert.match(forwarding.stderr, /^error: .*there.*\nfix: .*$/m)
    })
  })
}

describe('a forward that nobody uses', function () {
  it('has another kernel soon after somebody ended its own: by the link to one it notices the end of the machine', async () => {
    const bench = await workbench()
    try {
      const {url, token} = await jupyterThere(bench)
      const ask = (path: string, method = 'GET'): Promise<Response> => fetch(new URL(`api/${path}`, url), {method, headers: {authorization: `token ${token}`}})
      const own = async (): Promise<string | undefined> => {
        const sessions = (await (await ask('sessions')).json()) as {path: string; kernel: {id: string}}[] // as Jupyter has it
        return sessions.find(({path}) => path.endsWith('cgpu-control'))?.kernel.id
      }
      const forwarding = Watched.cgpu(['port', 'forward', 'there', '0:9'], {home: bench.home})
      await forwarding.shows('stdout', /^127/)
      const first = await own()
      assert.ok(first)
      assert.equal((await ask(`kernels/${first}`, 'DELETE')).status, 204)
      await until(async () => ![undefined, first].includes(await own()), () => 'it has none')
      forwarding.child.kill('SIGINT')
      assert.equal((await forwarding.exit).status, 0, forwarding.stderr)
    } finally {
      await bench.remove()
    }
  })
})

describe('ports that are asked for', function () {
  this.timeout(30_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
  })
  after(() => bench.remove())

  for (const [what, args, status, words] of [
    ['none', ['port', 'forward'], 64, /forward which port/],
    ['no number', ['port', 'forward', 'there', 'a:b'], 64, /not a pair of ports: a:b/],
    ['one too many', ['port', 'forward', '1:65536'], 64, /not a pair of ports/],
    ['of two runtimes', ['port', 'forward', '-r', 'one', 'two', '80'], 64, /two runtimes/],
    ['of an unknown runtime', ['port', 'forward', 'nowhere', '80'], 66, /nowhere/],
    ['to be closed, which none forwards', ['port', 'close', '80'], 66, /nothing here forwards 80/],
    ['to be closed, none named', ['port', 'close'], 64, /close which one/],
    ['for stdin, none', ['port', 'connect', 'there'], 64, /which port of there/],
    ['for stdin, no number', ['port', 'connect', 'there', 'ssh'], 64, /not a port: ssh/],
  ] as const) {
    it(`${what}, are refused before anything is done`, async () => {
      const refused = await bench.cli(args)
      assertRefused(refused, status)
      assert.match(refused.stderr, words)
    })
  }
})
