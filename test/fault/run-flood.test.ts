import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {testPython} from '../helpers/jupyter-server.ts'
import {assertCounted, type SessionBed, startSessionBed} from '../helpers/session-bed.ts'
import {Watched} from '../helpers/watched.ts'

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')
const hundredMegabytes = 100_000_000

describe('floods through cgpu', function () {
  this.timeout(120_000)
  let bed: SessionBed

  before(async () => {
    bed = await startSessionBed()
  })
  afterEach(() => bed.reset())
  after(() => bed?.stop())

  const ways: [name: string, args: (code: string) => string[]][] = [
    ['exec', (code) => ['exec', '-r', 'bed', code]],
    ['run', (code) => ['run', '-r', 'bed', '--', testPython, '-c', code]],
  ]
  for (const [name, args] of ways) {
    it(`row 11: ${name} delivers 50,000 lines once and in order, within 200 MB`, async () => {
      const flood = Watched.cgpu(args('for i in range(50000): print(i)'), {home: bed.home})
      assert.equal((await flood.exit).status, 0, flood.stderr)
      assertCounted(flood.numbers, 50_000)
      assert.ok(flood.peakBytes < 200e6, `${flood.peakBytes} bytes resident`)
    })

    it(`row 12: ${name} delivers 100 MB without a newline, within 200 MB`, async () => {
      const flood = Watched.cgpu(args(`print("x" * ${hundredMegabytes}, end="")`), {home: bed.home})
      assert.equal((await flood.exit).status, 0, flood.stderr)
      const bytes = flood.bytes()
      assert.equal(bytes.length, hundredMegabytes)
      assert.equal(sha256(bytes), sha256('x'.repeat(hundredMegabytes)))
      assert.ok(flood.peakBytes < 200e6, `${flood.peakBytes} bytes resident`)
    })
  }
})
