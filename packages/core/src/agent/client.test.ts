import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {agentVersion} from '@cgpu/runtime-agent'
import {type AgentBed, fiftyMegabytes, kernelNames, runPython, Seen, startAgentBed} from '../../../../test/helpers/agent-bed.ts'
import {CgpuError} from '../errors.ts'
import {AgentChannel} from './channel.ts'
import {AgentClient} from './client.ts'

const failsWith = (code: string) => (error: unknown): boolean => {
  assert.ok(error instanceof CgpuError, String(error))
  assert.equal(error.code, code)
  return true
}

for (const name of kernelNames) {
  describe(`the agent in a ${name} kernel`, function () {
    this.timeout(60_000)
    let bed: AgentBed
    let agent: AgentClient

    before(async () => {
      bed = await startAgentBed()
      agent = await AgentClient.open(await bed.kernel(name), {home: bed.home})
    })
    after(async () => {
      await agent.close()
      await bed.stop()
    })

    it('says what and where it is', () => {
      assert.equal(agent.hello.version, agentVersion())
      assert.equal(agent.hello.workdir, bed.jupyter.root)
      assert.match(agent.hello.python, /^3\./)
      assert.equal(readFileSync(join(bed.home, `agent-${agentVersion()}.py`), 'utf8').includes('cgpu runtime agent'), true)
    })

    it('runs a job with streams apart, a true exit status and the machine\'s times', async () => {
      const seen = new Seen()
      await agent.start({run: 'first', argv: ['sh', '-c', 'echo out; echo err >&2; pwd; echo $GREETING; exit 7'], cwd: '/', env: {GREETING: 'grüße'}})
      const status = await agent.follow('first', {onRecord: seen.onRecord})
      assert.deepEqual(seen.text, {stdout: 'out\n/\ngrüße\n', stderr: 'err\n'})
      assert.equal(status.exitCode, 7)
      assert.ok((status.endedAt ?? 0) >= (status.startedAt ?? Infinity))
      assert.equal((await agent.status('first')).logBytes, seen.records.at(-1)?.endOffset)
    })

    it('brings 50 MB of a job whole under the default limits', async () => {
      const seen = new Seen(false)
      const started = performance.now()
      const status = await runPython(agent, 'flood', fiftyMegabytes.code, seen)
      assert.equal(seen.bytes.stdout, fiftyMegabytes.bytes)
      assert.equal(seen.sha256, fiftyMegabytes.sha256)
      assert.equal(status.stdoutBytes, fiftyMegabytes.bytes)
      assert.ok(performance.now() - started < 30_000)
    })

    it('follows from any record\'s end, and holds a slow reader\'s memory down', async () => {
      const all = new Seen()
      // two streams, so that there are two records at least
      await runPython(agent, 'resumed', "import os\nfor i in range(2000): os.write(1 + i % 2, b'%d\\n' % i)", all)
      const from = all.records[0]?.endOffset ?? 0
      const rest = new Seen()
      await agent.follow('resumed', {offset: from, creditBytes: 1000, onRecord: async record => {
        await new Promise(resolve => setImmediate(resolve))
        rest.onRecord(record)
      }})
      assert.equal(all.text.stdout.endsWith(rest.text.stdout), true)
      assert.equal(rest.records.at(-1)?.endOffset, all.records.at(-1)?.endOffset)
      await assert.rejects(agent.follow('resumed', {offset: from - 1, onRecord: () => undefined}), failsWith('INVALID_OFFSET'))
    })

    it('feeds stdin and sends signals', async () => {
      const seen = new Seen()
      await agent.start({run: 'talk', argv: [agent.hello.executable, '-c', `
import signal, sys
signal.signal(signal.SIGUSR1, lambda *a: print('signalled', flush=True))
print(sys.stdin.readline().strip(), flush=True)
print(len(sys.stdin.read()))`], stdin: true})
      const following = agent.follow('talk', {onRecord: seen.onRecord})
      await agent.stdin('talk', {offset: 0, data: Buffer.from('hello\n')})
      // with its end: print writes it alone, and a signal may come in between
      await seen.until(() => seen.text.stdout.includes('hello\n'))
      await agent.signal('talk', 'SIGUSR1')
      await seen.until(() => seen.text.stdout.includes('signalled\n'))
      await agent.stdin('talk', {offset: 6, data: Buffer.alloc(9_000_000, 'x'), eof: true})
      assert.equal((await following).exitCode, 0)
      assert.equal(seen.text.stdout, 'hello\nsignalled\n9000000\n')
    })

    it('attaches to an id that was started before, and lists, reads and removes runs', async () => {
      assert.equal((await agent.start({run: 'once', shell: 'echo one'})).attached, false)
      assert.equal((await agent.start({run: 'once', shell: 'echo two'})).attached, true)
      const seen = new Seen()
      await agent.follow('once', {onRecord: seen.onRecord})
      assert.equal(seen.text.stdout, 'one\n')
      const listed = await agent.runs()
      assert.equal(listed[0]?.id, 'once')
      assert.equal(listed[0]?.shell, 'echo one')
      const {bytes, size} = await agent.read('once', {offset: 0})
      assert.equal(bytes.length, size)
      await agent.remove('once')
      assert.equal((await agent.status('once')).state, 'unknown')
      await assert.rejects(agent.follow('once', {onRecord: () => undefined}), failsWith('REMOTE_NOT_FOUND'))
    })

    it('says why a command could not be started', async () => {
      const status = await agent.start({run: 'nope', argv: ['no-such-command-here']}).then(() => agent.follow('nope', {onRecord: () => undefined}))
      assert.deepEqual([status.exitCode, status.pid, status.error], [127, null, 'command not found: no-such-command-here'])
      await assert.rejects(agent.start({run: 'cwd', argv: ['true'], cwd: '/no/where'}), failsWith('REMOTE_NOT_FOUND'))
      await assert.rejects(agent.start({run: '../x', argv: ['true']}), failsWith('REMOTE_REFUSED'))
      await assert.rejects(agent.start({run: 'nul', argv: ['a\0b']}), failsWith('REMOTE_REFUSED'))
      await assert.rejects(agent.signal('nope', 'SIGTERM'), failsWith('RUN_NOT_RUNNING'))
    })

    it('stops following when it is told to, and the job goes on', async () => {
      await agent.start({run: 'long', argv: ['sleep', '60']})
      const stop = new AbortController()
      const following = agent.follow('long', {signal: stop.signal, onRecord: () => undefined})
      stop.abort(new Error('enough'))
      await assert.rejects(following, /enough/)
      assert.equal((await agent.status('long')).state, 'running')
      await assert.rejects(agent.remove('long'), failsWith('RUN_RUNNING'))
      await agent.signal('long', 'SIGKILL')
      const status = await agent.follow('long', {onRecord: () => undefined})
      assert.deepEqual([status.exitCode, status.signal], [137, 'SIGKILL'])
    })

    it('ends a job for good, also one that ignores SIGTERM, although the kernel that was asked goes', async () => {
      const deaf = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print("up", flush=True); time.sleep(60)'
      const seen = new Seen()
      await agent.start({run: 'deaf', argv: [agent.hello.executable, '-c', deaf], maxRestarts: 3})
      const following = agent.follow('deaf', {onRecord: seen.onRecord})
      await seen.until(() => seen.text.stdout === 'up\n')
      const other = await bed.kernel(name)
      await (await AgentClient.open(other, {home: bed.home})).stop('deaf', {graceSeconds: 0.5})
      await bed.server.shutdownKernel(other.kernelId)
      const {signal, reason, cancelled, attempt} = await following
      assert.deepEqual({signal, reason, cancelled, attempt}, {signal: 'SIGKILL', reason: 'cancelled', cancelled: true, attempt: 1})
      await agent.stop('deaf')
      await assert.rejects(agent.stop('first'), failsWith('RUN_NOT_RUNNING'))
      await assert.rejects(agent.stop('never'), failsWith('REMOTE_NOT_FOUND'))
    })

    it('starts a program again that fails, from its newest checkpoint', async () => {
      const seen = new Seen()
      const resume = ['sh', '-c', 'basename "$1"', 'sh', '{latest}']
      const request = {shell: 'touch 7.ckpt; exit 3', maxRestarts: 2, resume, checkpoint: '*.ckpt', fingerprint: 'v1', env: {KEY: 'x'}}
      await agent.start({run: 'again', ...request})
      const status = await agent.follow('again', {onRecord: seen.onRecord})
      assert.equal(seen.text.stdout, '7.ckpt\n')
      assert.deepEqual(seen.records.map(record => record.stream), ['notice', 'stdout'])
      assert.deepEqual(seen.records[0]?.notice(), {kind: 'restart', bytes: 0, attempt: 2, exitCode: 3})
      assert.deepEqual([status.exitCode, status.attempt, status.restarts], [0, 2, 1])
      assert.ok((status.peakMemoryBytes ?? 0) > 100_000 && (status.diskFreeBytes ?? 0) > 0)
      const asked = await agent.status('again')
      assert.deepEqual({...asked, env: request.env}, {...asked, ...request})
      assert.deepEqual(asked.envNames, ['KEY'])
      assert.equal((await agent.start({run: 'again', argv: ['true'], fingerprint: 'v2'})).status.fingerprint, 'v1')
      await assert.rejects(agent.start({run: 'wrong', argv: ['true'], resume: ['{latest}']}), failsWith('REMOTE_REFUSED'))
    })

    it('finds the last lines of a log, and what came since a time', async () => {
      const tail = async (offset: number): Promise<Seen> => {
        const seen = new Seen()
        await agent.follow('flood', {offset, onRecord: seen.onRecord})
        return seen
      }
      const {offset, size} = await agent.locate('flood', {lines: 1000})
      assert.equal(size, (await agent.status('flood')).logBytes)
      const seen = await tail(offset)
      const lines = seen.text.stdout.split('\n')
      assert.ok(lines.length > 1000 && seen.bytes.stdout < 1_000_000, `${lines.length} lines`)
      assert.ok(lines.at(-2)?.startsWith('00499999 '))
      const time = seen.records.at(-1)?.time ?? 0
      const since = await tail((await agent.locate('flood', {since: time})).offset)
      assert.equal(since.records[0]?.time, time)
      assert.equal((await agent.locate('flood', {lines: 0, stream: 'stderr'})).offset, size)
      assert.equal((await agent.locate('flood', {since: time + 1000})).offset, size)
      await assert.rejects(agent.locate('never', {lines: 1}), failsWith('REMOTE_NOT_FOUND'))
    })

    it('passes on what a reader of the log throws', async () => {
      await assert.rejects(agent.follow('flood', {onRecord: () => {
        throw new Error('EPIPE')
      }}), /EPIPE/)
    })

    it('outlives the kernel that it was started from', async () => {
      const other = await bed.kernel(name)
      const starter = await AgentClient.open(other, {home: bed.home})
      await starter.start({run: 'orphan', argv: ['cat'], stdin: true})
      await bed.server.shutdownKernel(other.kernelId)
      await agent.stdin('orphan', {offset: 0, data: Buffer.from('alive'), eof: true})
      const seen = new Seen()
      assert.equal((await agent.follow('orphan', {onRecord: seen.onRecord})).exitCode, 0)
      assert.equal(seen.text.stdout, 'alive')
    })

    it('answers requests of any shape without harm', async () => {
      const channel = await AgentChannel.open(await bed.kernel(name), {home: bed.home})
      const ops = [
        'start', 'status', 'follow', 'read', 'locate', 'signal', 'stop', 'stdin', 'remove', 'stat', 'upload', 'put', 'chunk', 'commit', 'abort', 'download',
        'glob', 'list', 'no-such-op', '__class__',
      ]
      const junk: unknown[] = [null, true, -1, 1e300, '', '\0', 'missing/../x', [], [null], {}, {a: [{}]}, '\ud800']
      const fields = ['run', 'argv', 'env', 'path', 'offset', 'credit', 'size', 'upload', 'patterns', 'signal', 'mode', 'cwd']
      for (const value of junk) {
        const all = Object.fromEntries(fields.map(field => [field, value]))
        const answers = await Promise.allSettled(ops.map(op => channel.request(op, all)))
        for (const [i, answer] of answers.entries()) {
          if (ops[i] === 'stat' || ops[i] === 'glob') continue // a missing path and no patterns may well be asked for
          assert.equal(answer.status, 'rejected', `${ops[i]} took ${JSON.stringify(value)}`)
          if (answer.status === 'rejected') assert.ok(answer.reason instanceof CgpuError)
        }
      }
      assert.deepEqual((await channel.request('ping')).data['ok'], true)
      await channel.close()
    })
  })
}
