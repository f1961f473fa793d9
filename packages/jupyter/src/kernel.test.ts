import assert from 'node:assert/strict'
import {randomBytes} from 'node:crypto'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {startJupyter} from '../../../test/helpers/jupyter-server.ts'
import type {TestJupyter} from '../../../test/helpers/jupyter-server.ts'
import type {ExecuteOptions, ExecuteResult, Message} from './contract.ts'
import {JupyterServer} from './index.ts'
import type {Comm, KernelConnection} from './index.ts'

/** A comm target that sends everything back, and on request as much as one likes. */
const echoTarget = `
def _target(comm, msg):
    comm.send({'opened': msg['content']['data']}, buffers=msg['buffers'])
    def on_msg(msg):
        data = msg['content']['data']
        if data.get('close'): comm.close({'bye': 1})
        elif 'flood' in data:
            for i in range(data['flood']): comm.send({'i': i}, buffers=[b'x' * data['size']])
        else: comm.send({'echo': data}, buffers=msg['buffers'])
    comm.on_msg(on_msg)
get_ipython().kernel.comm_manager.register_target('echo', _target)
`

/** A failing cell aborts what arrives within a moment after its reply, too; these do not. */
const calm = {stopOnError: false}

/**
 * A cell that runs until it is interrupted. An interrupt that comes before it began would be lost. What it prints may come in
 * two messages: on a busy machine ipykernel's flush goes between print's text and its newline.
 */
const sleeping = async (kernel: KernelConnection, options: ExecuteOptions = {}): Promise<{done: Promise<ExecuteResult>}> => {
  const started = Promise.withResolvers<void>()
  let printed = ''
  const done = kernel.execute('import time\nprint("on", flush=True)\ntime.sleep(60)', {
    ...calm,
    ...options,
    onOutput: message => {
      if (typeof message.content['text'] === 'string') printed += message.content['text']
      if (printed === 'on\n') started.resolve()
    },
  })
  // the test looks at it later
  done.catch(() => {})
  await Promise.race([started.promise, done])
  return {done}
}

/**
 * Interrupts until it is over. Seen once on a busy machine: ipykernel 7 swallowed a SIGINT that came right after a print,
 * and slept on; a second one ends it.
 */
const interruptUntil = async (kernel: KernelConnection, done: Promise<unknown>): Promise<void> => {
  const ended = done.then(() => true, () => true)
  const later = (): Promise<false> => new Promise(resolve => setTimeout(() => resolve(false), 3000).unref())
  do await kernel.interrupt()
  while (!(await Promise.race([ended, later()])))
}

const collect = (): {messages: Message[]; options: ExecuteOptions; text: () => string} => {
  const messages: Message[] = []
  return {
    messages,
    options: {onOutput: message => void messages.push(message)},
    text: () => messages.map(each => (typeof each.content['text'] === 'string' ? each.content['text'] : '')).join(''),
  }
}

