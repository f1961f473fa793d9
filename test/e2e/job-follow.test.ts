import assert from 'node:assert/strict'
import {type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {startCgpu} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {colabDaemonBed, patience} from '../helpers/daemon-bed.ts'
import {until, type Workbench} from '../helpers/workbench.ts'

/** A command that goes on, and what it said so far. */
interface Follower {
  child: ChildProcess
  ended: Promise<unknown>
  stdout: string
  stderr: string
}

function follow(bench: Workbench, args: string[]): Follower {
  const child = startCgpu(args, {home: bench.home})
  const follower: Follower = {child, ended: once(child, 'close').then(([status]: unknown[]) => status), stdout: '', stderr: ''}
  child.stdout?.on('data', (chunk: Buffer) => (follower.stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (follower.stderr += chunk.toString()))
  return follower
}

/** The first machine never gets to its end; the next one begins with the checkpoint. */
const twice = ['--max-restarts', '2', '--checkpoint', 'at.txt', '--resume-cmd', 'echo second', '--', 'sh', '-c', 'echo 1 > at.txt; echo first; exec sleep 1000']

describe('who follows a job whose machine is taken away', function () {
  this.timeout(120_000)

  describe('and the daemon moves it', () => {
    let bench: ColabBench
    before(async () => {
      bench = await colabDaemonBed()
      Object.assign(bench.home.env, {CGPU_DAEMON_TASKS_MS: '500', ...patience})
    })
    after(() => bench?.remove())

    /** The machine goes, and there is no other before all have told so: whoever hears of it when the job goes on already has nothing to wait for. */
    async function takeAway(followers: Follower[]): Promise<void> {
      await bench.emulator.happen({fault: {id: 'full', match: {method: 'POST', path: '/tun/m/assign', skip: 0, probability: 1}, do: {status: 412}}})
      assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
      await until(() => followers.every(({stderr}) => /was taken away/.test(stderr)), () => JSON.stringify(followers.map(({stderr}) => stderr)))
      await bench.emulator.happen({clearFault: 'full'})
    }

    it('goes on on the next machine, and ends as the job does', async () => {
      const {id, runtime} = await bench.data<{id: string; runtime: string}>(['run', '--detach', ...twice])
      const wait = follow(bench, ['job', 'wait', id])
      const readers = [follow(bench, ['job', 'attach', id]), follow(bench, ['logs', id, '-f', '--tail', '5'])]
      await until(() => readers.every(({stdout}) => stdout === 'first\n'), () => JSON.stringify(readers.map(({stdout, stderr}) => [stdout, stderr])))
      const copy = join(bench.home.dataDir, 'state', 'jobs', `${id}.checkpoints`, 'at.txt')
      await until(() => existsSync(copy), () => 'no copy')
      const all = [wait, ...readers]
      await takeAway(all)
      const statuses = await Promise.all(all.map(({ended}) => ended))
      const told = JSON.stringify(all.map(({stdout, stderr}) => [stdout, stderr]), null, 2)
      assert.deepEqual(statuses, [0, 0, 0], told)
      assert.deepEqual(all.map(({stdout}) => stdout), [`${id} is done\n`, 'first\nsecond\n', 'first\nsecond\n'], told)
      for (const {stderr} of all) {
        assert.equal(stderr.split(`warning: ${runtime} was taken away; waiting until the job ${id} is on another machine\n`).length, 2, told)
        assert.doesNotMatch(stderr, /^error/m, told)
      }
      for (const {stderr} of readers) assert.match(stderr, new RegExp(`warning: the job ${id} goes on on [a-z-]+; its log begins anew there\n`), told)
      await until(() => bench.machines().length === 0, () => readFileSync(join(bench.home.dataDir, 'state', 'daemon', 'daemon.log'), 'utf8'))
    })

    const program = ['--', 'sh', '-c', 'read a; echo got $a; test $a = one && exec sleep 1000; cat']
    /** The first machine goes when the program there read its line; what is typed then is read on the next. */
    async function moved(typist: Follower, reclaim: () => Promise<unknown>): Promise<string> {
      typist.child.stdin?.write('one\n')
      await until(() => typist.stdout === 'got one\n', () => typist.stderr, 40_000) // a machine may be made first
      const [first] = await bench.data<{name: string}[]>(['runtime', 'list'])
      await reclaim()
      await until(() => /was taken away/.test(typist.stderr), () => typist.stderr)
      typist.child.stdin?.end('two\nrest\n')
      assert.equal(await typist.ended, 0, typist.stderr)
      assert.equal(typist.stdout, 'got one\ngot two\nrest\n', typist.stderr)
      assert.match(typist.stderr, new RegExp(`^warning: 4 B of stdin went to the program on ${first?.name}, and the one on [a-z-]+ is given what comes after it$`, 'm'))
      return typist.stderr
    }

    it('feeds the next program what the first had not been given, and says what that had', async () => {
      const {id} = await bench.data<{id: string}>(['run', '--detach', '--keep-stdin', '--max-restarts', '2', ...program])
      const typist = follow(bench, ['job', 'attach', id, '--stdin'])
      await moved(typist, () => takeAway([typist]))
    })

    it('does the same where the run itself goes on on the next machine', async () => {
      await moved(follow(bench, ['run', '--max-restarts', '2', ...program]), async () => assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? '')))
    })
  })

  describe('and nobody moves it by itself', () => {
    let bench: ColabBench
    before(async () => {
      bench = await colabBench()
    })
    after(() => bench?.remove())
    const begun: Follower[] = []
    afterEach(async () => {
      for (const {child} of begun.splice(0)) child.kill('SIGKILL')
      await bench.cli(['stop', '--all', '--yes'])
    })

    it('is not kept by a machine that does not answer', async () => {
      const {id} = await bench.data<{id: string}>(['run', '--detach', '--', 'sleep', '1000'])
      await bench.emulator.happen({freeze: 'runtime:*'})
      const at = performance.now()
      const waited = await bench.cli(['job', 'wait', id, '--timeout', '1s'])
      assert.equal(waited.status, 124, waited.stderr)
      const listed = await bench.cli(['job', 'list'])
      assert.match(listed.stdout, new RegExp(`^${id} .*sleep 1000$`, 'm'))
      assert.match(listed.stderr, /^warning: [a-z-]+ could not be asked: no answer within 6 s$/m)
      assert.ok(performance.now() - at < 60_000, 'far less than a connection is tried for')
      const left = await bench.cli(['job', 'attach', id], {signalAfter: {signal: 'SIGINT', stream: 'stderr', match: /does not answer yet/}})
      assert.deepEqual([left.signal ?? left.status, left.stderr], ['SIGINT', `the machine of the job ${id} does not answer yet\n`])
      await bench.emulator.happen({thaw: true})
    })

    const lost = async (...args: string[]): Promise<string> => {
      const {id} = await bench.data<{id: string}>(['run', '--detach', ...args, '--', 'sleep', '1000'])
      assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
      return id
    }

    it('waits no longer than it was told to, is left by Ctrl-C, and gives up in the end', async () => {
      const id = await lost('--max-restarts', '2')
      const late = await bench.cli(['job', 'wait', id, '--timeout', '1s'])
      assert.equal(late.status, 124, late.stderr)
      const left = await bench.cli(['job', 'attach', id], {signalAfter: {signal: 'SIGINT', stream: 'stderr', match: /waiting until/}})
      assert.equal(left.status, 130, left.stderr)
      assert.match(left.stderr, new RegExp(`error: left; when it is on another machine, follow it there: cgpu job attach ${id}`))
      const alone = await bench.cli(['job', 'wait', id])
      assert.equal(alone.status, 71, alone.stderr)
      assert.match(alone.stderr, new RegExp(`^error: .* was taken away, and nobody puts the job ${id} on another machine\nfix: cgpu job move ${id}$`, 'm'))
    })

    it('goes on when somebody moves it meanwhile', async () => {
      const id = await lost('--max-restarts', '2')
      const wait = follow(bench, ['job', 'wait', id])
      await until(() => wait.stderr.includes('waiting until'), () => wait.stderr)
      assert.equal((await bench.cli(['job', 'move', id])).status, 0)
      assert.equal((await bench.cli(['job', 'cancel', id])).status, 0)
      assert.equal(await wait.ended, 143, wait.stderr)
      assert.equal(wait.stdout, `${id} was cancelled\n`)
    })

    it('goes on when its own command moves it, however long that has to wait for a machine', async () => {
      const run = follow(bench, ['run', ...twice])
      begun.push(run)
      await until(() => run.stdout === 'first\n', () => run.stderr, 40_000) // a machine is made first
      const [{id} = assert.fail()] = await bench.data<{id: string}[]>(['job', 'list', '--state', 'running'])
      const followers = [follow(bench, ['job', 'wait', id]), follow(bench, ['job', 'attach', id])]
      await until(() => followers[1]?.stdout === 'first\n', () => JSON.stringify(followers.map(({stderr}) => stderr)))
      await until(() => existsSync(join(bench.home.dataDir, 'state', 'jobs', `${id}.checkpoints`, 'at.txt')), () => 'no copy')
      await bench.emulator.happen({assign: ['412', 'ok']})
      assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
      await until(() => run.stderr.includes('there is no other machine now'), () => run.stderr)
      const refused = await bench.cli(['job', 'cancel', id])
      assert.deepEqual([refused.status, refused.stderr.includes(`kill ${run.child.pid}`)], [72, true], refused.stderr)
      const all = [run, ...followers]
      const statuses = await Promise.all(all.map(({ended}) => ended))
      const told = JSON.stringify(all.map(({stdout, stderr}) => [stdout, stderr]), null, 2)
      assert.deepEqual([statuses, all.map(({stdout}) => stdout)], [[0, 0, 0], ['first\nsecond\n', `${id} is done\n`, 'first\nsecond\n']], told)
    })

    it('ends at once when it may not be moved', async () => {
      const id = await lost()
      for (const args of [['job', 'wait'], ['job', 'attach'], ['logs', '-f']]) {
        const ended = await bench.cli([...args, id])
        assert.equal(ended.status, 71, ended.stderr)
        assert.doesNotMatch(ended.stderr, /waiting/)
      }
    })
  })
})
