import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {createHash, randomBytes} from 'node:crypto'
import {readdir, readFile, rename, rm, stat, truncate, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {type SessionBed, startSessionBed, until} from '../helpers/session-bed.ts'
import {Watched} from '../helpers/watched.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
/** three chunks and a bit */
const size = 13_000_000

describe('cgpu cp over a bad link', function () {
  this.timeout(120_000)
  let bed: SessionBed
  let data: Buffer
  const local = (name: string): string => join(bed.home.cwd, name)
  const remote = (name: string): string => join(bed.jupyter.root, name)
  const cp = (...args: string[]): Watched => Watched.cgpu(['cp', ...args], {home: bed.home})

  before(async () => {
    bed = await startSessionBed()
  })
  beforeEach(async () => {
    data = randomBytes(size)
    await writeFile(local('here.bin'), data)
    await writeFile(remote('there.bin'), data)
    bed.chaos.drip = 700_000 // 7 MB/s: long enough to be cut
  })
  afterEach(async () => {
    bed.chaos.drip = undefined
    bed.chaos.cutAfter = bed.chaos.spoilAt = Infinity
    await bed.reset()
    await rm(local('back.bin'), {force: true})
    await rm(remote('sent.bin'), {force: true})
    for (const name of await readdir(bed.jupyter.root)) if (name.endsWith('.part')) await rm(remote(name))
  })
  after(() => bed?.stop())

  /** The connection is reset once so much more has passed; the next one lives. */
  async function cutOnce(bytes: number): Promise<void> {
    bed.chaos.cutAfter = bed.chaos.bytes + bytes
    await until(() => bed.chaos.bytes > bed.chaos.cutAfter)
    bed.chaos.cutAfter = Infinity
  }

  async function succeeds(copy: Watched): Promise<void> {
    assert.deepEqual(await copy.exit, {status: 0, signal: null}, copy.stderr)
    assert.deepEqual(await leftovers(), [])
  }

  async function fails(copy: Watched, status: number, message: RegExp): Promise<void> {
    assert.deepEqual(await copy.exit, {status, signal: null}, copy.stderr)
    const lines = copy.stderr.trimEnd().split('\n').filter((line) => !line.startsWith('copying '))
    assert.match(lines.join('\n'), /^error: .*\nfix: .*$/)
    assert.match(copy.stderr, message)
  }

  const leftovers = async (): Promise<string[]> => {
    const names = [...await readdir(bed.home.cwd), ...await readdir(bed.jupyter.root)]
    return names.filter((name) => name.endsWith('.part'))
  }
  /** what the machine has of an upload so far */
  const arrived = async (): Promise<number> => {
    const part = (await readdir(bed.jupyter.root)).find((name) => name.endsWith('.part'))
    return part === undefined ? 0 : (await stat(remote(part)).catch(() => ({size: 0}))).size
  }

  for (const third of [1, 2]) {
    it(`row 28: an upload that is cut at ${third}/3 arrives whole, and once`, async () => {
      const copy = cp('here.bin', 'bed:sent.bin')
      await cutOnce(third * size / 3)
      await succeeds(copy)
      assert.equal(sha256(await readFile(remote('sent.bin'))), sha256(data))
    })

    it(`row 28: and a download that is cut at ${third}/3`, async () => {
      const copy = cp('bed:there.bin', 'back.bin')
      await cutOnce(third * size / 3)
      await succeeds(copy)
      assert.equal(sha256(await readFile(local('back.bin'))), sha256(data))
    })
  }

  it('row 28: a chunk whose receipt is lost is in the file once', async () => {
    const copy = cp('here.bin', 'bed:sent.bin')
    await until(async () => await arrived() > 0)
    bed.chaos.mode = 'mute'
    const before = await arrived()
    bed.chaos.drip = undefined
    await until(async () => await arrived() > before)
    bed.chaos.rstAll()
    bed.chaos.mode = 'pass'
    await succeeds(copy)
    const sent = await readFile(remote('sent.bin'))
    assert.equal(sent.length, size)
    assert.equal(sha256(sent), sha256(data))
  })

  it('row 28: a copy that was killed goes on when it is run again, of what had arrived', async () => {
    for (const args of [['here.bin', 'bed:sent.bin'], ['bed:there.bin', 'back.bin']]) {
      const copy = cp(...args)
      const folder = args[1] === 'back.bin' ? bed.home.cwd : bed.jupyter.root
      const there = async (): Promise<number> => {
        const part = (await readdir(folder)).find((name) => name.endsWith('.part'))
        return part === undefined ? 0 : (await stat(join(folder, part)).catch(() => ({size: 0}))).size
      }
      await until(async () => await there() >= 3_000_000)
      copy.child.kill('SIGKILL')
      await copy.exit
      const kept = await there()
      const before = bed.chaos.bytes
      await succeeds(cp(...args))
      assert.ok(bed.chaos.bytes - before < size - kept + 1_500_000, `${kept} were there, ${bed.chaos.bytes - before} passed`)
      assert.equal(sha256(await readFile(join(folder, args[1]?.replace('bed:', '') ?? ''))), sha256(data))
    }
  })

  it('row 28: cut again and again', async () => {
    bed.chaos.drip = undefined
    const copy = cp('here.bin', 'bed:sent.bin')
    // no chunk passes the first two gaps
    for (const megabytes of [2, 2, 6, 6]) await cutOnce(megabytes * 1_000_000)
    await succeeds(copy)
    assert.equal(sha256(await readFile(remote('sent.bin'))), sha256(data))
  })

  for (const [how, change] of [
    ['is replaced by another one of its size', async (other: Buffer) => {
      await writeFile(remote('new'), other)
      await rename(remote('new'), remote('there.bin'))
    }],
    ['is written over in place', (other: Buffer) => writeFile(remote('there.bin'), other)],
  ] as const) {
    it(`row 29: a file that ${how} while a download is cut is fetched anew, never mixed`, async () => {
      const other = randomBytes(size)
      const copy = cp('bed:there.bin', 'back.bin')
      bed.chaos.cutAfter = bed.chaos.bytes + size / 2
      await until(() => bed.chaos.bytes > bed.chaos.cutAfter)
      bed.chaos.refuse()
      bed.chaos.cutAfter = Infinity
      await change(other)
      bed.chaos.refuse(false)
      await succeeds(copy)
      assert.equal(sha256(await readFile(local('back.bin'))), sha256(other))
    })
  }

  it('row 29: a file that never stops changing is said to change, and the old copy stays', async () => {
    await writeFile(local('back.bin'), 'old')
    // more than may be on its way at once: whoever reads it has to wait for us in between
    await writeFile(remote('there.bin'), Buffer.alloc(24_000_000))
    bed.chaos.drip = 2_000_000
    const growing = spawn('sh', ['-c', 'while :; do printf x >> there.bin; done'], {cwd: bed.jupyter.root})
    const copy = cp('bed:there.bin', 'back.bin')
    await copy.exit.finally(() => growing.kill())
    await fails(copy, 72, /^error: .*changed/m)
    assert.equal(await readFile(local('back.bin'), 'utf8'), 'old')
    assert.deepEqual(await leftovers(), [])
  })

  it('row 30: a file that became shorter while it was read is fetched as it is then', async () => {
    const copy = cp('bed:there.bin', 'back.bin')
    await cutOnce(size / 2)
    await truncate(remote('there.bin'), 5_000_000)
    await succeeds(copy)
    assert.equal(sha256(await readFile(local('back.bin'))), sha256(data.subarray(0, 5_000_000)))
  })

  for (const [what, args] of [['download', ['bed:there.bin', 'back.bin']], ['upload', ['here.bin', 'bed:sent.bin']]] as const) {
    it(`row 30: a byte of a${what === 'upload' ? 'n' : ''} ${what} that was spoilt on its way is noticed by the sha256, and it goes anew`, async () => {
      const before = bed.chaos.bytes
      bed.chaos.spoilAt = before + size / 2
      await succeeds(cp(...args))
      assert.ok(bed.chaos.bytes - before > 1.9 * size)
      assert.equal(sha256(await readFile(what === 'upload' ? remote('sent.bin') : local('back.bin'))), sha256(data))
    })
  }
})
