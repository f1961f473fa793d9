import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {chmod, mkdir, readdir, readFile, stat, symlink} from 'node:fs/promises'
import {join} from 'node:path'
import {assertRefused, places, type Workbench, workbench} from '../helpers/workbench.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

for (const {place, make} of places) {
  describe(`cgpu cp on ${place}`, () => {
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
      const there = await bench.data<{from: string; to: string; size: number; sha256: string}>(['cp', 'big.bin', 'there:deep/er/big.bin'])
      assert.deepEqual(there, {from: join(bench.home.cwd, 'big.bin'), to: 'there:deep/er/big.bin', size: data.length, sha256: sha256(data)})
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
      await good('there:my file ü.txt', 'new/folder/')
      assert.deepEqual([await readdir(join(bench.home.cwd, 'into')), await readdir(join(bench.home.cwd, 'new/folder'))], [['my file ü.txt'], ['my file ü.txt']])
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
        [['missing', 'there:x'], 66], [['.', 'there:x'], 64], [['there:missing', 'x'], 66], [['there:.', 'x'], 64], [['there:', 'x'], 64], [['good.txt', 'other.txt'], 64], [['there:good.txt', 'there:b'], 64],
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

    it('leaves the old file whole when it is interrupted', async () => {
      await bench.file('huge.bin', randomBytes(50_000_000))
      await good('huge.bin', 'there:huge.bin')
      await bench.file('huge.bin', 'old')
      const {status} = await bench.cli(['cp', 'there:huge.bin', 'huge.bin'], {signalAfter: {signal: 'SIGTERM', stream: 'stderr', match: /copying/}})
      assert.equal(status, 143)
      assert.equal(await readFile(join(bench.home.cwd, 'huge.bin'), 'utf8'), 'old')
      assert.deepEqual((await readdir(bench.home.cwd)).filter((name) => name.includes('.part')), [])
    })

    it('says when it may not read or write', async function () {
      if (process.getuid?.() === 0) return void (await bench.file('root-may-all', '')) // root may do everything: there is nothing to refuse
      await chmod(await bench.file('secret', 'x'), 0o000)
      assertRefused(await bench.cli(['cp', 'secret', 'there:x']), 66)
      await mkdir(join(bench.home.cwd, 'closed'), {mode: 0o500})
      assertRefused(await bench.cli(['cp', 'there:good.txt', 'closed/']), 73)
    })
  })
}
