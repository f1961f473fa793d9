import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {chmod, readFile, rm, writeFile} from 'node:fs/promises'
import {createServer, type Server} from 'node:net'
import {join} from 'node:path'
import {startCgpu} from '../helpers/cli.ts'
import {type DaemonBed, daemonBed} from '../helpers/daemon-bed.ts'
import {untilThere} from '../helpers/gate.ts'
import {assertRefused, until} from '../helpers/workbench.ts'
import {processesOf} from '../contract/processes-of.ts'

const alive = (pid: number): boolean => existsSync(`/proc/${pid}`)

describe('a daemon in trouble', function () {
  this.timeout(60_000)
  let bed: DaemonBed
  before(async () => {
    bed = await daemonBed()
  })
  after(() => bed.remove())
  const folder = (): string => join(bed.home.dataDir, 'state/daemon')
  /** `exec` works, whoever does it; with --verbose it tells why not the daemon */
  const works = async (env: Record<string, string>): Promise<string> => {
    const {status, stdout, stderr} = await bed.cli(['exec', '-v', '1 + 1'], {env})
    assert.deepEqual([status, stdout], [0, '2\n'], stderr)
    return stderr
  }
  const notUsed = async (why: RegExp, env: Record<string, string> = {}): Promise<number> => {
    const stderr = await works(env)
    const told = /^daemon: not used after (\d+) ms: (.*)$/m.exec(stderr) ?? assert.fail(stderr)
    assert.match(told[2] ?? '', why)
    return Number(told[1])
  }
  const gone = (pid: number): Promise<void> => until(() => !alive(pid), () => `process ${pid} is there`)
  /** Code that tells when it has begun, and waits until `go` is called: what is done meanwhile takes as long as it takes. */
  const held = (name: string) => {
    const [mark, go] = ['begun', 'go'].map((what) => `${name}-${what}`) as [string, string]
    return {
      begin: `open(${JSON.stringify(join(bed.home.cwd, mark))}, "w").close()`, wait: untilThere(join(bed.home.cwd, go)), go: () => bed.file(go, ''),
      /** by the daemon; that it has accepted it is not that the kernel has it */
      begun: async () => {
        await until(() => existsSync(join(bed.home.cwd, mark)), () => 'it does not run')
        assert.equal((await bed.status()).running, 1)
      },
    }
  }
  /** as long as a daemon has for people; the bed has it wait for longer */
  const usual = {CGPU_DAEMON_MS: ''}

  it('is started behind the first exec, which is as without it', async () => {
    const {status, stdout, stderr} = await bed.cli(['exec', '1'])
    assert.deepEqual([status, stdout, stderr], [0, '1\n', ''])
    await until(async () => (await bed.status()).state === 'running', () => 'no daemon came')
    await bed.cli(['exec', '1'])
    assert.equal((await bed.status()).executions, 1)
    await bed.cli(['daemon', 'stop'])
    assert.equal((await bed.cli(['exec', '1'], {env: {CGPU_DAEMON: 'auto', CI: '1'}})).stdout, '1\n')
    assert.equal((await bed.status()).state, 'stopped')
  })

  it('that is killed loses no output and runs nothing twice', async () => {
    const pid = await bed.start()
    const {begin, begun, wait, go} = held('killed')
    const code = `${begin}; import time; runs = globals().get("runs", 0) + 1\nfor i in range(6): print(i, flush=True); time.sleep(0.2)\n${wait}\nruns`
    const running = bed.cli(['exec', code], {timeoutMs: 30_000})
    await begun()
    process.kill(pid, 'SIGKILL')
    await go()
    const {status, stdout, stderr} = await running
    assert.deepEqual([status, stdout], [0, '0\n1\n2\n3\n4\n5\n1\n'], stderr)
    assert.equal(stderr, '')
    // without one: the next test's own daemon would meet the one that this starts
    assert.equal((await bed.cli(['exec', 'runs'], {env: {CGPU_DAEMON: 'off'}})).stdout, '1\n')
  })

  describe('that is killed while code runs for too long', () => {
    const same = (text: string): string => text.replaceAll(/0m[0-9a-z]{7}-[0-9a-f]{10}/g, 'ID').replaceAll(/"ts":"[^"]+"|"durationSeconds":[\d.]+/g, '')
    const cases: [flags: string[], what: string][] = [
      [[], 'text'], [['--json'], 'json'], [['--output', 'ndjson'], 'ndjson'], [['--new-kernel'], 'a kernel of its own'],
    ]
    for (const [flags, what] of cases) {
      it(`leaves its end as without it: ${what}`, async () => {
        const mark = join(bed.home.cwd, 'kernel.pid')
        const code = `import os, time\nwith open(${JSON.stringify(mark)}, "w") as file: file.write(str(os.getpid()) + "\\n")\nprint("up", flush=True)\nwhile True: time.sleep(0.01)`
        const exec = (env = {}): ReturnType<typeof bed.cli> => bed.cli(['exec', '--timeout', '6s', ...flags, code], {env})
        const history = async (): Promise<unknown> => {
          const {status, code: told, exitStatus, message, category} = await bed.data<Record<string, unknown>>(['history', 'show'])
          return {status, told, exitStatus, message, category}
        }
        const direct = await exec({CGPU_DAEMON: 'off'})
        const kept = await history()
        assert.equal(direct.status, 130)
        assert.match(direct.stdout + direct.stderr, /the code was interrupted after 6 s/)
        await rm(mark)
        const pid = await bed.start()
        const running = exec()
        await until(async () => (await readFile(mark, 'utf8').catch(() => '')).endsWith('\n'), () => 'it does not run')
        process.kill(pid, 'SIGKILL')
        const {status, stdout, stderr} = await running
        assert.deepEqual([status, same(stdout), same(stderr)], [direct.status, same(direct.stdout), same(direct.stderr)])
        assert.deepEqual(await history(), kept)
        const kernel = Number(await readFile(mark, 'utf8'))
        await rm(mark)
        if (what === 'a kernel of its own') return gone(kernel)
        // it was interrupted, and is free
        assert.equal((await bed.cli(['exec', '--timeout', '10s', 'os.getpid()'])).stdout, `${kernel}\n`)
      })
    }
  })

  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    it(`that is gone (${signal}) loses no Ctrl-C`, async () => {
      const pid = await bed.start()
      const child = startCgpu(['exec', 'import time; print("up", flush=True)\nwhile True: time.sleep(0.01)'], {home: bed.home})
      child.stdin?.end()
      const text = {stdout: '', stderr: ''}
      for (const stream of ['stdout', 'stderr'] as const) child[stream]?.on('data', (chunk: Buffer) => void (text[stream] += chunk.toString()))
      const ended = once(child, 'close')
      await until(() => text.stdout === 'up\n', () => `it does not run: ${text.stderr}`)
      process.kill(pid, signal)
      try {
        child.kill('SIGINT')
        assert.deepEqual(await ended, [130, null], text.stderr)
        assert.match(text.stderr, /^interrupting; Ctrl-C again leaves\n[\s\S]*KeyboardInterrupt/)
      } finally {
        if (signal === 'SIGSTOP') process.kill(pid, 'SIGKILL')
        await gone(pid)
      }
    })
  }

  it('that is killed leaves a socket that stops nobody', async () => {
    const pid = await bed.start()
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    assert.ok(existsSync((await bed.record()).socket))
    await notUsed(/cannot be reached \(ECONNREFUSED\)/)
    assert.notEqual(await bed.start(), pid)
  })

  it('that hangs delays a command by less than half a second', async () => {
    const pid = await bed.start()
    process.kill(pid, 'SIGSTOP')
    try {
      const ms = await notUsed(/did not answer within 300 ms/, usual)
      // what a busy machine takes more is not the daemon's
      assert.ok(ms >= 290 && ms < 10_000, `${ms} ms`)
      assert.equal((await bed.status()).state, 'unresponsive')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    // what was asked while it hung is not done later
    assert.equal((await bed.cli(['exec', '1'])).stdout, '1\n')
    assert.equal((await bed.status()).executions, 1)
  })

  it('that hangs is replaced by who starts one, and named', async () => {
    const pid = await bed.start()
    process.kill(pid, 'SIGSTOP')
    const started = await bed.cli(['daemon', 'start'])
    assert.equal(started.status, 0, started.stderr)
    assert.match(started.stderr, new RegExp(`process ${pid} did not answer, and was ended`))
    await gone(pid)
    const now = await bed.status()
    assert.deepEqual([now.state, now.pid === pid], ['running', false])
    // the same in the foreground, as by a service manager
    process.kill(now.pid, 'SIGSTOP')
    const child = startCgpu(['daemon', 'start', '--foreground'], {home: bed.home})
    const ended = once(child, 'close')
    await until(async () => (await bed.status()).pid === child.pid, () => 'it does not take its place')
    await gone(now.pid)
    child.kill('SIGTERM')
    await ended
  })

  it('that cannot be written down says at once why it did not start', async () => {
    await bed.cli(['daemon', 'stop'])
    await rm(folder(), {recursive: true, maxRetries: 5})
    await writeFile(folder(), '')
    try {
      const refused = await bed.cli(['daemon', 'start'])
      assertRefused(refused, 73)
      assert.match(refused.stderr, /error: the daemon did not start: cannot write .*daemon: a file is in its place/)
    } finally {
      await rm(folder())
    }
  })

  it('that hangs while code runs is left behind, and the code is followed without it', async () => {
    const pid = await bed.start()
    const {begin, begun, wait, go} = held('hung')
    const running = bed.cli(['exec', `${begin}; import time\nfor i in range(5): print(i, flush=True); time.sleep(0.2)\n${wait}`])
    await begun()
    process.kill(pid, 'SIGSTOP')
    try {
      await go()
      const {status, stdout, stderr} = await running
      assert.deepEqual([status, stdout, stderr], [0, '0\n1\n2\n3\n4\n', ''])
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  })

  it('that is a stranger hears nothing but a nonce', async () => {
    await bed.start()
    const record = await bed.record()
    await bed.cli(['daemon', 'stop'])
    const heard: Buffer[] = []
    const stranger: Server = createServer((socket) => void socket.on('data', (chunk) => heard.push(chunk)).on('error', () => undefined))
    await new Promise<void>((resolve) => void stranger.listen(record.socket, resolve))
    try {
      await writeFile(join(folder(), 'daemon.json'), JSON.stringify({...record, pid: process.pid}), {mode: 0o600})
      await notUsed(/did not answer/, usual)
      const {stdout} = await bed.cli(['exec', 'print("secret code")'], {env: usual})
      assert.equal(stdout, 'secret code\n')
    } finally {
      stranger.close()
      await rm(join(folder(), 'daemon.json'))
    }
    const said = Buffer.concat(heard).toString('latin1')
    assert.match(said, /"nonce"/)
    for (const word of [record.token, 'secret code', '1 + 1', bed.home.path]) assert.ok(!said.includes(word), said)
  })

  it('is not used where others could have a hand in it', async () => {
    const pid = await bed.start()
    await chmod(folder(), 0o777)
    await notUsed(/others may use it \(mode 777\)/)
    // and ends itself: its folder is not its own any more
    await chmod(folder(), 0o700)
    process.kill(pid, 'SIGTERM')
    await gone(pid)
  })

  it('of another build is replaced, and finishes its work first', async () => {
    const pid = await bed.start()
    const record = await bed.record()
    // on a kernel of its own, for the commands below have the other one
    const running = bed.cli(['exec', '--new-kernel', `print("up", flush=True)\n${untilThere(join(bed.home.cwd, 'replaced'))}\nprint("down")`])
    await until(async () => (await bed.status()).running === 1, () => 'it does not run')
    await writeFile(join(folder(), 'daemon.json'), JSON.stringify({...record, build: 'older'}), {mode: 0o600})
    await notUsed(/another cgpu/)
    await until(async () => {
      const now = await bed.status()
      return now.state === 'running' && now.pid !== pid // between the two there is none
    }, () => 'no other daemon came')
    assert.ok(alive(pid), 'the old one works on')
    await bed.file('replaced', '')
    assert.equal((await running).stdout, 'up\ndown\n')
    await gone(pid)
    // on a busy machine it may be too late for some
    await until(async () => {
      assert.equal((await bed.cli(['exec', '1'])).stdout, '1\n')
      return (await bed.status()).executions > 0
    }, () => 'the other daemon runs nothing')
    await bed.cli(['daemon', 'stop'])
  })

  it('ends itself when it has nothing to do, and when its folder or its socket is gone', async () => {
    // longer than it takes on a busy machine until somebody has seen that it is there
    const idle = await bed.start({CGPU_DAEMON_IDLE: '3000'})
    // should it be too late, it starts one that soon ends as well
    await bed.cli(['exec', '1'], {env: {CGPU_DAEMON_IDLE: '3000'}})
    await gone(idle)
    await until(async () => (await bed.status()).state === 'stopped', () => 'one is left')
    assert.match(await readFile(join(folder(), 'daemon.log'), 'utf8'), /stopping: nothing to do\n/)
    // it looks four times in that time, and is not over for having nothing to do
    const other = await bed.start({CGPU_DAEMON_IDLE: '12000'})
    await rm(folder(), {recursive: true, maxRetries: 5})
    // and leaves the one that came in its place alone
    const next = await bed.start()
    await gone(other)
    assert.deepEqual([(await bed.status()).state, (await bed.status()).pid], ['running', next])
    await bed.cli(['daemon', 'stop'])
    await gone(next)
    // and when nobody can reach it any more
    const unheard = await bed.start({CGPU_DAEMON_IDLE: '12000'})
    await rm((await bed.record()).socket)
    await gone(unheard)
    assert.match(await readFile(join(folder(), 'daemon.log'), 'utf8'), /retiring: its socket is gone\n/)
    assert.deepEqual(processesOf(bed.home.path).filter((one) => String(one).includes('daemon')), [])
  })

  it('stops when it is told to, says what goes on, and its log holds no secrets', async () => {
    await bed.start()
    const {token} = await bed.record()
    const {begin, begun, wait, go} = held('stopped')
    const running = bed.cli(['exec', `${begin}; print("sesame", flush=True)\n${wait}\nprint("end")`])
    await begun()
    const stopped = await bed.cli(['daemon', 'stop'])
    assert.equal(stopped.stdout, 'stopped the daemon; code that ran through it goes on on its machine (1 running)\n')
    await go()
    assert.equal((await running).stdout, 'sesame\nend\n')
    const again = await bed.cli(['daemon', 'stop'])
    assert.deepEqual([again.status, again.stderr], [0, 'no daemon was running\n'])
    const log = (await bed.data<{lines: string[]}>(['daemon', 'logs'])).lines.join('\n')
    assert.match(log, /execution \S+ begins/)
    for (const word of [token, 'sesame']) assert.ok(!log.includes(word))
  })
})
