import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import {startCgpu} from '../helpers/cli.ts'
import {assertRefused, places, until, type Workbench, workbench} from '../helpers/workbench.ts'

interface Detached {
  id: string
  runtime: string
  state: string
  attached: boolean
  releases: boolean
}

interface Entry {
  status: string
  exitStatus?: number
  category?: string
  code?: string
}

/** Waits for a file of its working folder's, then goes on: nothing depends on how long anything takes. */
const gate = `import os, sys, time
print('first', flush=True)
print('to stderr', file=sys.stderr, flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.02)
print('second', flush=True)
open('made.txt', 'w').write('made')
sys.exit(int(sys.argv[2]))
`

for (const {place, make} of places) {
  describe(`a detached job on ${place}`, () => {
    let bench: Workbench
    before(async () => {
      bench = await workbench()
      await make(bench)
      await bench.file('gate.py', gate)
    })
    after(() => bench.remove())

    const start = async (name: string, status: number, ...flags: string[]): Promise<string> => {
      const {id, state, runtime} = await bench.data<Detached>(['run', '--detach', '-r', 'there', ...flags, 'gate.py', join(bench.home.cwd, name), String(status)])
      assert.deepEqual([state, runtime], ['running', 'there'])
      return id
    }

    it('goes on, is found, waited for, and brings its outputs', async () => {
      const id = await start('go1', 7, '-o', 'made.txt', '--output-dir', 'results')
      const [listed] = await bench.data<JobView[]>(['job', 'list'])
      assert.deepEqual([listed?.id, listed?.state, listed?.runtime, listed?.command?.slice(0, 1)], [id, 'running', 'there', ['gate.py']])
      assert.equal((await bench.data<JobView>(['job', 'show', id.slice(0, 12)])).state, 'running')
      const late = await bench.cli(['job', 'wait', id, '--timeout', '200ms'])
      assert.equal(late.status, 124)
      assert.match(late.stderr, /the job goes on/)
      await bench.file('go1', '')
      const ended = await bench.cli(['job', 'wait', id])
      assert.deepEqual([ended.status, ended.stdout], [7, `${id} ended with status 7\n`], ended.stderr)
      assert.equal(readFileSync(join(bench.home.cwd, 'results', 'made.txt'), 'utf8'), 'made')
      const shown = await bench.data<JobView>(['job', 'show', id])
      assert.deepEqual([shown.state, shown.exitStatus, shown.stdoutBytes, shown.stderrBytes], ['exited', 7, 13, 10])
      // of what is known nothing is asked again
      assert.equal((await bench.cli(['job', 'wait', id])).status, 7)
    })

    it('prints its id alone, for scripts', async () => {
      const started = await bench.cli(['run', '-d', '-r', 'there', '--', 'sh', '-c', 'echo hello'])
      assert.match(started.stdout, /^[a-z0-9]+-[0-9a-f]{10}\n$/)
      assert.match(started.stderr, /goes on on there/)
      const attached = await bench.cli(['job', 'attach', started.stdout.trim()])
      assert.deepEqual([attached.status, attached.stdout], [0, 'hello\n'])
    })

    it('is cancelled with all that it started, also when it does not want to', async () => {
      await bench.file('stubborn.sh', 'trap "" TERM\n(trap "" TERM; echo $$ > pids; while :; do sleep 0.1; done) &\necho ready\nwhile :; do sleep 0.1; done\n')
      const {id} = await bench.data<Detached>(['run', '-d', '-r', 'there', 'stubborn.sh'])
      const follower = startCgpu(['logs', '-f', id], {home: bench.home})
      const closed = once(follower, 'close')
      await once(follower.stdout ?? assert.fail(), 'data')
      const cancelled = await bench.cli(['job', 'cancel', id, '--grace', '300ms'])
      assert.deepEqual([cancelled.status, cancelled.stdout], [0, `${id} was cancelled\n`], cancelled.stderr)
      const [status] = await closed
      assert.equal(status, 0)
      const shown = await bench.data<JobView>(['job', 'show', id])
      assert.deepEqual([shown.state, shown.reason, shown.signal], ['exited', 'cancelled', 'SIGKILL'])
      const entry = await bench.data<Entry>(['history', 'show', id])
      assert.deepEqual([entry.status, entry.exitStatus, entry.code], ['interrupted', 137, 'CANCELLED'])
      assert.match((await bench.cli(['why', id])).stdout, /was cancelled/)
      assert.match((await bench.cli(['job', 'cancel', id])).stderr, /over already/)
    })

    it('shows any part of its output', async () => {
      const {id} = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'sh', '-c', 'for i in 1 2 3 4 5; do echo line $i; done; echo error 1 >&2; printf end'])
      await bench.cli(['job', 'wait', id])
      const logs = async (...flags: string[]): Promise<[string, string]> => {
        const {status, stdout, stderr} = await bench.cli(['logs', id, ...flags])
        assert.equal(status, 0, stderr)
        return [stdout, stderr]
      }
      const all = 'line 1\nline 2\nline 3\nline 4\nline 5\nend'
      assert.deepEqual(await logs(), [all, 'error 1\n'])
      assert.deepEqual(await logs('-f'), [all, 'error 1\n'])
      assert.deepEqual(await logs('--stream', 'stderr'), ['', 'error 1\n'])
      assert.deepEqual(await logs('--stream', 'stdout', '--tail', '2'), ['line 5\nend', ''])
      assert.deepEqual(await logs('--tail', '0'), ['', ''])
      assert.deepEqual(await logs('--search', '[24]$|error'), ['line 2\nline 4\n', 'error 1\n'])
      assert.deepEqual(await logs('--search', 'line', '--tail', '1'), ['line 5\n', ''])
      assert.deepEqual(await logs('--since', '1h'), [all, 'error 1\n'])
      assert.deepEqual(await logs('--since', '2999-01-01'), ['', ''])
      assert.deepEqual(await logs('--until', '2001-01-01'), ['', ''])
      const [stamped] = await logs('--timestamps', '--tail', '1', '--stream', 'stdout')
      assert.match(stamped, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z end$/)
      assertRefused(await bench.cli(['logs', id, '--search', '(']), 64)
      assertRefused(await bench.cli(['logs', id, '--since', 'yesterday']), 64)
    })

    it('shows the last lines before a time', async () => {
      const gone = join(bench.home.cwd, 'later')
      const {id} = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'sh', '-c', `echo one; echo two; echo three; until [ -e ${gone} ]; do sleep 0.05; done; echo four; echo five; echo six`])
      await until(async () => (await bench.cli(['logs', id])).stdout === 'one\ntwo\nthree\n', () => 'nothing was printed')
      const moment = new Date().toISOString()
      await bench.file('later', '')
      await bench.cli(['job', 'wait', id])
      const logs = async (...flags: string[]): Promise<string> => (await bench.cli(['logs', id, '--until', moment, ...flags])).stdout
      assert.deepEqual([await logs(), await logs('--tail', '2'), await logs('--tail', '2', '-f')], ['one\ntwo\nthree\n', 'two\nthree\n', 'two\nthree\n'])
    })

    it('follows one that is silent until a time, and no longer', async () => {
      const id = await start('go4', 0)
      await until(async () => (await bench.cli(['logs', id, '--stream', 'stdout'])).stdout === 'first\n', () => 'nothing was printed')
      const ended = await bench.cli(['logs', id, '-f', '--stream', 'stdout', '--until', new Date(Date.now() + 1_000).toISOString()])
      assert.deepEqual([ended.status, ended.stdout], [0, 'first\n'], ended.stderr)
      assert.equal((await bench.data<JobView>(['job', 'show', id])).state, 'running')
      await bench.file('go4', '')
      assert.equal((await bench.cli(['job', 'wait', id])).status, 0)
    })

    it('is followed from where it was left', async () => {
      const id = await start('go5', 0)
      const left = await bench.cli(['job', 'attach', id], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /first/}})
      const [, offset = ''] = new RegExp(`cgpu job attach ${id} -r there --offset (\\d+)$`, 'm').exec(left.stderr) ?? assert.fail(left.stderr)
      await bench.file('go5', '')
      const rest = await bench.cli(['job', 'attach', id, '--offset', offset])
      assert.deepEqual([rest.status, rest.stdout], [0, 'second\n'], rest.stderr)
      const inside = await bench.cli(['job', 'attach', id, '--offset', '3'])
      assertRefused(inside, 64)
      assert.match(inside.stderr, /offset 3 is not the end of a record\nfix: give --offset as a former attach reported it/)
    })

    it('is shown to who would give it stdin too late, and said so', async () => {
      const {id} = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'sh', '-c', 'echo hello; exit 4'])
      await bench.cli(['job', 'wait', id])
      const late = await bench.cli(['job', 'attach', id, '--stdin'], {input: 'x'})
      assert.deepEqual([late.status, late.stdout, late.stderr], [4, 'hello\n', `warning: the job ${id} is over, and reads nothing any more\n`])
    })

    it('takes stdin from whoever attaches, one after the other', async () => {
      const {id} = await bench.data<Detached>(['run', '-d', '--keep-stdin', '-r', 'there', '--', 'sh', '-c', 'read a; echo got $a; read b; echo got $b; cat'])
      const first = startCgpu(['job', 'attach', id, '--stdin'], {home: bench.home})
      first.stdin?.write('one\n')
      await once(first.stdout ?? assert.fail(), 'data')
      first.kill('SIGKILL')
      await once(first, 'close')
      const second = await bench.cli(['job', 'attach', id, '--stdin'], {input: 'two\nrest\n'})
      assert.deepEqual([second.status, second.stdout], [0, 'got one\ngot two\nrest\n'], second.stderr)
    })

    it('runs once for a key, however many ask at the same time', async () => {
      const ask = () => bench.cli(['run', '-d', '-r', 'there', '--idempotency-key', 'build 17', '--', 'sh', '-c', 'echo x >> count.txt; wc -l < count.txt'])
      const answers = await Promise.all([ask(), ask(), ask()])
      assert.deepEqual(answers.map(({status}) => status), [0, 0, 0], answers[0]?.stderr)
      const id = answers[0]?.stdout.trim() ?? ''
      assert.deepEqual(new Set(answers.map(({stdout}) => stdout.trim())), new Set([id]))
      // not detached: its whole output, and its status
      const again = await bench.cli(['run', '-r', 'there', '--idempotency-key', 'build 17', '--', 'sh', '-c', 'echo x >> count.txt; wc -l < count.txt'])
      assert.deepEqual([again.status, again.stdout.trim()], [0, '1'], again.stderr)
      assertRefused(await bench.cli(['run', '-r', 'there', '--idempotency-key', 'build 17', '--', 'true']), 72)
      assertRefused(await bench.cli(['run', '-r', 'there', '--idempotency-key', '', '--', 'true']), 64)
      // from elsewhere: nothing is remembered there, the machine itself refuses
      const {rm} = await import('node:fs/promises')
      await rm(join(bench.home.dataDir, 'state', 'jobs', `${id}.json`))
      const elsewhere = await ask()
      assert.deepEqual([elsewhere.status, elsewhere.stdout.trim()], [0, id], elsewhere.stderr)
      assert.equal((await bench.cli(['logs', id])).stdout.trim(), '1')
    })

    it('is run again, as a new one', async () => {
      await bench.file('again.py', 'import os, sys\nprint(sys.argv[1], os.environ["TOLD"])\nsys.exit(3)\n')
      const failed = await bench.cli(['run', '-d', '-r', 'there', '-e', 'TOLD=before', 'again.py', 'a b'])
      const id = failed.stdout.trim()
      assert.equal((await bench.cli(['job', 'wait', id])).status, 3)
      const missing = await bench.cli(['job', 'retry', id])
      assertRefused(missing, 64)
      assert.match(missing.stderr, /TOLD/)
      const again = await bench.cli(['job', 'retry', id], {env: {TOLD: 'after'}})
      assert.deepEqual([again.status, again.stdout], [3, 'a b after\n'], again.stderr)
      const [newest] = await bench.data<JobView[]>(['job', 'list', '--state', 'exited'])
      assert.deepEqual([newest?.retryOf, newest?.exitStatus], [id, 3])
      assert.equal((await bench.cli(['job', 'retry', id, '-e', 'TOLD=x', '-d'])).status, 0)
    })

    it('is run again where it ran, whatever the environment says of machines in general', async () => {
      const id = (await bench.cli(['run', '-d', '-r', 'there', '--', 'sh', '-c', 'echo here'])).stdout.trim()
      await bench.cli(['job', 'wait', id])
      const before = await bench.data<unknown[]>(['runtime', 'list'])
      for (const env of [{CGPU_PROVIDER: 'colab'}, {CGPU_GPU: 'a100'}, {CGPU_CPU: '1', CGPU_HIGH_RAM: '1'}, {CGPU_RUNTIME: 'nowhere'}]) {
        const again = await bench.cli(['job', 'retry', id], {env})
        assert.deepEqual([again.status, again.stdout], [0, 'here\n'], again.stderr)
        const [newest] = await bench.data<JobView[]>(['job', 'list'])
        assert.deepEqual([newest?.retryOf, newest?.runtime], [id, 'there'])
      }
      assert.equal((await bench.data<unknown[]>(['runtime', 'list'])).length, before.length)
      // what is typed is heard
      assertRefused(await bench.cli(['job', 'retry', id, '--provider', 'no-such-provider']), 64)
    })

    it('is refused for a key with a script that was edited, also to the same size', async () => {
      await bench.file('once.py', 'print("one")\n')
      const run = () => bench.cli(['run', '-r', 'there', '--idempotency-key', 'edited', 'once.py'])
      assert.equal((await run()).stdout, 'one\n')
      assert.equal((await run()).stdout, 'one\n')
      await bench.file('once.py', 'print("two")\n')
      assertRefused(await run(), 72)
    })

    it('ends in the history when it is removed before anybody looked at it', async () => {
      const started = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'sh', '-c', 'exit 5'])
      await until(async () => (await bench.cli(['job', 'rm', started.id])).status === 0, () => 'it is not over')
      const entry = await bench.data<Entry>(['history', 'show', started.id])
      assert.deepEqual([entry.status, entry.exitStatus, entry.code], ['error', 5, 'PROGRAM_FAILED'])
    })

    it('ends in the history as it did, also after the command that followed it was left', async () => {
      const child = startCgpu(['run', '-r', 'there', '--', 'sh', '-c', 'trap "" INT; echo begun; while ! test -e go-left; do sleep 0.05; done'], {home: bench.home})
      const closed = once(child, 'close')
      let said = ''
      child.stderr?.on('data', (chunk: Buffer) => {
        // a second one leaves it
        if (!said.includes('Ctrl-C') && /Ctrl-C/.test(said += chunk.toString())) child.kill('SIGINT')
      })
      await once(child.stdout ?? assert.fail(), 'data')
      child.kill('SIGINT')
      assert.equal((await closed)[0], 130, said)
      const [job] = await bench.data<JobView[]>(['job', 'list', '--state', 'running'])
      const id = job?.id ?? ''
      assert.equal((await bench.data<Entry>(['history', 'show', id])).status, 'interrupted')
      await bench.cli(['exec', '-r', 'there', 'open("go-left", "w").close()'])
      assert.equal((await bench.cli(['job', 'wait', id])).status, 0)
      const entry = await bench.data<Entry>(['history', 'show', id])
      assert.deepEqual([entry.status, entry.exitStatus, entry.code], ['ok', 0, undefined])
    })

    it('is started again when it fails, from its newest checkpoint', async () => {
      await bench.file('train.py', `import os, sys
start = int(open(sys.argv[2]).read()) if len(sys.argv) > 2 else 0
print('from', start, flush=True)
for step in range(start, 6):
    os.makedirs('ckpt', exist_ok=True)
    open('ckpt/%d.txt' % (step + 1), 'w').write(str(step + 1))
    if step in (1, 3) and start <= step - 1: sys.exit(9)
print('done')
`)
      const ran = await bench.cli(['run', '-r', 'there', '--max-restarts', '3', '--checkpoint', 'ckpt/*.txt', '--resume-cmd', 'python train.py --resume {latest}', 'train.py'])
      assert.deepEqual([ran.status, ran.stdout], [0, 'from 0\nfrom 2\nfrom 4\ndone\n'], ran.stderr)
      assert.match(ran.stderr, /attempt 2/)
      assertRefused(await bench.cli(['run', '--resume-cmd', 'true', '--', 'true']), 64)
    })

    it('shows what there is of one that is silent, and waits for nothing', async () => {
      const id = await start('go3', 0)
      await until(async () => (await bench.cli(['logs', id])).stdout === 'first\n', () => 'nothing was printed')
      const [tail, why] = await Promise.all([bench.cli(['logs', id, '--tail', '1', '--stream', 'stdout']), bench.cli(['why', id])])
      assert.deepEqual([tail.stdout, why.status], ['first\n', 0])
      assert.match(why.stdout, /still running/)
      const attached = await bench.cli(['job', 'attach', id, '--tail', '2'], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /first/}})
      assert.equal(attached.status, 130, attached.stderr)
      await bench.file('go3', '')
      assert.equal((await bench.cli(['job', 'wait', id])).status, 0)
    })

    it('is not started again when it is interrupted', async () => {
      const ran = await bench.cli(['run', '-r', 'there', '--max-restarts', '3', '--', 'sh', '-c', 'echo begun; sleep 60'], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /begun/}})
      assert.deepEqual([ran.status, ran.stdout], [143, 'begun\n'], ran.stderr)
    })

    it('leaves nothing to look after when it never began', async () => {
      const failed = await bench.cli(['run', '-d', '-r', 'there', '--cwd', 'no/such/folder', '--max-restarts', '2', '--', 'true'])
      assert.notEqual(failed.status, 0)
      const [newest] = await bench.data<JobView[]>(['job', 'list', '--state', 'lost'])
      assert.deepEqual([newest?.state, newest?.command], ['lost', ['true']])
      assert.equal((await bench.cli(['job', 'rm', newest?.id ?? ''])).status, 0)
    })

    it('is removed when it is over', async () => {
      const id = await start('go2', 0)
      const running = await bench.cli(['job', 'rm', id])
      assertRefused(running, 72)
      await bench.file('go2', '')
      await bench.cli(['job', 'wait', id])
      assert.equal((await bench.cli(['job', 'rm', id])).stdout, `removed ${id}\n`)
      assertRefused(await bench.cli(['job', 'show', id]), 66)
      assertRefused(await bench.cli(['logs', id]), 66)
    })
  })
}

