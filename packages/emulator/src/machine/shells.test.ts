import assert from 'node:assert/strict'
import {spawn, spawnSync} from 'node:child_process'
import {chmod, mkdtemp, readFile, rm} from 'node:fs/promises'
import {createServer} from 'node:net'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createWebSocketStream, WebSocket} from 'ws'
import {ask, machineBed, type MachineBed, shell, socketOf} from '../../../../test/helpers/machine-bed.ts'
import {until} from '../../../../test/helpers/workbench.ts'
import type {Machine} from '../contract.ts'

/** The terminal of a machine: what it showed, without the sequences of a screen. */
async function tty(machine: Machine): Promise<{socket: WebSocket; shown: () => string; type: (text: string) => void}> {
  const {socket, heard} = await socketOf(machine, '/colab/tty')
  return {
    socket,
    shown: () => heard.map((frame) => (JSON.parse(String(frame)) as {data: string}).data).join(''),
    type: (text) => socket.send(JSON.stringify({data: text})),
  }
}

const closed = (socket: WebSocket): Promise<void> => until(() => socket.readyState === WebSocket.CLOSED, () => 'the socket is still open')

describe('shells of an emulated machine', () => {
  let bed: MachineBed
  let machine: Machine

  before(async () => {
    bed = await machineBed({ssh: (endpoint) => endpoint !== 'cpu-no-ssh'})
    machine = await bed.start('gpu-shells', {variant: 'GPU', accelerator: 'T4'})
  })
  after(() => bed?.close())

  it('have one terminal, which a second client takes over with what it showed', async () => {
    const first = await tty(machine)
    first.socket.send(JSON.stringify({cols: 120, rows: 30}))
    // what is typed may be read before tmux has passed the size on
    first.type('until stty size | grep -q " 120$"; do sleep 0.1; done; echo one-$((40 + 2)); stty size; pwd; command -v nvidia-smi\r')
    await until(() => /one-42[^]*(29|30) 120[^]*\/content[^]*\/opt\/bin\/nvidia-smi/.test(first.shown()), first.shown)
    const second = await tty(machine)
    await closed(first.socket)
    await until(() => second.shown().includes('one-42'), second.shown)
    second.type('echo two-$((40 + 2))\r')
    await until(() => second.shown().includes('two-42'), second.shown)
    second.socket.close()
    await closed(second.socket)
    const third = await tty(machine)
    await until(() => third.shown().includes('two-42'), third.shown)
    third.type('exit\r')
    await closed(third.socket)
  })

  it('are the same without tmux: what is removed on the machine stays on the host', async () => {
    const other = await bed.start('cpu-no-tmux')
    assert.equal(await shell(other, 'rm -f $(which -a tmux); which tmux'), '')
    const first = await tty(other)
    first.socket.send(JSON.stringify({cols: 100, rows: 20}))
    first.type('echo one-$((40 + 2)); stty size\r')
    await until(() => /one-42[^]*20 100/.test(first.shown()), first.shown)
    const second = await tty(other)
    await closed(first.socket)
    await until(() => second.shown().includes('one-42'), second.shown)
    second.type('exit\r')
    await closed(second.socket)
    const third = await tty(other)
    third.type('echo three-$((40 + 2))\r')
    await until(() => third.shown().includes('three-42'), third.shown)
    assert.ok(!third.shown().includes('one-42'))
    await other.stop()
    assert.equal(spawnSync('tmux', ['-V']).status, 0)
  })

  it('have frames that are no JSON, or no sense, passed over', async () => {
    const one = await tty(machine)
    for (const frame of ['', 'x', '[]', '{"cols":"a","rows":-1}', '{"cols":1e9,"rows":-5}', '{"data":7}']) one.socket.send(frame)
    one.type('echo still-$((40 + 2))\r')
    await until(() => one.shown().includes('still-42'), one.shown)
    one.socket.close()
  })

  it('have Jupyter\'s terminals', async () => {
    const {name} = (await (await ask(machine, '/api/terminals', {method: 'POST', json: {}})).json()) as {name: string}
    const {socket, heard} = await socketOf(machine, `/terminals/websocket/${name}?authuser=0`)
    socket.send(JSON.stringify(['stdin', 'echo three-$((40 + 2)); exit\r']))
    await until(() => heard.join('').includes('three-42') && heard.some((frame) => String(frame).startsWith('["disconnect"')), () => heard.join('\n'))
    socket.close()
  })

  describe('over SSH', () => {
    let folder: string
    let key: string
    const handshake = (headers: Record<string, string>, to = machine): Promise<{status: number; body: string; length: string | undefined}> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${to.url.replace('http', 'ws')}/colab/ssh?colab-runtime-proxy-token=good`, {headers})
        socket.once('error', reject)
        socket.once('open', () => reject(new Error('it let in')))
        socket.once('unexpected-response', (_, response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (text: string) => (body += text))
          response.once('end', () => resolve({status: response.statusCode ?? 0, body, length: response.headers['content-length']}))
        })
      })

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'cgpu-ssh-'))
      const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a test', '-f', join(folder, 'key')])
      assert.equal(made.status, 0)
      await chmod(join(folder, 'key'), 0o600)
      key = (await readFile(join(folder, 'key.pub'), 'utf8')).trim()
    })
    after(() => rm(folder, {recursive: true, force: true}))

    it('let in nobody without a fit key', async () => {
      const told = async (line?: string): Promise<[number, string]> => {
        const {status, body, length} = await handshake(line === undefined ? {} : {'x-colab-ssh-pubkey': line})
        assert.equal(length, String(body.length))
        return [status, body]
      }
      assert.deepEqual(await told(), [400, 'missing pubkey'])
      assert.deepEqual(await told('ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 me'), [400, 'unsupported key type'])
      assert.deepEqual(await told('ssh-ed25519'), [400, 'malformed pubkey'])
      assert.deepEqual(await told('ssh-ed25519 AAAA me'), [400, 'malformed pubkey'])
      assert.deepEqual(await told(`ecdsa-sha2-nistp256 ${key.split(' ')[1]}`), [400, 'malformed pubkey'])
    })

    it('answer 404 on a runtime without it', async () => {
      const other = await bed.start('cpu-no-ssh')
      assert.equal((await handshake({'x-colab-ssh-pubkey': key}, other)).status, 404)
      await other.stop()
    })

    it('are root\'s, one session at a time, for OpenSSH\'s own client', async () => {
      const socket = new WebSocket(`${machine.url.replace('http', 'ws')}/colab/ssh?colab-runtime-proxy-token=good`, {headers: {'x-colab-ssh-pubkey': key}})
      const stream = createWebSocketStream(socket) // at once: the server speaks first
      // the client comes by TCP, so that nothing but this test stands between it and the socket
      const relay = createServer((client) => {
        stream.on('error', () => client.destroy())
        client.on('error', () => stream.destroy())
        client.pipe(stream).pipe(client)
      })
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
      try {
        const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'IdentitiesOnly=yes'].flatMap((one) => ['-o', one])
        const child = spawn('ssh', ['-F', 'none', ...options, '-i', join(folder, 'key'), '-p', String((relay.address() as AddressInfo).port), 'root@127.0.0.1', 'whoami; pwd; command -v nvidia-smi; cat /var/colab/hostname; echo $COLAB_BACKEND_VERSION; read line; echo $line; exit 7'])
        let said = ''
        for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
        await until(() => said.includes('next'), () => said)
        const second = await handshake({'x-colab-ssh-pubkey': key})
        assert.deepEqual([second.status, JSON.parse(second.body)], [429, {error: 'already-active-session'}])
        child.stdin.write('typed\n')
        const code = await new Promise((resolve) => child.once('close', resolve))
        assert.match(said, /^root\n\/root\n\/opt\/bin\/nvidia-smi\n[0-9a-f]{12}\nnext\ntyped\n$/)
        assert.equal(code, 7)
        await closed(socket)
      } finally {
        relay.close()
      }
      await until(async () => !(await shell(machine, 'ps ax')).includes('sshd'), () => 'sshd is left')
    })
  })

  it('have their ports forwarded by origins of their own: HTTP and WebSockets', async () => {
    await ask(machine, '/api/contents/content/program.py', {method: 'PUT', json: {type: 'file', format: 'text', content: server}})
    await shell(machine, 'python program.py >/tmp/log 2>&1 &')
    let port = 0
    await until(async () => (port = Number(await shell(machine, 'cat /tmp/port 2>/dev/null'))) > 0, () => 'the program does not listen')
    const url = await machine.portUrl(port)
    assert.equal(await machine.portUrl(port), url)
    assert.equal(await machine.portUrl(8080), machine.url)
    // 1: nobody listens there
    for (const one of [port, 1]) bed.verdicts.set(`gpu-shells:${one}:port`, 'ok')
    const get = (path: string, headers: Record<string, string> = {}, from = url): Promise<Response> => fetch(`${from}${path}`, {headers})
    assert.equal((await get('/', {'x-colab-runtime-proxy-token': 'good'})).status, 401)
    assert.equal((await get('/', {'x-colab-runtime-proxy-token': 'port'}, await machine.portUrl(1))).status, 502)
    assert.equal((await get('/', {'x-colab-runtime-proxy-token': 'port'})).status, 200)
    const seen = (await (await get('/a?token=mine&colab-runtime-proxy-token=port', {authorization: 'Basic x'})).json()) as object
    assert.deepEqual(seen, {uri: '/a?token=mine', authorization: 'Basic x', token: null})
    const slow = (await get('/slow', {'x-colab-runtime-proxy-token': 'port'})).body!.getReader()
    assert.equal(Buffer.from((await slow.read()).value ?? []).toString(), 'at once')
    await slow.cancel()
    const socket = new WebSocket(`${url.replace('http', 'ws')}/echo`, {headers: {'x-colab-runtime-proxy-token': 'port'}})
    const echoed = new Promise((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString())))
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send('hello')
    assert.equal(await echoed, 'hello')
    socket.close()
  })
})

/** A program of a user: writes its port down, tells what reached it, and sends back what a WebSocket says. */
const server = `
import asyncio, os
from tornado import httpserver, netutil, web, websocket
class Tell(web.RequestHandler):
    def get(self):
        self.write({'uri': self.request.uri, 'authorization': self.request.headers.get('Authorization'), 'token': self.request.headers.get('X-Colab-Runtime-Proxy-Token')})
class Slow(web.RequestHandler):
    async def get(self):
        self.write('at once')
        await self.flush()
        await asyncio.Event().wait()
class Echo(websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(message)
async def main():
    sockets = netutil.bind_sockets(0, '127.0.0.1')
    httpserver.HTTPServer(web.Application([('/echo', Echo), ('/slow', Slow), ('/.*', Tell)])).add_sockets(sockets)
    with open('/tmp/port.new', 'w') as file:
        file.write(str(sockets[0].getsockname()[1]))
    os.rename('/tmp/port.new', '/tmp/port')
    await asyncio.Event().wait()
asyncio.run(main())
`
