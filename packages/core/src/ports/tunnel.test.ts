import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Server, type Socket} from 'node:net'
import {type AgentBed, kernelNames, startAgentBed} from '../../../../test/helpers/agent-bed.ts'
import type {ChaosProxy} from '../../../../test/helpers/chaos.ts'
import {until} from '../../../../test/helpers/workbench.ts'
import {AgentClient} from '../agent/client.ts'
import type {Refused} from './connection.ts'
import {Tunnel} from './tunnel.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const portOf = (server: Server): number => (server.address() as AddressInfo).port // it listens by TCP
async function listening(onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer({allowHalfOpen: true}, (socket) => {
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
/** Its end, whatever it is. */
const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve))
async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

for (const name of kernelNames) {
  describe(`a tunnel through a ${name} kernel`, function () {
    this.timeout(30_000)
    let bed: AgentBed
    let chaos: ChaosProxy
    let agent: AgentClient
    let tunnel: Tunnel
    let front: Server
    let target: Server | undefined
    const refused: Refused[] = []
    let to = 0
    const moved = {sent: 0, received: 0}
    /** a port of the machine that leads here */
    let machine = 0
    const said = async (port: number, words: string): Promise<string> => {
      const socket = connect({port, host: '127.0.0.1', allowHalfOpen: true})
      socket.end(words)
      return (await all(socket)).toString()
    }

    /** A connection of this computer to what `onSocket` serves on the machine. */
    async function joined(onSocket: (socket: Socket) => void): Promise<Socket> {
      target?.close()
      target = await listening(onSocket)
      to = portOf(target)
      return connected()
    }
    async function connected(): Promise<Socket> {
      const socket = connect({port: portOf(front), host: '127.0.0.1', allowHalfOpen: true})
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      return socket
    }

    before(async () => {
      bed = await startAgentBed()
      chaos = await bed.proxy()
      agent = await AgentClient.open(await bed.kernel(name, {proxy: chaos, heartbeatMs: 300}), {home: bed.home})
      tunnel = new Tunnel({agent: async () => agent})
      front = await listening((socket) => tunnel.open({host: 'localhost', port: to}, {input: socket, output: socket}, {
        onBytes: (direction, count) => (moved[direction] += count),
        onClose: (failure) => void (failure && refused.push(failure)),
      }))
    })
    afterEach(() => {
      chaos.drip = undefined
      chaos.mode = 'pass'
      chaos.cutAfter = Infinity
      chaos.refuse(false)
      refused.length = 0
    })
    after(async () => {
      front?.close()
      target?.close()
      await tunnel?.close()
      await agent?.close()
      await bed?.stop()
    })

    it('passes bytes both ways, and each side\'s end on its own', async () => {
      const data = randomBytes(3_000_000)
      const socket = await joined((served) => {
        void all(served).then((came) => served.end(`${came.length} ${sha256(came)}`))
      })
      socket.end(data)
      assert.equal((await all(socket)).toString(), `${data.length} ${sha256(data)}`)
      await until(() => tunnel.size === 0, () => `${tunnel.size} connections are left`)
    })

    it('brings what a server says first, and its end while the client goes on', async () => {
      const came: string[] = []
      const socket = await joined((served) => {
        served.on('data', (text: Buffer) => void came.push(text.toString()))
        served.end('220 hello\r\n')
      })
      assert.equal((await all(socket)).toString(), '220 hello\r\n')
      socket.end('and goodbye')
      await until(() => came.join('') === 'and goodbye', () => came.join(''))
    })

    it('carries a hundred connections at once', async () => {
      const first = await joined((served) => void served.pipe(served))
      const sockets = [first, ...await Promise.all(Array.from({length: 99}, connected))]
      const texts = sockets.map((_, index) => `${index} `.repeat(2000))
      sockets.forEach((socket, index) => socket.end(texts[index] ?? ''))
      assert.deepEqual((await Promise.all(sockets.map(all))).map(String), texts)
    })

    it('breaks a connection off where nobody listens, and says so', async () => {
      to = portOf(await joined(() => undefined).then(() => target ?? assert.fail()))
      target?.close()
      const socket = await connected()
      await closed(socket)
      await until(() => refused.length > 0, () => 'nobody said anything')
      assert.equal(refused[0]?.code, 'REFUSED')
    })

    it('passes on that a connection was broken off, in either direction', async () => {
      let served: Socket | undefined
      const socket = await joined((one) => (served = one))
      socket.write('x')
      await until(() => served !== undefined, () => 'nobody came')
      const heard = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve))
      served?.resetAndDestroy()
      assert.equal((await heard).code, 'ECONNRESET')
      served = undefined
      const other = await joined((one) => (served = one))
      other.write('x')
      await until(() => served !== undefined, () => 'nobody came')
      const end = closed(served ?? assert.fail())
      other.resetAndDestroy()
      await end
      await until(() => tunnel.size === 0, () => `${tunnel.size} connections are left`)
    })

    it('holds a server back whose client does not read, and a client whose server does not', async () => {
      const socket = await joined((served) => {
        served.pause()
        const piece = Buffer.alloc(1 << 20)
        const more = (): void => {
          while (served.write(piece));
          served.once('drain', more)
        }
        more()
      })
      socket.pause()
      const before = {...moved}
      const filled = async (): Promise<number> => {
        for (let last = -1; last !== moved.sent + moved.received; ) {
          last = moved.sent + moved.received
          await new Promise((resolve) => setTimeout(resolve, 150))
        }
        return moved.sent - before.sent + moved.received - before.received
      }
      const piece = Buffer.alloc(1 << 20)
      for (let count = 0; count < 30 && socket.write(piece); count++);
      for (let count = 0; count < 30; count++) socket.write(piece)
      await until(() => moved.sent + moved.received - before.sent - before.received > 1 << 20, () => 'nothing moves')
      const under = await filled()
      // 4 MiB of credit each way, and what the system takes of sockets that nobody reads
      assert.ok(under <= 24 << 20, `${under} bytes are under way`)
      socket.resetAndDestroy()
      await until(() => tunnel.size === 0, () => `${tunnel.size} connections are left`)
    })

    for (const direction of ['down', 'up'] as const) {
      it(`loses and doubles nothing of a transfer ${direction} that is cut again and again`, async () => {
        const data = randomBytes(6_000_000)
        chaos.drip = 700_000
        let digest: Promise<string> | undefined
        const socket = await joined((served) => {
          if (direction === 'down') served.end(data)
          else digest = all(served).then((came) => (served.end(), `${came.length} ${sha256(came)}`))
        })
        const cuts = (async () => {
          for (let count = 0; count < 4; count++) {
            const at = chaos.bytes + Math.floor(Math.random() * 1_500_000)
            chaos.cutAfter = at
            await until(() => chaos.bytes > at, () => 'nothing passes any more')
            chaos.cutAfter = Infinity
          }
        })()
        if (direction === 'up') socket.end(data)
        const came = await all(socket)
        if (direction === 'down') {
          digest = Promise.resolve(`${came.length} ${sha256(came)}`)
          socket.end()
        }
        await cuts
        assert.equal(await digest, `${data.length} ${sha256(data)}`)
      })
    }

    it('keeps a silent connection over a link that hangs', async () => {
      const socket = await joined((served) => void served.pipe(served))
      socket.write('one ')
      await once(socket, 'data')
      chaos.freezeExisting()
      socket.write('two ')
      // by another link
      const [back] = await once(socket, 'data') as [Buffer]
      assert.equal(back.toString(), 'two ')
      socket.end()
      await all(socket)
    })

    it('leaves the machine alone when nothing is open, and begins again', async () => {
      const resting = new Tunnel({agent: async () => agent, restMs: 10})
      const server = await listening((socket) => resting.open({host: '127.0.0.1', port: to}, {input: socket, output: socket}))
      for (const word of ['once', 'again']) {
        const served = await listening((socket) => void socket.pipe(socket))
        to = portOf(served)
        const socket = connect(portOf(server), '127.0.0.1')
        socket.end(word)
        assert.equal((await all(socket)).toString(), word)
        await until(() => resting.isResting, () => 'it holds on')
        served.close()
      }
      server.close()
    })

    it('has the machine listen, and its connections lead here', async () => {
      const here = await listening((socket) => void socket.pipe(socket))
      const port = portOf(here)
      machine = await tunnel.listen({address: '127.0.0.1', port: 0}, (join) => {
        const socket = connect({port, host: '127.0.0.1', allowHalfOpen: true})
        join({input: socket, output: socket}, {})
      })
      assert.equal(await said(machine, 'from there'), 'from there')
      here.close()
      const nobody = connect(machine, '127.0.0.1').on('error', () => undefined)
      await closed(nobody)
    })

    it('breaks off what is open when the kernel that holds it is restarted, and works again', async () => {
      const socket = await joined((served) => void served.pipe(served))
      socket.write('x')
      await once(socket, 'data')
      const broken = closed(socket)
      const [kernel] = await bed.server.listKernels()
      await bed.server.restartKernel(kernel?.id ?? '')
      await broken
      await until(() => refused.at(-1)?.code === 'LOST', () => `${refused.at(-1)?.code}`)
      const after = await connected()
      after.end('after')
      assert.equal((await all(after)).toString(), 'after')
      // what the machine listened on for us is listened on again
      const listens = (): Promise<boolean> => new Promise((resolve) => {
        const probe = connect(machine, '127.0.0.1').once('connect', () => resolve(true)).once('error', () => resolve(false))
        probe.once('close', () => resolve(false))
        setImmediate(() => probe.end())
      })
      await until(listens, () => 'the machine does not listen again')
    })
  })
}
