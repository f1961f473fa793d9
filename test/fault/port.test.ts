import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {type AddressInfo, createServer, type Server} from 'node:net'
import {type SessionBed, startSessionBed, until} from '../helpers/session-bed.ts'
import {Watched} from '../helpers/watched.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

describe('cgpu port over a bad link', function () {
  this.timeout(60_000)
  let bed: SessionBed
  let echo: Server
  before(async () => {
    bed = await startSessionBed()
    echo = createServer({allowHalfOpen: true}, (socket) => void socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
  })
  afterEach(async () => {
    bed.chaos.drip = undefined
    bed.chaos.cutAfter = Infinity
    await bed.reset()
  })
  after(async () => {
    echo?.close()
    await bed?.stop()
  })
  const port = (): string => String((echo.address() as AddressInfo).port) // it listens by TCP

  it('brings every byte once, both ways, through cuts at any byte', async () => {
    const data = randomBytes(4_000_000)
    bed.chaos.drip = 500_000 // 5 MB/s: long enough to be cut
    const there = Watched.cgpu(['port', 'connect', 'bed', port()], {home: bed.home, input: data})
    await until(() => there.bytes().length > 0)
    for (let count = 0; count < 3; count++) {
      const at = bed.chaos.bytes + Math.floor(Math.random() * 800_000)
      bed.chaos.cutAfter = at
      await until(() => bed.chaos.bytes > at)
      bed.chaos.cutAfter = Infinity
    }
    assert.deepEqual(await there.exit, {status: 0, signal: null}, there.stderr)
    assert.deepEqual([there.bytes().length, sha256(there.bytes())], [data.length, sha256(data)])
  })

  it('says that the connection was lost, and that it is back, and forwards on', async () => {
    const forwarding = Watched.cgpu(['port', 'forward', 'bed', `0:${port()}`], {home: bed.home})
    await forwarding.shows('stdout', /->/)
    bed.chaos.refuse()
    bed.chaos.rstAll()
    await forwarding.shows('stderr', /the connection to bed was lost; connections wait until it is back/)
    bed.chaos.refuse(false)
    await forwarding.shows('stderr', /bed is back/)
    forwarding.child.kill('SIGTERM')
    assert.deepEqual(await forwarding.exit, {status: 0, signal: null}, forwarding.stderr)
  })
})
