import assert from 'node:assert/strict'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import {startCgpu} from '../helpers/cli.ts'
import {gate} from '../helpers/gate.ts'
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

for (const {place, make} of places) {
  describe(`a detached job on ${place}`, function () {
    this.timeout(90_000)
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

    it('says that one without a stdin is given nothing', async () => {
      const {id} = await bench.data<Detached>(['run', '-d', '-r', 'there', '--', 'sh', '-c', 'cat; until test -e "$0"; do sleep 0.05; done; echo done', join(bench.home.cwd, 'go9')])
      const fed = startCgpu(['job', 'attach', id, '--stdin'], {home: bench.home})
      fed.stdin?.end('lost\n')
      const [printed, told] = await Promise.all([fed.stdout, fed.stderr].map(async (stream) => {
        let text = ''
        for await (const chunk of stream ?? assert.fail()) {
          text += String(chunk)
          if (/empty stdin/.test(text)) await bench.file('go9', '')
        }
        return text
      }))
      assert.equal(printed, 'done\n', told)
      assert.match(told ?? '', new RegExp(`^warning: the job ${id} on there has an empty stdin: nothing is given to it; .*--keep-stdin`, 'm'))
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
