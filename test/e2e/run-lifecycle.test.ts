import assert from 'node:assert/strict'
import {once} from 'node:events'
import {mkdir, readdir, rm, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {spawn} from 'node:child_process'
import {cgpuBin, startCgpu} from '../helpers/cli.ts'
import {assertRefused, nothingLeft, type Workbench, workbench} from '../helpers/workbench.ts'

/** The folders and records of local runtimes. */
async function runtimeFiles({home}: Workbench): Promise<string[]> {
  const list = (path: string) => readdir(join(home.dataDir, 'state', path)).catch(() => [])
  return [...(await list('runtimes')), ...(await list('providers/local')).filter((name) => name.startsWith('rt-'))]
}

describe('the runtime of one run', () => {
  let bench: Workbench
  beforeEach(async () => {
    bench = await workbench()
  })
  afterEach(() => bench.remove())
  const assertNothingLeft = async () => {
    await nothingLeft(bench.home)
    assert.deepEqual(await runtimeFiles(bench), [])
  }

  it('is released after success and after failure', async () => {
    for (const status of [0, 5]) {
      const result = await bench.cli(['run', '--', 'sh', '-c', `exit ${status}`])
      assert.equal(result.status, status, result.stderr)
      assert.match(result.stderr, /^released [a-z]+-[a-z]+ after /m)
    }
    await assertNothingLeft()
  })

  for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    it(`is released after ${signal} while the program runs, and the program ends`, async () => {
      const result = await bench.cli(['run', '--', 'sh', '-c', 'echo up; exec sleep 1000'], {signalAfter: {signal, stream: 'stdout', match: /up/}})
      assert.equal(result.status, status, result.stderr)
      assert.match(result.stderr, /^released /m)
      await assertNothingLeft()
    })

    it(`is not there after ${signal} while it is made`, async () => {
      // should the signal come late on a busy machine, there is still something to end
      const result = await bench.cli(['run', '--', 'sleep', '1000'], {signalAfter: {signal, stream: 'stderr', match: /starting/}})
      assert.equal(result.status, status, result.stderr)
      await assertNothingLeft()
    })
  }

  it('is released when the program ignores Ctrl-C and a second one comes', async () => {
    const child = startCgpu(['run', '--', 'sh', '-c', 'trap "" INT; echo up; sleep 1000'], {home: bench.home})
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
      if (/interrupting; Ctrl-C again leaves/.test(chunk.toString())) child.kill('SIGINT')
    })
    child.stdout?.once('data', () => child.kill('SIGINT'))
    const [status] = await once(child, 'close')
    assert.equal(status, 130, stderr)
    assert.match(stderr, /^released /m)
    await assertNothingLeft()
  })

  it('goes when the program is over, when cgpu itself was killed', async () => {
    await bench.cli(['run', '--', 'sh', '-c', 'echo up; sleep 1; echo 1 > over.txt'], {
      env: {CGPU_LOCAL_GRACE_S: '0.5'}, signalAfter: {signal: 'SIGKILL', stream: 'stdout', match: /up/},
    })
    await nothingLeft(bench.home)
  })

  it('stays with --keep, is used by the next run without asking, and by its name', async () => {
    assert.match((await bench.cli(['run', '--keep', '--', 'sh', '-c', 'echo 1 > kept.txt'])).stderr, /^kept ([a-z-]+); release it: cgpu runtime release \1$/m)
    const [{name}] = await bench.data<[{name: string}]>(['runtime', 'list'])
    for (const flags of [[], ['-r', name], ['--runtime', name.slice(0, -1)]]) {
      const {status, stdout, stderr} = await bench.cli(['run', ...flags, '--', 'cat', 'kept.txt'])
      assert.deepEqual([status, stdout], [0, '1\n'], stderr)
      assert.doesNotMatch(stderr, /released|kept/)
    }
    assert.equal((await bench.data<unknown[]>(['runtime', 'list'])).length, 1)
  })

  it('is not made for what can be seen to be wrong beforehand', async () => {
    await Promise.all([
      bench.file('note.ipynb', '{}'), bench.file('unknown.xyz', 'print(1)'), bench.file('folder/x.py', ''), bench.file('blk.py', '# /// cgpu\n# gpu = 1\n# ///\n'),
      bench.file('open.py', '# /// cgpu\n# gpu = "t4"\n'), bench.file('ok.py', ''), bench.file('a/same', ''), bench.file('b/same', ''), bench.file('ref.py', '# /// cgpu\n# requirements = "gone.txt"\n# ///\n'),
    ])
    const cases: [string[], number][] = [
      [['missing.py'], 66], [['folder'], 64], [['note.ipynb'], 64], [['unknown.xyz'], 64], [['/dev/null'], 64], [[''], 64], [['blk.py'], 65], [['open.py'], 65], [['ref.py'], 66],
      [['--include', 'none', 'ok.py'], 66], [['--requirements', 'none.txt', 'ok.py'], 66], [['-p', '--index-url=http://x', 'ok.py'], 64], [['--no-such-flag', 'ok.py'], 64],
      [['--gpu', 'nope nope', 'ok.py'], 64], [['--gpu', 'x9000', 'ok.py'], 68], [['--gpu', 'x9000', '--cpu', 'ok.py'], 64], [['--tpu', 'x9', 'ok.py'], 68], [['--image', 'x', 'ok.py'], 64], [['--high-ram', 'ok.py'], 64],
      [['--provider', 'nowhere', 'ok.py'], 64], [['--provider', 'jupyter', 'ok.py'], 64], [['-r', 'nobody', 'ok.py'], 66], [[], 64], [['--'], 64], [['--output', 'xml', 'ok.py'], 64], [['--cwd', '', 'ok.py'], 64],
    ]
    for (let at = 0; at < cases.length; at += 4) {
      await Promise.all(cases.slice(at, at + 4).map(async ([args, status]) => assertRefused(await bench.cli(['run', ...args]), status, args.join(' '))))
    }
    assert.deepEqual(await runtimeFiles(bench), [])
  }).timeout(90_000)

  it('can be a script\'s own, which names what it needs', async () => {
    await bench.file('sub/data.txt', 'from the folder of the script')
    const script = await bench.file('sub/own.py', `#!/usr/bin/env -S cgpu run
# /// cgpu
# env = ["GREETING"]
# include = ["data.txt"]
# outputs = ["made-*.txt"]
# ///
import os, sys
print(os.environ['GREETING'], sys.argv[1:], open('sub/data.txt').read())
open('made-1.txt', 'w').write('x')
`, 0o755)
    // the script is started as a program: its first line finds cgpu on PATH
    const bin = join(bench.home.path, 'bin')
    await mkdir(bin)
    await symlink(cgpuBin, join(bin, 'cgpu'))
    await symlink(process.execPath, join(bin, 'node'))
    const child = spawn(script, ['--gpu', 'x y'], {cwd: bench.home.cwd, env: {...bench.home.env, GREETING: 'hi', PATH: `${bin}:${process.env['PATH'] ?? ''}`}})
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const [status] = await once(child, 'close')
    assert.deepEqual([status, stdout], [0, "hi ['--gpu', 'x y'] from the folder of the script\n"], stderr)
    assert.match(stderr, /^made-1\.txt \(1 B\)$/m)
    await assertNothingLeft()
  })

  it('ends with its reader: | head -1', async () => {
    const child = spawn('bash', ['-c', `"$0" -- "$1" run -- sh -c 'while :; do echo line; done' | head -1; echo "\${PIPESTATUS[0]}"`, process.execPath, cgpuBin], {cwd: bench.home.cwd, env: bench.home.env})
    let stdout = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    await once(child, 'close')
    assert.equal(stdout, 'line\n141\n')
    await assertNothingLeft()
  })
})

describe('a run without a right to write', () => {
  it('says so when its state cannot be kept', async () => {
    const bench = await workbench()
    try {
      // also root cannot make a folder where a file is
      await rm(join(bench.home.dataDir, 'state'), {recursive: true, force: true})
      await writeFile(join(bench.home.dataDir, 'state'), 'in the way')
      for (const args of [['run', '--', 'true'], ['runtime', 'create'], ['runtime', 'list'], ['exec', '1']]) assertRefused(await bench.cli(args), 73, args.join(' '))
    } finally {
      await nothingLeft(bench.home)
      await bench.home.remove()
    }
  })
})