describe('a job that has a runtime of its own', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    await bench.file('gate.py', gate)
  })
  after(() => bench.remove())

  it('keeps it until it is over, and then it is released by whoever waits', async () => {
    const started = await bench.data<Detached>(['run', '--detach', '-o', 'made.txt', 'gate.py', join(bench.home.cwd, 'go'), '0'])
    assert.equal(started.releases, true)
    assert.deepEqual((await bench.data<{name: string; state: string}[]>(['runtime', 'list'])).map(({name, state}) => [name, state]), [[started.runtime, 'ready']])
    // nobody else's run gets it by chance
    const other = await bench.cli(['exec', '1'])
    assertRefused(other, 66)
    await bench.file('go', '')
    const ended = await bench.cli(['job', 'wait', started.id])
    assert.equal(ended.status, 0, ended.stderr)
    assert.match(ended.stderr, new RegExp(`released ${started.runtime}`))
    assert.equal(readFileSync(join(bench.home.cwd, 'made.txt'), 'utf8'), 'made')
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
    const shown = await bench.data<JobView>(['job', 'show', started.id])
    assert.deepEqual([shown.state, shown.exitStatus, shown.checkedAt], ['exited', 0, null])
    const gone = await bench.cli(['logs', started.id])
    assertRefused(gone, 66)
    assert.match(gone.stderr, /cgpu job show/)
  })

  it('is settled by the reaper when nobody waits for it', async () => {
    const {id, runtime} = await bench.data<Detached>(['run', '--detach', '-o', 'made.txt', '--output-dir', 'later', 'gate.py', join(bench.home.cwd, 'go-later'), '0'])
    assert.deepEqual(await bench.data(['runtime', 'reap']), [])
    await bench.file('go-later', '')
    const log = await bench.cli(['logs', '-f', id])
    assert.equal(log.stdout, 'first\nsecond\n')
    const reaped = await bench.data<{name: string; reason: string}[]>(['runtime', 'reap'])
    assert.deepEqual(reaped.map(({name, reason}) => [name, reason]), [[runtime, `its job ${id} is over`]])
    assert.equal(readFileSync(join(bench.home.cwd, 'later', 'made.txt'), 'utf8'), 'made')
    assert.deepEqual(await bench.data(['runtime', 'reap']), [])
    const {status, exitStatus} = await bench.data<Entry>(['history', 'show', id])
    assert.deepEqual([status, exitStatus], ['ok', 0])
  })

  const slowly = async (id: string): Promise<{bytes: () => Promise<number>; stderr: () => string}> => {
    const reader = startCgpu(['logs', id, '-f'], {home: bench.home})
    const ended = once(reader, 'close')
    let stderr = ''
    reader.stderr?.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
    const readers = join(bench.home.dataDir, 'state', 'jobs', `${id}.readers`)
    await until(() => existsSync(readers) && readdirSync(readers).length === 1, () => 'nobody reads')
    return {
      stderr: () => stderr,
      bytes: async () => {
        let bytes = 0
        reader.stdout?.on('data', (chunk: Buffer) => void (bytes += chunk.length))
        assert.deepEqual(await ended, [0, null], stderr)
        return bytes
      },
    }
  }
  const flood = (go: string): string[] => ['--', 'sh', '-c', `echo begun; until [ -e ${join(bench.home.cwd, go)} ]; do sleep 0.05; done; head -c 20000000 /dev/zero | tr '\\0' x`]

  it('keeps it for somebody who still reads, who then releases it', async () => {
    const {id, runtime} = await bench.data<Detached>(['run', '--detach', ...flood('go-flood')])
    const reader = await slowly(id)
    await bench.file('go-flood', '')
    const waited = await bench.cli(['job', 'wait', id])
    assert.deepEqual([waited.status, waited.stderr], [0, `${runtime} is released when nobody reads the job's log any more\n`])
    assert.equal(await reader.bytes(), 20_000_006)
    assert.match(reader.stderr(), new RegExp(`^released ${runtime} `, 'm'))
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('keeps it for them also when its command was there to the end', async () => {
    const child = startCgpu(['run', ...flood('go-own-flood')], {home: bench.home})
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
    const closed = once(child, 'close')
    await once(child.stdout ?? assert.fail(), 'data')
    child.stdout?.resume()
    const [job = assert.fail()] = await bench.data<JobView[]>(['job', 'list', '--state', 'running'])
    const reader = await slowly(job.id)
    await bench.file('go-own-flood', '')
    assert.deepEqual(await closed, [0, null], stderr)
    assert.match(stderr, new RegExp(`^${job.runtime} is released when nobody reads`, 'm'))
    assert.equal(await reader.bytes(), 20_000_006)
    assert.match(reader.stderr(), new RegExp(`^released ${job.runtime} `, 'm'))
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('is settled by the command that follows it, and by no other', async () => {
    const child = startCgpu(['run', '-o', 'made.txt', '--output-dir', 'own', 'gate.py', join(bench.home.cwd, 'go-own'), '0'], {home: bench.home})
    const closed = once(child, 'close')
    await once(child.stdout ?? assert.fail(), 'data')
    const [job] = await bench.data<JobView[]>(['job', 'list', '--state', 'running'])
    const waiting = bench.cli(['job', 'wait', job?.id ?? ''])
    await bench.file('go-own', '')
    const [[status], waited] = await Promise.all([closed, waiting])
    assert.equal(status, 0)
    assert.doesNotMatch(waited.stderr, /released/)
    assert.equal(readFileSync(join(bench.home.cwd, 'own', 'made.txt'), 'utf8'), 'made')
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('brings outputs before its machine is released, and names what still runs there', async () => {
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'shared'])).status, 0)
    const over = await bench.data<Detached>(['run', '--detach', '-r', 'shared', '-o', 'made.txt', '--output-dir', 'kept', 'gate.py', join(bench.home.cwd, 'go-kept'), '3'])
    const runs = await bench.data<Detached>(['run', '--detach', '-r', 'shared', '--', 'sleep', '600'])
    // as it was last seen, it runs
    assert.equal((await bench.data<JobView>(['job', 'show', over.id])).state, 'running')
    await bench.file('go-kept', '')
    assert.match((await bench.cli(['logs', '-f', over.id])).stdout, /second/)
    const unsure = await bench.cli(['stop', '--all'])
    assertRefused(unsure, 64)
    assert.match(unsure.stderr, new RegExp(`the job ${runs.id} still runs on shared`))
    const released = await bench.cli(['stop', 'shared'])
    assert.equal(released.status, 0, released.stderr)
    assert.match(released.stderr, new RegExp(`warning: the job ${runs.id} still runs on shared, and ends with it[^]*brought back`))
    assert.doesNotMatch(released.stderr, new RegExp(over.id))
    assert.equal(readFileSync(join(bench.home.cwd, 'kept', 'made.txt'), 'utf8'), 'made')
    const shown = await bench.data<JobView>(['job', 'show', over.id])
    assert.deepEqual([shown.state, shown.exitStatus, shown.reason, shown.machineGone], ['exited', 3, undefined, true])
    assert.equal((await bench.cli(['job', 'wait', over.id])).status, 3)
    const [ended, cancelled] = await Promise.all([over, runs].map(({id}) => bench.data<Entry>(['history', 'show', id])))
    assert.deepEqual([ended?.status, ended?.exitStatus, ended?.code], ['error', 3, 'PROGRAM_FAILED'])
    assert.deepEqual([cancelled?.status, cancelled?.code], ['interrupted', 'CANCELLED'])
    const facts = (await bench.cli(['job', 'show', runs.id])).stdout
    assert.match(facts, /^state +cancelled \(its machine is gone\)$/m)
  })

  it('brings outputs of one whose command was killed before its machine is released, unless somebody else brings them', async () => {
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'shared'])).status, 0)
    const child = startCgpu(['run', '-r', 'shared', '-o', 'made.txt', '--output-dir', 'orphaned', 'gate.py', join(bench.home.cwd, 'go-orphan'), '0'], {home: bench.home})
    const closed = once(child, 'close')
    await once(child.stdout ?? assert.fail(), 'data')
    child.kill('SIGKILL')
    await closed
    const [job = assert.fail()] = await bench.data<JobView[]>(['job', 'list', '--state', 'running'])
    await bench.file('go-orphan', '')
    await until(async () => (await bench.data<JobView>(['job', 'show', job.id])).state === 'exited', () => 'it goes on')
    const {withLock} = await import('@cgpu/core/state/lock')
    const busy = await withLock(join(bench.home.dataDir, 'state', 'jobs', `${job.id}.busy.lock`), () => bench.cli(['stop', 'shared']))
    assertRefused(busy, 72)
    assert.equal((await bench.cli(['stop', 'shared'])).status, 0)
    assert.equal(readFileSync(join(bench.home.cwd, 'orphaned', 'made.txt'), 'utf8'), 'made')
  })

  it('is told of as lost when its machine is gone', async () => {
    const {id, runtime} = await bench.data<Detached>(['run', '--detach', 'gate.py', join(bench.home.cwd, 'never'), '0'])
    assert.equal((await bench.cli(['runtime', 'release', runtime])).status, 0)
    assert.ok(!existsSync(join(bench.home.cwd, 'never')))
    const lost = await bench.cli(['job', 'wait', id])
    assertRefused(lost, 71)
    assert.match(lost.stderr, /job retry/)
    assert.equal((await bench.data<JobView>(['job', 'show', id])).state, 'lost')
    const why = await bench.cli(['why', id])
    assert.match(why.stdout, /was cancelled/)
    assertRefused(await bench.cli(['logs', id]), 66)
    assert.equal((await bench.cli(['job', 'rm', id])).status, 0)
  })
})

