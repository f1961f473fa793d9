import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {cgpuBin} from '../helpers/cli.ts'
import {type Workbench, workbench} from '../helpers/workbench.ts'

/** Commands that need to write nothing of cgpu's own, and those that do. */
const reading = [
  ['config', 'list'], ['runtime', 'list'], ['job', 'list'], ['secret', 'list'], ['--help'], ['--version'],
  ['exec', '-r', 'there', 'print(1)'], ['run', '-r', 'there', '--', 'echo', 'hi'],
]
const writing = [
  ['config', 'set', 'runtime', 'there'], ['runtime', 'create', '--name', 'two'], ['runtime', 'rename', 'there', 'other'], ['doctor'],
]

// what these need (ulimit, namespaces, capabilities) is Linux's
if (process.platform === 'linux') describe('homes and limits that leave little room', function () {
  this.timeout(120_000)
  let bench: Workbench
  before(async function () {
    this.timeout(60_000)
    bench = await workbench()
    await bench.data(['runtime', 'create', '--name', 'there'])
    await bench.data(['exec', '-r', 'there', 'open("there.txt", "w").write("x")'])
  })
  after(() => bench.remove())

  /** A shell line that ends with `exec "$@"`, cgpu being the rest. */
  const under = (line: string, args: readonly string[], env: Record<string, string> = {}) => {
    const done = spawnSync('bash', ['-c', line, 'bash', process.execPath, '--', cgpuBin, ...args], {
      env: {...bench.home.env, ...env}, cwd: bench.home.cwd, encoding: 'utf8', timeout: 60_000,
    })
    return {status: done.status, stdout: done.stdout, stderr: done.stderr, told: `cgpu ${args.join(' ')}: ${done.status}\n${done.stdout}\n${done.stderr}`}
  }
  /** One line of error and one of what to do, or a table of the doctor. */
  const plain = ({stderr, told}: {stderr: string; told: string}): void => {
    assert.doesNotMatch(stderr, /^\s+at |a bug in cgpu|E[A-Z]{4,}:/m, told)
    if (/^error: /m.test(stderr)) assert.match(stderr, /^error: .*\nfix: .*$/m, told)
  }

  it('row 32: with few files open at once a command says so, or does its work', () => {
    let short = 0
    for (let limit = 20; limit <= 30; limit++) {
      for (const args of [['exec', '-r', 'there', 'print(1)'], ['doctor']]) {
        const done = under(`ulimit -n ${limit}; exec "$@"`, args)
        // below that Node itself does not start
        if (/Node\.js v|Native stack trace/.test(done.stderr) || done.status === null || done.status > 130) continue
        plain(done)
        if (done.status === 0) continue
        short++
        assert.ok(done.status === 66 || done.status === 73, done.told)
        assert.match(done.stdout + done.stderr, /too many files are open/, done.told)
        // the machine is there: nobody is told to give it up
        assert.doesNotMatch(done.stderr, /is gone|release/, done.told)
      }
    }
    assert.ok(short > 0, 'no limit was one that only cgpu noticed')
    assert.equal(under('ulimit -n 40; exec "$@"', ['exec', '-r', 'there', 'print(1)']).stdout, '1\n')
  })

  it('row 32: hundreds of remembered runtimes are listed with 64 files open at once', async () => {
    const folder = join(bench.home.dataDir, 'state/runtimes')
    const [file = ''] = (await readdir(folder)).filter((name) => name.endsWith('.json'))
    const record = await readFile(join(folder, file), 'utf8')
    const id = file.slice(0, -'.json'.length)
    const copies = Array.from({length: 300}, (_, i) => join(folder, `${id}-${i}.json`))
    const copy = (i: number): string => record.replaceAll(`"${id}"`, `"${id}-${i}"`).replaceAll('"there"', `"there-${i}"`)
    await Promise.all(copies.map((path, i) => writeFile(path, copy(i))))
    try {
      const done = under('ulimit -n 64; exec "$@"', ['runtime', 'list'])
      assert.equal(done.status, 0, done.told)
      assert.match(done.stdout, /there(-\d+)? +local/)
    } finally {
      await Promise.all(copies.map((path) => rm(path, {force: true})))
    }
  })

  const homes: [string, string, RegExp][] = [
    ['EROFS: on a read-only disk',
      'exec unshare --map-root-user --mount sh -c \'mount --bind "$HOME" "$HOME" && mount -o remount,bind,ro "$HOME" && cd "$HOME/work" && exec "$@"\' sh "$@"', /the disk is read-only/],
    ['EACCES: that nobody may write to',
      'cd "$HOME"; find . -path "./data/state/providers" -prune -o -type d -exec chmod a-w {} +; cd work; without() { if [ "$(id -u)" = 0 ]; then setpriv --bounding-set=-dac_override,-dac_read_search "$@"; else "$@"; fi; }; without "$@"; status=$?; cd ..; find . -type d -exec chmod u+w {} +; exit $status',
      /permission denied/],
  ]
  for (const [what, line, why] of homes) {
    it(`row 32: ${what}, a home is read and its runtimes are worked with`, () => {
      for (const args of reading) {
        const done = under(line, args)
        assert.equal(done.status, 0, done.told)
        plain(done)
      }
    })

    it(`row 32: ${what}, a job ends as it did; outputs that cannot be brought back are told`, async () => {
      for (const args of [['job', 'wait'], ['job', 'attach'], ['job', 'cancel']]) {
        const start = async (...flags: string[]): Promise<string> => (await bench.data<{id: string}>(['run', '--detach', '-r', 'there', ...flags, '--', 'sh', '-c', 'echo it > made.txt; exit 5'])).id
        const id = await start()
        const done = under(line, [...args, id])
        assert.equal(done.status, args[1] === 'cancel' ? 0 : 5, done.told)
        assert.match(done.stderr, new RegExp(`^warning: how ${id} ended cannot be kept: cannot write .*: ${why.source}$`, 'm'), done.told)
        const unkept = under(line, [...args, await start('-o', 'made.txt')])
        assert.equal(unkept.status, 73, unkept.told)
        plain(unkept)
      }
    })

    it(`row 32: ${what}, what has to be kept is refused, and why`, () => {
      for (const args of writing) {
        const done = under(line, args)
        assert.equal(done.status, 73, done.told)
        plain(done)
        // doctor has a row for each thing that it looks at
        assert.match(done.stdout + done.stderr, args[0] === 'doctor' ? /failed +folders +cannot write/ : why, done.told)
      }
      // nothing was half done
      assert.match(under('exec "$@"', ['runtime', 'list']).stdout, /there +local +cpu +ready/)
    })

    it(`row 32: ${what}, a copy that cannot be put there says so`, () => {
      const done = under(line, ['cp', 'there:there.txt', 'here.txt'])
      assert.equal(done.status, 73, done.told)
      assert.match(done.stderr, why)
      plain(done)
    })
  }

  it('row 31: on a disk that is full, a setting is refused, and the old ones stay', () => {
    const line = `exec unshare --map-root-user --mount sh -c '
      mkdir -p "$CGPU_CONFIG_DIR" && mount -t tmpfs -o size=64k none "$CGPU_CONFIG_DIR"
      "$@" config set gpu t4 && dd if=/dev/zero of="$CGPU_CONFIG_DIR/fill" bs=1k 2>/dev/null
      "$@" config set gpu a100; echo "status $?"; "$@" config get gpu; ls -A "$CGPU_CONFIG_DIR"' sh "$@"`
    const done = under(line, [])
    assert.equal(done.stdout, 'status 73\nt4\nconfig.json\nfill\n', done.told)
    assert.match(done.stderr, /^error: cannot write .*config\.json.*: the disk is full\nfix: /m)
  })
})
