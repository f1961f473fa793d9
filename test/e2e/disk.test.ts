import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {readdirSync} from 'node:fs'
import {cgpuBin} from '../helpers/cli.ts'
import {type Workbench, workbench} from '../helpers/workbench.ts'

/** A limit on the size of files stands for a full disk: it can be set without being root, and fails in the middle of a write too. */
describe('cgpu where nothing more can be written', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    await bench.data(['runtime', 'create', '--name', 'here'])
    await bench.data(['exec', '-r', 'here', 'open("big.bin", "wb").write(bytes(5_000_000))'])
  })
  after(() => bench.remove())

  const limited = (...args: string[]): {status: number | null; stderr: string} => {
    // 1024 blocks of 1 KiB; the compile cache and state files are far smaller
    const done = spawnSync('bash', ['-c', 'ulimit -f 1024; exec "$@"', 'bash', process.execPath, '--', cgpuBin, ...args], {
      env: bench.home.env, cwd: bench.home.cwd, encoding: 'utf8', timeout: 60_000,
    })
    return {status: done.status, stderr: done.stderr}
  }

  for (const args of [['cp', 'here:big.bin', 'copy.bin'], ['cp', 'here:', 'all'], ['run', '-r', 'here', '--outputs', 'new.bin', '--', 'cp', 'big.bin', 'new.bin']]) {
    it(`${args[0]} says so, and leaves no half of a file`, () => {
      const {status, stderr} = limited(...args)
      assert.equal(status, 73, stderr)
      assert.match(stderr, /^error: cannot write .*\.bin: /m)
      assert.match(stderr, /^fix: /m)
      assert.deepEqual(readdirSync(bench.home.cwd).filter((name) => name.includes('bin')), [])
    })
  }

  it('exec says so when its own output cannot be written', function () {
    assert.equal(process.platform, 'linux', 'needs /dev/full')
    const done = spawnSync('bash', ['-c', '"$0" -- "$1" exec -r here "print(1)" > /dev/full', process.execPath, cgpuBin], {env: bench.home.env, encoding: 'utf8', timeout: 60_000})
    assert.equal(done.status, 73, done.stderr)
    assert.match(done.stderr, /^error: the disk is full\nfix: free some space/m)
  })
})
