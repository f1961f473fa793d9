import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {chmod, mkdir, readdir, readFile, stat, symlink} from 'node:fs/promises'
import {join} from 'node:path'
import {type ChaosProxy, startChaos} from '../helpers/chaos.ts'
import {assertRefused, jupyterFor, places, type Workbench, workbench} from '../helpers/workbench.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

for (const {place, make} of places) {
  describe(`cgpu cp on ${place}`, function () {
    this.timeout(60_000)
    let bench: Workbench
    before(async () => {
      bench = await workbench()
      await make(bench)
    })
    after(() => bench.remove())
    const good = async (...args: string[]) => {
      const result = await bench.cli(['cp', ...args])
      assert.equal(result.status, 0, result.stderr)
      assert.equal(result.stdout, '')
      return result
    }

    it('carries twenty megabytes there and back', async () => {
      const data = randomBytes(20_000_000)
      await bench.file('big.bin', data)
      const there = await bench.data(['cp', 'big.bin', 'there:deep/er/big.bin'])
      const to = 'there:deep/er/big.bin'
      assert.deepEqual(there, {
        to, files: 1, bytes: data.length, same: 0, left: 0, single: true,
        copied: [{from: join(bench.home.cwd, 'big.bin'), to, size: data.length, sha256: sha256(data)}],
      })
      await good('there:deep/er/big.bin', 'back.bin')
      assert.equal(sha256(await readFile(join(bench.home.cwd, 'back.bin'))), sha256(data))
    })

    it('puts a file into a folder under its own name', async () => {
      await bench.file('my file ü.txt', 'x')
      await mkdir(join(bench.home.cwd, 'into'))
      assert.match((await good('my file ü.txt', 'there:')).stderr, /^there:my file ü\.txt \(1 B\)\n$/)
      await good('my file ü.txt', 'there:box/')
      await good('my file ü.txt', 'there:box')
      await good('there:box/my file ü.txt', 'into')
      await good('there:my file ü.txt', 'into/other ü.txt')
      assert.deepEqual((await readdir(join(bench.home.cwd, 'into'))).sort(), ['my file ü.txt', 'other ü.txt'])
      // as cp does, it makes folders on the machine that is not at hand only
      assertRefused(await bench.cli(['cp', 'there:box/my file ü.txt', 'new/folder/']), 73)
    })

    it('takes empty files, keeps what may be run, and replaces what is there', async () => {
      await bench.file('empty', '')
      await good('empty', 'there:empty')
      await good('there:empty', 'empty2')
      assert.equal((await stat(join(bench.home.cwd, 'empty2'))).size, 0)
      await bench.file('tool.sh', '#!/bin/sh\necho ran\n', 0o755)
      await good('tool.sh', 'there:tool.sh')
      assert.equal((await bench.cli(['run', '-q', '-r', 'there', '--', './tool.sh'])).stdout, 'ran\n')
      await good('there:tool.sh', 'tool2.sh')
      assert.equal((await stat(join(bench.home.cwd, 'tool2.sh'))).mode & 0o111, 0o111)
      await good('there:tool.sh', 'empty2')
      assert.equal(await readFile(join(bench.home.cwd, 'empty2'), 'utf8'), '#!/bin/sh\necho ran\n')
    })

    it('refuses what cannot be copied, and leaves nothing of it', async () => {
      await bench.file('good.txt', 'good')
      await good('good.txt', 'there:good.txt')
      await mkdir(join(bench.home.cwd, 'dir/good.txt'), {recursive: true})
      await bench.file('is-file', '')
      const before = await readdir(bench.home.cwd, {recursive: true})
      const cases: [string[], number | number[]][] = [
        [['missing', 'there:x'], 66], [['there:missing', 'x'], 66], [['there:*.missing', 'x'], 66], [['dir', 'there:good.txt'], 64], [['there:', 'is-file'], 64], [['good.txt', 'other.txt'], 64], [['-', 'there:'], 64],
        [['', 'there:x'], 64], [['good.txt', ''], 64], [['there:good.txt', ''], 64], [['good.txt', 'nobody:x'], 66], [['nobody:x', 'good.txt'], 66], [['good.txt'], 64], [[], 64], [['good.txt', 'there:x', 'y'], 64],
        [['there:good.txt', 'dir'], 73], [['there:good.txt', 'is-file/x'], 73], [['good.txt', `there:${'n'.repeat(300)}`], [64, 65, 69]], [['there:good.txt', 'n'.repeat(300)], 73], [['good.txt', 'there:good.txt/x'], 64],
        [['/dev/null', 'there:null'], 64], [['there:/dev/zero', 'zero'], 64],
      ]
      for (let at = 0; at < cases.length; at += 3) {
        await Promise.all(cases.slice(at, at + 3).map(async ([args, status]) => assertRefused(await bench.cli(['cp', ...args]), status, args.join(' '))))
      }
      assert.deepEqual((await readdir(bench.home.cwd, {recursive: true})).sort(), before.sort())
      assert.equal(await readFile(join(bench.home.cwd, 'good.txt'), 'utf8'), 'good')
    })

    it('replaces a link instead of writing through it', async () => {
      const outside = await bench.file('outside', 'mine')
      await symlink(outside, join(bench.home.cwd, 'link'))
      await good('there:good.txt', 'link')
      assert.equal(await readFile(outside, 'utf8'), 'mine')
      assert.equal(await readFile(join(bench.home.cwd, 'link'), 'utf8'), 'good')
    })

    it('says when it may not read or write', async () => {
      // nobody can make a file there, root neither
      assertRefused(await bench.cli(['cp', 'there:good.txt', '/proc/cgpu-test']), 73)
      if (process.getuid?.() === 0) return // root may read and write everything else
      await chmod(await bench.file('secret', 'x'), 0o000)
      assertRefused(await bench.cli(['cp', 'secret', 'there:x']), 66)
      await mkdir(join(bench.home.cwd, 'closed'), {mode: 0o500})
      assertRefused(await bench.cli(['cp', 'there:good.txt', 'closed/']), 73)
    })
  })
}

