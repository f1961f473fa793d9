import assert from 'node:assert/strict'
import type {ExecuteOptions, ExecuteResult, KernelConnection, Message} from '@cgpu/jupyter'
import {type AgentBed, fiftyMegabytes, kernelNames, Seen, startAgentBed} from '../../../../test/helpers/agent-bed.ts'
import {CellRecorder, type CellTotals} from './cell.ts'
import {AgentClient} from './client.ts'

const displays = new Set(['display_data', 'update_display_data', 'execute_result', 'clear_output'])

/** What a cell's socket delivered. */
class Socket {
  stdout = ''
  stderr = ''
  order: string[] = []
  displays = 0
  readonly onOutput = (message: Message): void => {
    const {msg_type: type} = message.header
    const {name, text} = message.content
    if (type === 'stream' && typeof text === 'string') this[name === 'stderr' ? 'stderr' : 'stdout'] += text
    if (displays.has(type)) this.displays++
    if (type !== 'execute_input' && type !== 'comm_msg') this.order.push(type === 'stream' ? String(name) : type)
  }
}

let runs = 0

interface Recorded {
  socket: Socket
  result: ExecuteResult
  totals: CellTotals
  recorder: CellRecorder
}

async function record(kernel: KernelConnection, home: string, code: string, options: ExecuteOptions = {}): Promise<Recorded> {
  const recorder = await CellRecorder.begin(kernel, `cell-${process.pid}-${runs++}`, {home})
  assert.ok(recorder)
  const socket = new Socket()
  // as Execution does; otherwise a kernel still empties its queue when the next cell comes after one that failed
  const result = await kernel.execute(code, {metadata: recorder.metadata, onOutput: socket.onOutput, stopOnError: false, ...options})
  const totals = await recorder.end(result)
  assert.ok(totals)
  return {socket, result, totals, recorder}
}

async function logOf(recorder: CellRecorder): Promise<Seen> {
  const seen = new Seen()
  for await (const each of recorder.records()) seen.onRecord(each)
  return seen
}

/** The log holds exactly what the socket brought, and the totals say so. */
async function assertSame({socket, totals, recorder}: Recorded): Promise<Seen> {
  const seen = await logOf(recorder)
  assert.deepEqual(seen.text, {stdout: socket.stdout, stderr: socket.stderr})
  assert.deepEqual([totals.stdoutBytes, totals.stderrBytes, totals.displays], [Buffer.byteLength(socket.stdout), Buffer.byteLength(socket.stderr), socket.displays])
  assert.deepEqual(seen.records.map(each => (each.stream === 'display' ? each.display().type : each.stream)), socket.order)
  return seen
}

