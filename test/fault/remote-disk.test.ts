import assert from 'node:assert/strict'
import {join} from 'node:path'
import {jupyterThere, type Workbench, workbench} from '../helpers/workbench.ts'
import {testPython} from '../helpers/jupyter-server.ts'

/** Fills the machine's disk, or gives the room back; both are told as functions to the program. */
const filling = `
import os, sys
home = os.environ['CGPU_AGENT_HOME']
filler = os.path.join(home, 'filler')
def fill():
    file = open(filler, 'wb', buffering=0)
    for size in (65536, 1):
        try:
            while True: file.write(b'x' * size)
        except OSError:
            pass
def free(): os.unlink(filler)
`

// a disk of its own is Linux's
if (process.platform === 'linux') describe('a machine whose disk is full', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async function () {
    this.timeout(60_000)
    bench = await workbench()
    const disk = join(bench.home.path, 'disk')
    const python = await bench.file('python', `#!/bin/sh
exec unshare --map-root-user --mount sh -c 'mkdir -p "$0" && mount -t tmpfs -o size=3m none "$0" && exec "$@"' "${disk}" "${testPython}" "$@"
`, 0o755)
    await jupyterThere(bench, {python, env: {CGPU_AGENT_HOME: disk}})
  })
  afterEach(async () => {
    await bench.cli(['exec', `${filling}\nif os.path.exists(filler): free()\nimport shutil\nshutil.rmtree(os.path.join(home, 'runs'), ignore_errors=True)`])
  })
  after(() => bench?.remove())

  it('row 33: a run goes on to its end, and says how much of its output is missing', async () => {
    await bench.file('flood.py', 'import sys\nfor i in range(60000): print("%06d" % i + "x" * 93)\nsys.exit(7)\n')
    const {status, stdout, stderr} = await bench.cli(['run', 'flood.py'])
    assert.equal(status, 7, stderr)
    const missing = [...stderr.matchAll(/(\d+) bytes of output could not be logged: the disk of the machine is full/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
    assert.ok(stdout.length > 1_000_000, `${stdout.length} bytes were kept`)
    assert.equal(stdout.length + missing, 6_000_000, stderr)
    // the log is whole up to the first hole
    const begun = stdout.split('\n').slice(0, 10_000)
    begun.forEach((line, i) => assert.equal(Number(line.slice(0, 6)), i))
    assert.doesNotMatch(stderr, /^\s+at |a bug in cgpu/m)
  })

  it('row 33: room that comes back is used, and the gap is marked where it is', async () => {
    await bench.file('gap.py', `${filling}
import fcntl, glob, struct, termios, time
print('before', flush=True)
while not any(b'before' in open(log, 'rb').read() for log in glob.glob(os.path.join(home, 'runs', '*', 'log'))): time.sleep(0.01)
fill()
for _ in range(20): print('m' * 999, flush=True)
while struct.unpack('i', fcntl.ioctl(1, termios.FIONREAD, bytes(4)))[0] > 0: time.sleep(0.01)
def waits():  # all of whoever takes it out of the pipe: what it took is written, or could not be
    stats = [open(path).read() for path in glob.glob('/proc/%d/task/*/stat' % os.getppid())]
    return all(stat.rpartition(')')[2].split()[0] == 'S' for stat in stats)
while not waits(): time.sleep(0.01)
free()
print('after', flush=True)
`)
    const {status, stdout, stderr} = await bench.cli(['run', '--output', 'ndjson', 'gap.py'])
    assert.equal(status, 0, stderr)
    const events = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as {type: string; text?: string; data?: string; code?: string; message?: string}) // its schema
    const told = events.filter(({type}) => type === 'stdout' || type === 'notice')
      .map(({type, text, data, code}) => (type === 'notice' ? code : (text ?? data ?? '').replaceAll('m', '').trim())).filter(Boolean)
    // told as it grows, so that whoever follows may be told more than once
    assert.deepEqual(told.filter((one, i) => one !== told[i - 1]), ['before', 'LOG_GAP', 'after'], stdout)
    const missing = [...stdout.matchAll(/(\d+) bytes of output could not be logged: the disk of the machine is full/g)].map(([, bytes]) => Number(bytes))
    // a line may find room where the log's last page ends
    const kept = events.filter(({type}) => type === 'stdout').reduce((sum, {data = ''}) => sum + data.length, 0)
    assert.equal(missing.reduce((sum, bytes) => sum + bytes, kept), 'before\n'.length + 20_000 + 'after\n'.length, stdout)
  })

  it('row 33: a cell\'s output arrives although none of it can be kept', async () => {
    await bench.cli(['exec', `${filling}\nfill()`])
    const {status, stdout, stderr} = await bench.cli(['exec', 'for i in range(500): print(i)'])
    assert.equal(status, 0, stderr)
    assert.equal(stdout, Array.from({length: 500}, (_, i) => `${i}\n`).join(''))
  })

  it('row 33: what cannot be begun there says that the disk is full, and what to do', async () => {
    await bench.cli(['exec', `${filling}\nfill()`])
    const run = await bench.cli(['run', '--', 'echo', 'hi'])
    assert.ok(run.status === 68 || run.status === 69, `${run.status}\n${run.stderr}`)
    assert.match(run.stderr, /^error: .*disk.*full.*\nfix: /im)
    await bench.file('big', Buffer.alloc(1_000_000))
    const cp = await bench.cli(['cp', 'big', `there:${join(bench.home.path, 'disk', 'big')}`])
    assert.equal(cp.status, 68, cp.stderr)
    assert.match(cp.stderr, /^error: the disk of the machine is full: .*\nfix: remove files there/m)
    for (let i = 0; i < 30; i++) await bench.file(`many/${i}`, Buffer.alloc(10_000))
    const many = await bench.cli(['cp', 'many/', `there:${join(bench.home.path, 'disk')}`])
    assert.equal(many.status, 68, many.stderr)
    assert.equal((await bench.cli(['exec', `import os\nprint([n for n in os.listdir(${JSON.stringify(join(bench.home.path, 'disk'))}) if 'part' in n or n == 'big'])`])).stdout, '[]\n')
  })
})