for (const name of ['python3', 'colab']) {
  for (const framing of ['v1', 'json'] as const) {
    describe(`a kernel connection, ${name}, ${framing}`, function () {
      let jupyter: TestJupyter
      let server: JupyterServer
      let kernel: KernelConnection
      const trace: string[] = []

      before(async () => {
        jupyter = await startJupyter({baseUrl: '/user/ada/', limits: false, env: {CGPU_TEST_DEBUGPY: '1'}})
        server = new JupyterServer({url: jupyter.url, token: jupyter.token, trace: line => void trace.push(line)})
        kernel = await server.openKernel((await server.startKernel({name})).id, {framing})
      })
      after(async () => {
        await kernel?.close()
        server?.close()
        await jupyter?.stop()
      })

      it('uses the framing that was asked for', () => {
        const opened = trace.find(line => line.includes(' open'))
        assert.equal(opened?.includes('v1.kernel.websocket.jupyter.org'), framing === 'v1')
      })

      it('runs code and tells outputs, count and result', async () => {
        const out = collect()
        const result = await kernel.execute('import sys\nprint("out")\nprint("err", file=sys.stderr)\n40 + 2', {...out.options, userExpressions: {a: '1 + 1'}})
        assert.equal(result.status, 'ok')
        assert.equal(typeof result.executionCount, 'number')
        assert.match(JSON.stringify(result.userExpressions), /"2"/)
        const kinds = new Set(out.messages.map(each => each.content['name'] ?? each.header.msg_type))
        assert.deepEqual(kinds, new Set(['execute_input', 'execute_result', 'stderr', 'stdout']))
        assert.ok(out.messages.every(each => each.channel === 'iopub' && each.parent_header.msg_type === 'execute_request'))
      })

      it('reports an exception with its traceback', async () => {
        const result = await kernel.execute('1 / 0', calm)
        assert.deepEqual([result.status, result.error?.name], ['error', 'ZeroDivisionError'])
        assert.ok((result.error?.traceback.length ?? 0) > 0)
      })

      it('reports cells behind a failing one as aborted', async () => {
        const go = join(jupyter.root, 'go')
        const both = [kernel.execute(`import os, time\nwhile not os.path.exists(${JSON.stringify(go)}): time.sleep(0.01)\n1 / 0`), kernel.execute('1')] as const
        // answered behind both by the server, so that the second one waits in the kernel
        await kernel.info()
        writeFileSync(go, '')
        const [first, second] = await Promise.all(both)
        assert.deepEqual([first.status, second.status], ['error', 'aborted'])
        // a kernel goes on aborting for a moment
        while ((await kernel.execute('1')).status === 'aborted') await kernel.info()
      })

      it('shows each of two clients only what is its own', async () => {
        const other = await server.openKernel(kernel.kernelId, {framing})
        const [mine, theirs] = [collect(), collect()]
        await Promise.all([kernel.execute('print("mine")', mine.options), other.execute('print("theirs")', theirs.options)])
        await other.close()
        assert.deepEqual([mine.text(), theirs.text()], ['mine\n', 'theirs\n'])
      })

      it('answers input, and tells the kernel when nobody can', async () => {
        const out = collect()
        const asked: unknown[] = []
        await kernel.execute('import getpass\nprint(input("a? ") + getpass.getpass("b? "))', {
          ...out.options,
          onInput: async (prompt, password) => {
            asked.push(prompt, password)
            return prompt
          },
        })
        assert.match(out.text(), /a\? b\? \n/)
        assert.deepEqual(asked, ['a? ', false, 'b? ', true])
        assert.equal((await kernel.execute('input()', calm)).error?.name, 'StdinNotImplementedError')
      })

      it('interrupts what runs', async () => {
        const {done} = await sleeping(kernel)
        const stop = interruptUntil(kernel, done)
        assert.equal((await done).error?.name, 'KeyboardInterrupt')
        await stop
      })

      it('asks a busy kernel who it is, on its control channel', async () => {
        const abort = new AbortController()
        const {done: busy} = await sleeping(kernel, {signal: abort.signal})
        const info = await kernel.info()
        assert.deepEqual([info.implementation, info.languageName], ['ipython', 'python'])
        abort.abort(new Error('enough'))
        await assert.rejects(busy, /enough/)
        const next = kernel.execute('1')
        await interruptUntil(kernel, next)
        assert.equal((await next).status, 'ok')
      })

      it('gives up on a request after its time', async () => {
        const {done: busy} = await sleeping(kernel)
        await assert.rejects(kernel.request('shell', 'kernel_info_request', {}, {timeoutMs: 50}), {code: 'NETWORK'})
        await interruptUntil(kernel, busy)
        assert.equal((await busy).status, 'error')
      })

      it('completes code by a plain request', async function () {
        this.timeout(60_000) // the first time, IPython loads and reads what it takes
        const reply = await kernel.request('shell', 'complete_request', {code: 'pri', cursor_pos: 3})
        assert.match(JSON.stringify(reply.content['matches']), /print/)
      })

      it('carries buffers both ways over a comm', async () => {
        await kernel.execute(echoTarget, {silent: true})
        const got: {data: Record<string, unknown>; buffers: Uint8Array[]}[] = []
        const waiting: (() => void)[] = []
        const next = async (count: number): Promise<void> => {
          while (got.length < count) await new Promise<void>(resolve => waiting.push(resolve))
        }
        const closed = Promise.withResolvers<Record<string, unknown>>()
        const comm: Comm = kernel.openComm('echo', {a: 1}, {
          onMessage: (data, buffers) => {
            got.push({data, buffers: buffers.map(each => new Uint8Array(each))})
            waiting.splice(0).forEach(resolve => resolve())
          },
          onClose: data => closed.resolve(data),
        }, [Buffer.from('first')])
        const big = randomBytes(8_000_000)
        await comm.send({b: 2}, [big, Buffer.alloc(0), Buffer.from('tail')])
        await next(2)
        assert.deepEqual(got[0]?.data, {opened: {a: 1}})
        assert.equal(Buffer.from(got[0]?.buffers[0] ?? []).toString(), 'first')
        assert.deepEqual(got[1]?.data, {echo: {b: 2}})
        assert.ok(Buffer.from(got[1]?.buffers[0] ?? []).equals(big))
        assert.deepEqual(got[1]?.buffers.map(each => each.length), [big.length, 0, 4])
        await comm.send({close: true})
        assert.deepEqual(await closed.promise, {bye: 1})
        assert.ok(comm.closed)
      })

      it('closes a comm whose target the kernel does not know', async () => {
        const closed = Promise.withResolvers<void>()
        const comm = kernel.openComm('nobody', {}, {onClose: () => closed.resolve()})
        await closed.promise
        assert.ok(comm.closed)
      })

      it('holds back a kernel that sends faster than its consumer takes, and loses nothing', async () => {
        await kernel.execute(echoTarget, {silent: true})
        const seen: unknown[] = []
        let most = 0
        let working = 0
        const all = Promise.withResolvers<void>()
        const comm = kernel.openComm('echo', {}, {
          onMessage: async data => {
            most = Math.max(most, ++working)
            await new Promise(resolve => setImmediate(resolve))
            working--
            if (data['i'] !== undefined) seen.push(data['i'])
            if (seen.length === 200) all.resolve()
          },
        })
        await comm.send({flood: 200, size: 50_000})
        await all.promise
        assert.deepEqual(seen, Array.from({length: 200}, (_, index) => index))
        assert.equal(most, 1)
        await comm.close()
      })

      it('refuses to send what the server would hang up on, and stays usable', async () => {
        const comm = kernel.openComm('echo', {}, {})
        await assert.rejects(comm.send({}, [Buffer.alloc(10 * 1024 * 1024)]), {code: 'TOO_BIG'})
        await assert.rejects(kernel.execute(`x = "${'ä'.repeat(6_000_000)}"`), {code: 'TOO_BIG'})
        assert.equal((await kernel.execute('1')).status, 'ok')
      })

      it('prints 3,000 lines in order', async () => {
        const out = collect()
        await kernel.execute('for i in range(3000): print(i)', out.options)
        assert.equal(out.text(), Array.from({length: 3000}, (_, index) => `${index}\n`).join(''))
      })

      it('rejects what is unanswered when it is closed, and everything after', async () => {
        const own = await server.openKernel(kernel.kernelId, {framing})
        const {done} = await sleeping(own)
        await own.close()
        await assert.rejects(done, {code: 'CLOSED'})
        assert.equal(own.state, 'closed')
        for (const again of [own.execute('1'), own.info(), own.openComm('echo').opened]) await assert.rejects(again, {code: 'CLOSED'})
        await server.interruptKernel(kernel.kernelId)
      })

      it('says KERNEL_DEAD for a kernel that the server does not know', async () => {
        await assert.rejects(server.openKernel('00000000-0000-0000-0000-000000000000', {framing}), {code: 'KERNEL_DEAD', status: 404})
      })

      it('never shows the token in its trace', () => {
        assert.ok(trace.length > 100)
        assert.ok(!trace.some(line => line.includes(jupyter.token)))
      })
    })
  }
}
