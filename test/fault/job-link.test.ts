import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {newRunId} from '@cgpu/core/execution/id'
import {followJob, startJob} from '@cgpu/core/execution/job'
import {feedStdin} from '@cgpu/core/execution/stdin-feed'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {assertCounted, type SessionBed, startSessionBed, Told, until} from '../helpers/session-bed.ts'

/** Prints 0..n-1, waiting before the sixth line for the file `go`; `${go}-end` appears when it is done. */
function counting(n: number, go: string, end = ''): string {
  return [
    'import os, sys, time',
    `for i in range(${n}):`,
    `    while i == 5 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)`,
    '    print(i, flush=True)',
    `open(${JSON.stringify(`${go}-end`)}, 'w').close()`,
    end,
  ].join('\n')
}

describe('jobs over a bad link', function () {
  this.timeout(60_000)
  let bed: SessionBed
  let files = 0
  const goFile = (): string => join(bed.home.path, `go-${files++}`)
  const python = async (session: RuntimeSession, code: string, id = newRunId()): Promise<string> => {
    await startJob(session, {id, argv: [bed.jupyter.python, '-c', code], env: {}})
    return id
  }

  before(async () => {
    bed = await startSessionBed()
  })
  afterEach(() => bed.reset())
  after(() => bed?.stop())

  for (const [row, how] of [['row 1: RST', 'rstAll'], ['row 2: FIN', 'finAll'], ['row 3: half-open', 'freezeExisting']] as const) {
    it(`${row} while a job runs`, async () => {
      const {session, links, link} = await bed.session()
      const [told, go] = [new Told(), goFile()]
      const id = await python(session, counting(2000, go))
      const following = followJob(session, id, {onEvent: told.onEvent})
      await told.shows(/^4$/m)
      const lost = link('reconnecting')
      bed.chaos.refuse()
      bed.chaos[how]()
      await lost
      await writeFile(go, '')
      bed.chaos.refuse(false)
      const outcome = await following
      assert.deepEqual([outcome.exitStatus, outcome.stdoutBytes], [0, told.bytes().length])
      assertCounted(told.numbers, 2000)
      assert.deepEqual(links.slice(0, 2), ['reconnecting', 'connected'])
    })
  }

  for (const [ending, code, status] of [['with 7', 'sys.exit(7)', 7], ['by SIGKILL', 'os.kill(os.getpid(), 9)', 137]] as const) {
    it(`row 4: half-open while the job ends ${ending}`, async () => {
      const {session, link} = await bed.session()
      const [told, go] = [new Told(), goFile()]
      const id = await python(session, counting(50, go, code))
      const following = followJob(session, id, {onEvent: told.onEvent})
      await told.shows(/^4$/m)
      const lost = link('reconnecting')
      bed.chaos.refuse()
      bed.chaos.freezeExisting()
      await writeFile(go, '')
      await until(() => existsSync(`${go}-end`))
      await lost
      bed.chaos.refuse(false)
      assert.equal((await following).exitStatus, status)
      assertCounted(told.numbers, 50)
    })
  }

  for (const how of ['killed', 'shut down'] as const) {
    it(`the control kernel is ${how} while a job runs: the job goes on and is followed on`, async () => {
      const {session} = await bed.session()
      const [told, go] = [new Told(), goFile()]
      const id = await python(session, counting(2000, go))
      const following = followJob(session, id, {onEvent: told.onEvent})
      await told.shows(/^4$/m)
      if (how === 'killed') process.kill((await session.agent()).hello.pid, 'SIGKILL')
      else await shutDown('cgpu-control')
      await writeFile(go, '')
      assert.equal((await following).exitStatus, 0)
      assertCounted(told.numbers, 2000)
    })
  }

  it('a job starts although the control kernel went just before', async () => {
    const {session} = await bed.session()
    await session.agent()
    await shutDown('cgpu-control')
    const id = await python(session, 'print(1)')
    const told = new Told()
    assert.equal((await followJob(session, id, {onEvent: told.onEvent})).exitStatus, 0)
    assert.equal(told.text, '1\n')
  })

  it('stdin arrives once although the link is lost while it is fed', async () => {
    const {session, link} = await bed.session()
    const told = new Told()
    const id = await python(session, 'import sys\nfor line in sys.stdin: print(int(line), flush=True)')
    const next = Promise.withResolvers<void>()
    const feeding = feedStdin(session, id, (async function* () {
      yield Buffer.from('0\n1\n')
      await next.promise
      for (let i = 2; i < 500; i++) yield Buffer.from(`${i}\n`)
    })())
    const following = followJob(session, id, {onEvent: told.onEvent})
    await told.shows(/^1$/m)
    const lost = link('reconnecting')
    bed.chaos.rstAll()
    await lost
    next.resolve()
    await feeding
    assert.equal((await following).exitStatus, 0)
    assertCounted(told.numbers, 500)
  })

  it('an RST in the middle of 50,000 lines loses and doubles none', async () => {
    const {session, link} = await bed.session()
    const told = new Told()
    const id = await python(session, 'for i in range(50000): print(i)')
    const following = followJob(session, id, {
      onEvent: async (event) => {
        told.onEvent(event)
        await new Promise(setImmediate) // a reader that is not quite as fast as the network
      },
    })
    await told.shows(/^100$/m)
    const back = link('connected')
    bed.chaos.rstAll()
    await back
    assert.equal((await following).exitStatus, 0)
    assertCounted(told.numbers, 50_000)
  })

  it('row 13: a job\'s bytes arrive as they were, also when they are no text', async () => {
    const {session} = await bed.session()
    const told = new Told()
    const id = await python(session, String.raw`import os, time
for piece in (b"a\xff\xfe\xc3", b"\xa9\xe2\x82", b"\xac\x00", bytes(range(256)) * 300):
    os.write(1, piece); time.sleep(0.05)`)
    await followJob(session, id, {onEvent: told.onEvent})
    const all = Buffer.from(Array.from({length: 256}, (_, code) => code))
    assert.deepEqual(told.bytes(), Buffer.concat([Buffer.from('61fffec3a9e282ac00', 'hex'), ...Array.from({length: 300}, () => all)]))
  })

  it('an id that was never started is not found', async () => {
    const {session} = await bed.session()
    await assert.rejects(followJob(session, 'no-such-job', {onEvent: () => {}}), {code: 'JOB_NOT_FOUND', exit: 66})
  })

  it('a job whose process and supervisor were killed is lost, with what it printed', async () => {
    const {session} = await bed.session()
    const told = new Told()
    const id = await python(session, 'import os, time\nprint(os.getppid(), os.getpid(), flush=True)\ntime.sleep(600)')
    const following = followJob(session, id, {onEvent: told.onEvent})
    await told.shows(/^\d+ \d+$/m)
    for (const pid of told.text.trim().split(' ')) process.kill(Number(pid), 'SIGKILL')
    await assert.rejects(following, {code: 'JOB_LOST', exit: 71})
  })

  async function shutDown(path: string): Promise<void> {
    const found = (await bed.direct.listSessions()).find((each) => each.path === path)
    assert.ok(found, `no session ${path}`)
    await bed.direct.deleteSession(found.id)
  }

  it('a session that was closed opens nothing any more, whoever still uses it', async () => {
    // a machine that has no time answers heartbeats late, and is no lost link
    const {session, links} = await bed.session({heartbeatMs: 5_000})
    await session.agent()
    const opening = session.kernel()
    const closed = assert.rejects(opening, {code: 'SESSION_CLOSED'})
    await session.close()
    await closed
    await assert.rejects(feedStdin(session, 'ended', (async function* () { yield Buffer.from('late') })()), {code: 'SESSION_CLOSED'})
    await assert.rejects(session.agent(), {code: 'SESSION_CLOSED'})
    await until(async () => (await bed.direct.listKernels()).every(({connections}) => connections === 0))
    assert.deepEqual(links, [])
  })
})