describe('cgpu why', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    assertRefused(await bench.cli(['why']), 66)
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
  })
  after(() => bench.remove())
  const why = async (...args: string[]): Promise<string> => {
    const {status, stdout, stderr} = await bench.cli(['why', ...args])
    assert.equal(status, 0, stderr)
    return stdout
  }

  it('explains the newest failure, whatever it was', async () => {
    await bench.cli(['run', '-r', 'there', '--', 'python3', '-c', 'import sklearn_is_not_here'])
    assert.match(await why(), /Python module sklearn_is_not_here is not installed[\s\S]*\| ModuleNotFoundError[\s\S]*next: cgpu job retry \S+ --packages sklearn-is-not-here/)
    await bench.cli(['exec', '-r', 'there', 'open("no/such.csv")'])
    assert.match(await why(), /no file no\/such\.csv[\s\S]*next: .*cgpu history rerun/)
    await bench.cli(['run', '-r', 'there', '--', 'sh', '-c', 'kill -SEGV $$'])
    assert.match(await why(), /segmentation fault[\s\S]*\| killed by SIGSEGV/)
    await bench.cli(['run', '-r', 'there', '--', 'no-such-command'])
    assert.match(await why(), /could not be started/)
  })

  it('explains what was not there, and says nothing empty', async () => {
    await bench.cli(['run', '-r', 'there', '--cwd', 'no/such/folder', '--', 'true'])
    const folder = await why()
    assert.match(folder, /^\S+: on the machine: no such folder: .*no\/such\/folder$/m)
    assert.doesNotMatch(folder, /vanished|^also: ?$|: $/m)
    await bench.cli(['run', '-r', 'there', '--', 'bash', 'x.sh'])
    assert.match(await why(), /no file x\.sh[^]*--include x\.sh/)
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'short'])).status, 0)
    const {id} = await bench.data<Detached>(['run', '-d', '-r', 'short', '--', 'sleep', '600'])
    assert.equal((await bench.cli(['runtime', 'release', 'short'])).status, 0)
    assert.doesNotMatch(await why(id), /^also: ?$|: $|PROGRAM_FAILED/m)
    assertRefused(await bench.cli(['job', 'list', '--state', 'bogus']), 64)
  })

  it('is not told that a machine was not asked which knows no such job', async () => {
    const [known] = await bench.data<JobView[]>(['job', 'list', '-r', 'there'])
    const {JobStore} = await import('@cgpu/core/job/store')
    const store = new JobStore(join(bench.home.dataDir, 'state'))
    const record = (await store.get(known?.id ?? '')) ?? assert.fail()
    await store.put({...record, id: 'nobody-knows-it'})
    const shown = await bench.cli(['job', 'show', 'nobody-knows-it'])
    assert.deepEqual([shown.status, shown.stderr], [0, 'warning: there knows no job nobody-knows-it\n'])
    await store.remove('nobody-knows-it')
  })

  it('explains a job by its id, also as JSON, and one that went well', async () => {
    const {id} = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'sh', '-c', 'echo "torch.OutOfMemoryError: CUDA out of memory." >&2; exit 1'])
    await bench.cli(['job', 'wait', id])
    const {diagnoses} = await bench.data<{diagnoses: {code: string; evidence: string[]}[]}>(['why', id])
    assert.deepEqual([diagnoses[0]?.code, diagnoses[0]?.evidence], ['GPU_OUT_OF_MEMORY', ['torch.OutOfMemoryError: CUDA out of memory.']])
    const fine = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'true'])
    await bench.cli(['job', 'wait', fine.id])
    assert.match(await why(fine.id), /ended well/)
    assertRefused(await bench.cli(['why', 'nothing-like-it']), 66)
    assertRefused(await bench.cli(['why', '../x']), 64)
  })
})