for (const name of kernelNames) {
  describe(`cells recorded in a ${name} kernel`, function () {
    this.timeout(90_000)
    let bed: AgentBed
    let kernel: KernelConnection
    const run = (code: string, options?: ExecuteOptions): Promise<Recorded> => record(kernel, bed.home, code, options)

    before(async () => {
      bed = await startAgentBed()
      kernel = await bed.kernel(name)
    })
    after(() => bed.stop())

    it('keeps streams, displays, results and errors in the order of the socket', async () => {
      const seen = await assertSame(await run(`
import sys
print('one'); print('two', file=sys.stderr)
handle = display({'a': 1}, display_id=True)
print('three', flush=True); handle.update(2)
from IPython.display import clear_output
clear_output(wait=True)
'result'`))
      const result = seen.records.at(-1)?.display()
      assert.equal(result?.type, 'execute_result')
      assert.deepEqual(result?.content['data'], {'text/plain': "'result'"})
    })

    it('numbers what it sends, so that a message that is lost on the way leaves a gap', async () => {
      const numbers: unknown[] = []
      await run(`
import sys
for i in range(20):
    print(i, flush=True); print(i, file=sys.stderr, flush=True)
display(1); 1/0`, {onOutput: ({header, metadata}) => void (/^(stream|display_data|error)$/.test(header.msg_type) && numbers.push(metadata['cgpu_n']))})
      assert.ok(numbers.length > 2, `${numbers.length} messages`)
      assert.deepEqual(numbers, numbers.map((_, i) => i))
    })

    it('keeps the traceback of a failing cell, and its totals are in the reply all the same', async () => {
      const recorded = await run("print('before'); 1/0")
      assert.equal(recorded.result.status, 'error')
      const seen = await assertSame(recorded)
      assert.equal(seen.records.at(-1)?.display().content['ename'], 'ZeroDivisionError')
      const agent = await AgentClient.open(kernel, {home: bed.home})
      const status = await agent.follow(recorded.recorder.runId, {onRecord: () => undefined})
      assert.deepEqual([status.kind, status.state, status.exitCode, status.stdoutBytes], ['cell', 'exited', 1, 7])
      await agent.close()
    })

    it('has what subprocesses and C code wrote, in the cell, before its end', async () => {
      const recorded = await run(`
import ctypes, os, subprocess
subprocess.run('echo from a child; echo to stderr >&2', shell=True)
libc = ctypes.CDLL(None); libc.puts(b'from c'); libc.fflush(None)
os.write(1, b'from the descriptor\\n');`)
      await assertSame(recorded)
      for (const text of ['from a child', 'from c', 'from the descriptor']) assert.ok(recorded.socket.stdout.includes(text), text)
      assert.equal(recorded.socket.stderr, 'to stderr\n')
    })

    it('keeps characters whole that were written to the descriptor, however the reads are cut', async () => {
      const recorded = await run("import os\nfor _ in range(40): os.write(1, '\\u20ac\\U0001f600\\u00e9'.encode() * 500);")
      await assertSame(recorded)
      assert.equal(recorded.socket.stdout, '€😀é'.repeat(20_000))
    })

    it('survives bytes that are not UTF-8, and so does the descriptor', async () => {
      const recorded = await run("import os, subprocess; os.write(1, b'\\xff\\xfe bad\\n'); subprocess.run(['echo', 'after']); print('name \\udcff')")
      await assertSame(recorded)
      assert.ok(recorded.socket.stdout.includes('�� bad\nafter\n') || recorded.socket.stdout.includes('name �\n'))
      await assertSame(await run("import subprocess; subprocess.run(['echo', 'still there']);"))
    })

    it('prints 50 MB whole where the server\'s limits throw it away', async () => {
      const {totals, recorder, socket} = await run(fiftyMegabytes.code)
      assert.equal(totals.stdoutBytes, fiftyMegabytes.bytes)
      assert.ok(socket.stdout.length < fiftyMegabytes.bytes)
      const seen = new Seen(false)
      for await (const each of recorder.records()) seen.onRecord(each)
      assert.equal(seen.sha256, fiftyMegabytes.sha256)
    })

    it('keeps threads, forked children, captured and replaced streams as the socket has them', async () => {
      await assertSame(await run(`
import contextlib, io, os, sys, threading, time
threads = [threading.Thread(target=lambda n=n: [print(n, i, flush=i % 50 == 0) for i in range(200)]) for n in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
with contextlib.redirect_stdout(io.StringIO()) as hidden: print('hidden')
saved, sys.stdout = sys.stdout, io.StringIO(); print('hidden too'); sys.stdout = saved
print('shown', hidden.getvalue().strip())
sys.stdout.writelines(['a', 'b', 'c\\n'])
assert sys.stdout.write('four') == 4
try: sys.stdout.write(b'bytes')
except TypeError as e: print('refused')`))
      const {socket} = await run(`
import os, sys
print('parent before')
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    print('child'); sys.stdout.flush(); os._exit(0)
os.waitpid(pid, 0)
print('parent after')`)
      assert.equal(socket.stdout.match(/parent before/g)?.length, 1)
      assert.equal(socket.stdout.match(/parent after/g)?.length, 1)
    })

    it('leaves no trace in the user\'s namespace or history', async () => {
      const before = await kernel.execute('', {userExpressions: {n: 'len(In)'}})
      const connection = await bed.server.openKernel(kernel.kernelId)
      await CellRecorder.begin(connection, 'another', {home: bed.home})
      await connection.close()
      const asked = {n: 'len(In)', names: "sorted(k for k in list(globals()) if 'cgpu' in k or k in 'smb')", last: 'In[-1]'}
      const after = await kernel.execute('', {userExpressions: asked})
      const shown = (result: ExecuteResult, key: string): unknown => (result.userExpressions?.[key] as {data: Record<string, unknown>}).data['text/plain']
      assert.equal(shown(after, 'n'), shown(before, 'n'))
      assert.equal(shown(after, 'names'), '[]')
    })

    it('counts nothing of other clients or other cells', async () => {
      const other = await bed.server.openKernel(kernel.kernelId)
      await run('import threading, time; go = threading.Event(); done = threading.Event()')
      await run("def late():\n    go.wait(); print('late', flush=True); done.set()\nthreading.Thread(target=late).start()")
      const noise = other.execute("print('noise of another client')")
      const recorded = await run("go.set(); done.wait(); print('mine')")
      await noise
      await assertSame(recorded)
      assert.ok(recorded.socket.stdout.includes('mine'))
      assert.equal(recorded.socket.stdout.includes('noise'), false)
      await other.close()
    })

    it('lets input() work', async () => {
      const recorded = await run("name = input('who? '); print('hello', name)", {onInput: async () => 'world'})
      assert.equal(recorded.socket.stdout, 'hello world\n')
      await assertSame(recorded)
    })

    it('works through hundreds of cells', async () => {
      for (let i = 0; i < 120; i++) {
        const {totals} = await run(`print(${i})`)
        assert.equal(totals.stdoutBytes, String(i).length + 1)
      }
    })

    it('asks the machine when the reply was lost', async () => {
      const {recorder} = await run("print('kept')")
      const lost: ExecuteResult = {status: 'unknown', replyLost: true, started: true, orphaned: false}
      const totals = await recorder.end(lost)
      assert.ok(totals)
      assert.equal((await logOf(recorder)).text.stdout, 'kept\n')
    })

    it('is not recorded any more after a restart, and is again when it begins anew, which tells how much had run', async () => {
      const own = await bed.kernel(name)
      await record(own, bed.home, 'print(1)')
      const before = await CellRecorder.begin(own, 'before-restart', {home: bed.home})
      assert.ok(before)
      assert.equal(before.former, undefined)
      await bed.server.restartKernel(own.kernelId)
      assert.equal(await before.end(await own.execute('print(2)', {metadata: before.metadata})), null)
      await assertSame(await record(own, bed.home, 'print(3)'))
      assert.deepEqual((await CellRecorder.begin(own, 'after-restart', {home: bed.home}))?.former, {cells: 1})
    })

    it('is lost when the kernel dies, with what it printed before', async () => {
      const own = await bed.kernel(name)
      const recorder = await CellRecorder.begin(own, 'killed', {home: bed.home})
      assert.ok(recorder)
      const code = "import os, sys; print('last words'); sys.stdout.flush(); os.kill(os.getpid(), 9)"
      await assert.rejects(own.execute(code, {metadata: recorder.metadata}))
      const agent = await AgentClient.open(kernel, {home: bed.home})
      const seen = new Seen()
      const status = await agent.follow('killed', {onRecord: seen.onRecord})
      assert.deepEqual([status.state, seen.text.stdout], ['lost', 'last words\n'])
      await agent.close()
    })

    it('goes on without a log where none can be written', async () => {
      const own = await bed.kernel(name)
      assert.equal(await CellRecorder.begin(own, 'nowhere', {home: '/proc/nowhere'}), null)
    })
  })
}