describe('cgpu cp over a slow line', () => {
  let bench: Workbench
  let proxy: ChaosProxy
  before(async () => {
    bench = await workbench()
    const server = await jupyterFor(bench)
    proxy = await startChaos(server.port)
    bench.onRemove(() => proxy.close())
    assert.equal((await bench.cli(['runtime', 'add', proxy.url(), '--token-stdin', '--name', 'there'], {input: server.token})).status, 0)
    assert.equal((await bench.cli(['run', '--', 'sh', '-c', 'head -c 12000000 /dev/zero | tr "\\000" "\\001" > huge.bin'])).status, 0)
  })
  after(() => bench.remove())

  it('leaves the old file whole after Ctrl-C, and goes on from there', async () => {
    await bench.file('huge.bin', 'old')
    // the line gives four megabytes a second, and a piece has four
    proxy.drip = 400_000
    const result = await bench.cli(['cp', 'there:huge.bin', 'huge.bin'], {signalAfter: {signal: 'SIGINT', stream: 'stderr', match: /copying/}})
    proxy.drip = undefined
    assert.equal(result.status, 130, result.stderr)
    assert.equal(await readFile(join(bench.home.cwd, 'huge.bin'), 'utf8'), 'old')
    const [part, ...others] = (await readdir(bench.home.cwd)).filter((name) => name !== 'huge.bin')
    assert.match(part ?? '', /^\..*\.part$/)
    assert.deepEqual(others, [])
    const there = (await stat(join(bench.home.cwd, part ?? ''))).size
    const before = proxy.bytes
    const again = await bench.cli(['cp', 'there:huge.bin', 'huge.bin'])
    assert.equal(again.status, 0, again.stderr)
    assert.ok(there > 500_000 && proxy.bytes - before < 12_000_000 - there + 500_000, `${there} were there, ${proxy.bytes - before} passed`)
    assert.deepEqual(await readdir(bench.home.cwd), ['huge.bin'])
    assert.ok((await readFile(join(bench.home.cwd, 'huge.bin'))).equals(Buffer.alloc(12_000_000, 1)))
  })
})
