import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {ExecutionEvent} from '@cgpu/core/execution/events'
import {Execution} from '@cgpu/core/execution/exec'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {assertCounted, type SessionBed, startSessionBed, Told, until} from '../helpers/session-bed.ts'

const sleeping = 'import os, time\nfor i in range(20): print(i)\nprint("pid", os.getpid(), flush=True)\ntime.sleep(600)'
const pidIn = (told: Told): number => Number(/pid (\d+)/.exec(told.text)?.[1])

describe('exec and its kernels', function () {
  this.timeout(60_000)
  let bed: SessionBed
  const exec = (session: RuntimeSession, code: string, told = new Told()): Execution => new Execution(session, {code, onEvent: told.onEvent})

  before(async () => {
    bed = await startSessionBed()
  })
  afterEach(() => bed.reset())
  after(() => bed?.stop())

  it('row 7: a kernel restarted by somebody is lost work, never done again', async () => {
    const {session} = await bed.session()
    const told = new Told()
    const marks = join(bed.home.path, 'marks')
    const execution = exec(session, `open(${JSON.stringify(marks)}, 'a').write('x')\n${sleeping}`, told)
    await told.shows(/pid \d+/)
    await bed.direct.restartKernel((await session.kernel()).kernel.id)
    await assert.rejects(execution.result, {code: 'KERNEL_RESTARTED', exit: 71})
    assertCounted(told.numbers, 20)
    const after = new Told()
    const outcome = await exec(session, `print(open(${JSON.stringify(marks)}).read())`, after).result
    assert.deepEqual([outcome.exitStatus, after.text], [0, 'x\n'])
  })

  it('row 8: a kernel that was killed: memory is named, what it printed is kept', async () => {
    const {session} = await bed.session()
    const told = new Told()
    const execution = exec(session, sleeping, told)
    await told.shows(/pid \d+/)
    process.kill(pidIn(told), 'SIGKILL')
    await assert.rejects(execution.result, (error: {exit: number; fix: string}) => {
      assert.equal(error.exit, 71)
      assert.match(error.fix, /memory/)
      return true
    })
    assertCounted(told.numbers, 20)
  })

  it('row 8: a kernel killed while the link is half-open: what it printed meanwhile is delivered', async () => {
    const {session} = await bed.session()
    await session.kernel()
    await session.agent()
    const told = new Told()
    const execution = exec(session, `${sleeping.replace('time.sleep(600)', 'time.sleep(0.3)')}\nprint(20, flush=True)\ntime.sleep(1)\nos.kill(os.getpid(), 9)`, told)
    await told.shows(/pid \d+/)
    bed.chaos.freezeExisting()
    await assert.rejects(execution.result, {exit: 71})
    assertCounted(told.numbers, 21)
  })

  it('row 13: invalid UTF-8 from a cell\'s subprocess, split anywhere, becomes replacement characters', async () => {
    const {session} = await bed.session()
    const told = new Told()
    const code = [
      'import os, time',
      String.raw`for piece in (b"a\xff\xfe\xc3", b"\xa9 \xe2\x82", b"\xac \xf0\x9f", b"z\n"):`,
      '    os.write(1, piece); time.sleep(0.05)',
    ].join('\n')
    const outcome = await exec(session, code, told).result
    assert.equal(outcome.exitStatus, 0)
    assert.match(told.text, /^a\ufffd\ufffdé € \ufffd+z\n$/)
    assert.equal(outcome.stdoutBytes, told.bytes().length)
  })

  it('row 15: an interrupt before the code was sent leaves what another client runs there alone', async () => {
    const {session} = await bed.session()
    const {kernel} = await session.kernel()
    const other = await bed.direct.openKernel(kernel.id)
    try {
      const stop = join(bed.home.path, 'stop')
      const busy = other.execute(`import os, time\nwhile not os.path.exists(${JSON.stringify(stop)}): time.sleep(0.02)`)
      await until(async () => (await bed.direct.getKernel(kernel.id))?.execution_state === 'busy')
      const execution = exec(session, 'print("never")')
      execution.interrupt().catch(() => undefined)
      await assert.rejects(execution.result, {code: 'INTERRUPTED', exit: 130})
      await writeFile(stop, '')
      assert.equal((await busy).status, 'ok')
    } finally {
      await other.close()
    }
  })

  it('a time limit that is over before the kernel has begun counts as soon as it has', async () => {
    const {session} = await bed.session()
    const warm = new Told()
    await exec(session, 'import os; print("pid", os.getpid())', warm).result
    const pid = pidIn(warm)
    const {length} = bed.jupyter.log()
    // as on a machine under load
    const onEvent = (event: ExecutionEvent): void => void (event.type === 'started' && process.kill(pid, 'SIGSTOP'))
    const execution = new Execution(session, {code: 'import time\nwhile True: time.sleep(0.01)', timeoutMs: 50, onEvent})
    execution.result.catch(() => undefined)
    const interrupt = execution.interrupt.bind(execution)
    const over = Promise.withResolvers<void>()
    execution.interrupt = (why) => interrupt(why).then(over.resolve, over.reject)
    try {
      await over.promise
      assert.ok(!bed.jupyter.log().slice(length).includes('interrupted'), 'what the kernel may have been at was interrupted')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await assert.rejects(execution.result, {code: 'EXEC_TIMEOUT', exit: 130})
  })

  it('code that waits in the kernel behind another\'s leaves that alone when it is interrupted', async () => {
    const [{session}, {session: other}] = [await bed.session(), await bed.session()]
    await exec(session, '1').result // both are known to the kernel: nothing but the code itself waits
    await exec(other, '1').result
    const [begun, stop] = ['first-begun', 'first-may-stop'].map((name) => join(bed.home.path, name)) as [string, string]
    const first = exec(other, `import os, time\nopen(${JSON.stringify(begun)}, 'w').close()\nwhile not os.path.exists(${JSON.stringify(stop)}): time.sleep(0.01)`).result
    await until(() => existsSync(begun))
    const {connection} = await session.kernel()
    const execute = connection.execute.bind(connection)
    const asked = Promise.withResolvers<void>()
    connection.execute = async (...args) => {
      asked.resolve()
      return execute(...args)
    }
    const told = new Told()
    const second = exec(session, 'while True: time.sleep(0.01)', told)
    second.result.catch(() => undefined)
    await asked.promise
    await connection.request('control', 'kernel_info_request', {}) // sent after the code, and answered beside it
    await second.interrupt('timeout')
    await connection.request('control', 'kernel_info_request', {})
    await until(() => told.notices().includes('KERNEL_BUSY'))
    await writeFile(stop, '')
    assert.equal((await first).status, 'ok')
    await assert.rejects(second.result, {code: 'EXEC_TIMEOUT', exit: 130})
  })

  /** Interrupts `code` while the kernel waits in what `slow` put into its way, which calls `here()`. */
  async function interruptedIn(slow: string, code: string): Promise<{execution: Execution; session: RuntimeSession}> {
    const {session} = await bed.session()
    const mark = join(bed.home.path, 'here')
    const here = [
      'import os, time', 'ip, made = get_ipython(), os.mkdir',
      'def here():', `    open(${JSON.stringify(mark)}, 'w').close()`, '    over = time.monotonic() + 0.5', '    while time.monotonic() < over: time.sleep(0.01)',
    ]
    assert.equal((await exec(session, [...here, slow].join('\n')).result).exitStatus, 0)
    await rm(mark, {force: true})
    const execution = exec(session, code)
    execution.result.catch(() => undefined)
    await until(() => existsSync(mark))
    await execution.interrupt('timeout')
    return {execution, session}
  }

  it('an interrupt while the machine begins to record the code ends it, and the record too', async () => {
    const {execution, session} = await interruptedIn('os.mkdir = lambda path, *rest: (made(path, *rest), "/runs/" in path and here())', 'while True: pass')
    await assert.rejects(execution.result, {code: 'EXEC_TIMEOUT', exit: 130})
    const after = new Told()
    assert.equal((await exec(session, 'os.mkdir = made\nprint("there")', after).result).exitStatus, 0)
    assert.equal(after.text, 'there\n')
    const agent = await session.agent()
    await until(async () => (await agent.status(execution.id)).state === 'exited')
  })

  it('an interrupt that a hook of IPython swallowed is sent again', async () => {
    const {execution} = await interruptedIn('ip.events.register("pre_run_cell", lambda *_: here())', 'while True: time.sleep(0.01)')
    await assert.rejects(execution.result, {code: 'EXEC_TIMEOUT', exit: 130})
  })

  it('an interrupt that took the reply along has interrupted', async () => {
    const {execution} = await interruptedIn('k = ip.kernel; done = k.finish_metadata; k.finish_metadata = lambda *a: (here(), done(*a))[1]', 'pass')
    await assert.rejects(execution.result, {code: 'EXEC_TIMEOUT', exit: 130})
  })

  it('a cell that another client\'s failing cell took out of the queue is sent again', async () => {
    const {session} = await bed.session()
    await exec(session, 'n = 0').result
    const other = await bed.direct.openKernel((await session.kernel()).kernel.id)
    try {
      const failing = other.execute('import time\ntime.sleep(0.5)\n1/0', {stopOnError: true})
      const told = new Told()
      const outcome = await exec(session, 'n += 1\nprint(n)', told).result
      assert.deepEqual([outcome.exitStatus, told.text, (await failing).status], [0, '1\n', 'error'])
    } finally {
      await other.close()
    }
  })

  it('the kernel that reads the log dies in the middle of it: another one goes on', async () => {
    const {session, link} = await bed.session()
    const told = new Told()
    const execution = exec(session, 'import time\nfor i in range(3000):\n    print(i)\n    if i % 100 == 0: time.sleep(0.05)', told)
    await told.shows(/^100$/m)
    const back = link('connected')
    bed.chaos.rstAll()
    await back
    await (await session.agent()).status('none')
    await told.shows(/^500$/m)
    await shutDown('cgpu-control')
    assert.equal((await execution.result).exitStatus, 0)
    assertCounted(told.numbers, 3000)
  })

  it('a kernel that was culled between two commands is replaced, and that is said', async () => {
    const first = await bed.session()
    await exec(first.session, 'x = 1').result
    await bed.direct.shutdownKernel((await first.session.kernel()).kernel.id)
    const told = new Told()
    const second = await bed.session({remember: true})
    const outcome = await exec(second.session, 'print("x" in globals())', told).result
    assert.deepEqual([outcome.exitStatus, told.text, told.notices()], [0, 'False\n', ['KERNEL_REPLACED']])
    const again = new Told()
    await exec((await bed.session({remember: true})).session, '1', again).result
    assert.deepEqual(again.notices(), [])
  })

  it('a kernel that is culled while a session is open is replaced, and that is said', async () => {
    const {session} = await bed.session()
    await exec(session, 'x = 1').result
    await bed.direct.shutdownKernel((await session.kernel()).kernel.id)
    const told = new Told()
    assert.equal((await exec(session, 'print(1)', told).result).exitStatus, 0)
    assert.deepEqual(told.notices(), ['KERNEL_REPLACED'])
  })

  it('a kernel of its own takes its link along: a session that lives on is not cut off by its end', async () => {
    // a machine that has no time answers heartbeats late, and is no lost link
    const {session, links} = await bed.session({heartbeatMs: 5_000})
    const {kernel, connection} = await session.freshKernel()
    await session.shutdownKernel(kernel.id)
    assert.equal(connection.state, 'closed')
    assert.equal((await new Execution(session, {code: '1', freshKernel: true, onEvent: new Told().onEvent}).result).exitStatus, 0)
    assert.deepEqual([links, (await bed.direct.listKernels()).map(({connections}) => connections)], [[], []])
  })

  it('row 11: 50,000 lines over the server\'s output limits arrive once, in order', async () => {
    const {session} = await bed.session()
    const told = new Told()
    // the kernel itself needs up to a millisecond a flush
    const code = 'for i in range(50000): print(f"{i}\\n" + "x" * 94, flush=i % 20 == 0)'
    const outcome = await exec(session, code, told).result
    assert.equal(outcome.exitStatus, 0)
    assertCounted(told.numbers, 50_000)
    assert.equal(told.text.match(/^x{94}$/gm)?.length, 50_000)
  })

  async function shutDown(path: string): Promise<void> {
    const found = (await bed.direct.listSessions()).find((each) => each.path === path)
    assert.ok(found, `no session ${path}`)
    await bed.direct.deleteSession(found.id)
  }
})
