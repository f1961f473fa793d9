import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {JupyterError, JupyterServer} from '@cgpu/jupyter'
import type {ExecuteOptions, ExecuteResult, KernelConnection, KernelOptions, Message} from '@cgpu/jupyter'
import {startChaos} from '../helpers/chaos.ts'
import type {ChaosProxy} from '../helpers/chaos.ts'
import {startJupyter} from '../helpers/jupyter-server.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {lingering} from '../helpers/lingering.ts'

/** What a cell printed, and conditions on it. */
class Output {
  text = ''
  readonly gaps: string[] = []
  readonly ids: string[] = []
  readonly #waiting = new Set<() => void>()

  readonly options: ExecuteOptions = {
    onOutput: (message: Message) => {
      this.ids.push(message.header.msg_id)
      if (typeof message.content['text'] === 'string') this.text += message.content['text']
      for (const check of this.#waiting) check()
    },
    onGap: reason => void this.gaps.push(reason),
  }

  /** Resolves once the text matches. */
  shows(pattern: RegExp): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (!pattern.test(this.text)) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  get lines(): number[] {
    return this.text.split('\n').filter(line => /^\d+$/.test(line)).map(Number)
  }
}

/** Prints 0..n-1, waiting before each line but the first few for the file `go` to appear. */
function counting(n: number, go: string): string {
  return [
    'import os, time',
    `for i in range(${n}):`,
    `    while i >= 5 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)`,
    '    print(i, flush=True)',
  ].join('\n')
}

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 20))
}
const count = (n: number): number[] => Array.from({length: n}, (_, index) => index)
const link = (kernel: KernelConnection, state: string): Promise<void> =>
  new Promise(resolve => {
    const stop = kernel.onLink(now => {
      if (now !== state) return
      stop()
      resolve()
    })
  })

for (const kernelName of ['python3', 'colab']) {
  describe(`kernel link, ${kernelName}`, function () {
    this.timeout(60_000)
    let jupyter: TestJupyter
    let chaos: ChaosProxy
    /** through the proxy, and past it */
    let server: JupyterServer
    let direct: JupyterServer
    let kernelId: string
    const open: KernelConnection[] = []
    let files = 0

    // a machine that has no time answers heartbeats late, and is no lost link
    const patient = {heartbeatMs: 5_000}
    /** Where only heartbeats tell that a link is lost. */
    const watchful = {heartbeatMs: 1_500}
    const connect = async (options: KernelOptions = {}, through = server): Promise<KernelConnection> => {
      const kernel = await through.openKernel(kernelId, {...patient, ...options})
      open.push(kernel)
      return kernel
    }
    const signalFile = (): string => join(jupyter.root, `go-${files++}`)
    const touch = async (path: string): Promise<void> => (await import('node:fs/promises')).writeFile(path, '')

    before(async () => {
      jupyter = await startJupyter()
      chaos = await startChaos(jupyter.port)
      server = new JupyterServer({url: chaos.url(), token: jupyter.token})
      direct = new JupyterServer({url: jupyter.url, token: jupyter.token})
    })
    beforeEach(async () => {
      kernelId = (await direct.startKernel({name: kernelName})).id
    })
    afterEach(async () => {
      chaos.mode = 'pass'
      chaos.cutAfter = Infinity
      chaos.refuse(false)
      await Promise.all(open.splice(0).map(each => each.close()))
      await direct.shutdownKernel(kernelId)
    })
    after(async () => {
      server?.close()
      direct?.close()
      await chaos?.close()
      await jupyter?.stop()
    })

    /** The server, too: what a cell prints until then is for nobody. */
    const noticed = (): Promise<void> => until(async () => (await direct.getKernel(kernelId))?.connections === 0)

    for (const how of ['RST', 'FIN'] as const) {
      it(`loses and doubles nothing when both ends see a ${how} and the cell goes on`, async () => {
        const kernel = await connect()
        const [out, go] = [new Output(), signalFile()]
        const done = kernel.execute(counting(40, go), out.options)
        await out.shows(/^4$/m)
        chaos.refuse()
        const lost = link(kernel, 'reconnecting')
        if (how === 'RST') chaos.rstAll()
        else chaos.finAll()
        await lost
        await noticed()
        await touch(go)
        chaos.refuse(false)
        const result = await done
        assert.deepEqual([result.status, result.replyLost], ['ok', false])
        assert.deepEqual(out.lines, count(40))
        assert.deepEqual(out.gaps, ['reconnected'])
        assert.equal(new Set(out.ids).size, out.ids.length)
      })

      it(`finishes a cell that ended while the link was down after a ${how}`, async () => {
        const kernel = await connect()
        const [out, go] = [new Output(), signalFile()]
        const done = kernel.execute(`${counting(10, go)}\nopen(${JSON.stringify(`${go}-end`)}, 'w').close()`, out.options)
        await out.shows(/^4$/m)
        chaos.refuse()
        const lost = link(kernel, 'reconnecting')
        if (how === 'RST') chaos.rstAll()
        else chaos.finAll()
        await lost
        await noticed()
        await touch(go)
        await until(async () => existsSync(`${go}-end`) && (await direct.getKernel(kernelId))?.execution_state === 'idle')
        chaos.refuse(false)
        const result = await done
        assert.deepEqual([result.status, result.replyLost], ['ok', false])
        assert.deepEqual(out.lines, count(10))
      })
    }

    it('notices a half-open link by its heartbeat and finishes the cell over a new session', async () => {
      const kernel = await connect(watchful)
      const [out, go] = [new Output(), signalFile()]
      // what is printed before the server listens for the new session is lost: so it prints on until that is heard
      const done = kernel.execute(`import os, time
print(4, flush=True)
while not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)
while not os.path.exists(${JSON.stringify(`${go}-end`)}): print(5, flush=True); time.sleep(0.02)
print(9)`, out.options)
      await out.shows(/^4$/m)
      const back = link(kernel, 'connected')
      chaos.freezeExisting()
      await back
      await touch(go)
      await out.shows(/^5$/m)
      await touch(`${go}-end`)
      const result = await done
      assert.deepEqual([result.status, result.replyLost, result.started], ['unknown', true, true])
      assert.deepEqual(out.gaps, ['new-session'])
      assert.equal(out.lines.at(-1), 9)
      assert.equal((await kernel.execute('1')).status, 'ok')
    })

    it('finishes a cell that ended while the link was half-open', async () => {
      const kernel = await connect(watchful)
      const [out, go] = [new Output(), signalFile()]
      const done = kernel.execute(counting(10, go), out.options)
      await out.shows(/^4$/m)
      chaos.refuse()
      const lost = link(kernel, 'reconnecting')
      chaos.freezeExisting()
      await touch(go)
      await lost
      await until(async () => (await direct.getKernel(kernelId))?.execution_state === 'idle')
      chaos.refuse(false)
      const result = await done
      assert.deepEqual([result.status, result.replyLost, result.started], ['unknown', true, true])
    })

    it('says so when a request never reached the kernel', async () => {
      const kernel = await connect(watchful)
      await kernel.execute('x = 1')
      chaos.freezeExisting()
      const result = await kernel.execute('x = 2')
      assert.deepEqual([result.status, result.replyLost, result.started], ['unknown', true, false])
      const seen = await kernel.execute('', {userExpressions: {x: 'x'}})
      assert.match(JSON.stringify(seen.userExpressions), /"1"/)
    })

    it('says so when the link is cut in the middle of a request', async () => {
      const kernel = await connect()
      chaos.cutAfter = chaos.bytes + 100_000
      const lost = link(kernel, 'reconnecting')
      const done = kernel.execute(`x = 1 # ${'.'.repeat(3_000_000)}`)
      await lost
      chaos.cutAfter = Infinity
      const result = await done
      assert.deepEqual([result.status, result.replyLost, result.started], ['unknown', true, false])
      assert.equal((await kernel.execute('x')).error?.name, 'NameError')
    })

    for (const [how, gap] of [['RST', 'reconnected'], ['half-open', 'new-session']] as const) {
      it(`tells comms of a gap after ${how}, and they go on`, async () => {
        const kernel = await connect(how === 'RST' ? patient : watchful)
        await kernel.execute([
          'def _echo(comm, msg): comm.on_msg(lambda m: comm.send(m["content"]["data"]))',
          'get_ipython().kernel.comm_manager.register_target("echo", _echo)',
        ].join('\n'))
        const [got, gaps] = [Promise.withResolvers<Record<string, unknown>>(), Promise.withResolvers<string>()]
        const comm = kernel.openComm('echo', {}, {onMessage: data => got.resolve(data), onGap: reason => gaps.resolve(reason)})
        await comm.opened
        await kernel.info()
        if (how === 'RST') chaos.rstAll()
        else chaos.freezeExisting()
        assert.equal(await gaps.promise, gap)
        await comm.send({n: 1})
        assert.deepEqual(await got.promise, {n: 1})
      })
    }

    it('settles what a kernel swallowed in its last moments', async () => {
      const kernel = await connect()
      await kernel.execute("get_ipython().kernel.comm_manager.register_target('last', lambda comm, msg: None)")
      const swallowed = Promise.withResolvers<ExecuteResult>()
      // the comm ends when the restart is announced: what is sent then still goes to the old process
      kernel.openComm('last', {}, {onClose: () => void kernel.execute('1').then(swallowed.resolve, swallowed.reject)})
      await direct.restartKernel(kernelId)
      const result = await swallowed.promise.catch((error: unknown) => error)
      // under load the dying process is seen to begin it
      if (result instanceof JupyterError) assert.equal(result.code, 'KERNEL_RESTARTED')
      else {
        const {status, replyLost} = result as ExecuteResult
        assert.ok(status === 'ok' || (status === 'unknown' && replyLost), JSON.stringify(result))
      }
    })

    it('tells what a kernel took up after its goodbye from what its successor does', async () => {
      const kernel = await connect()
      await kernel.execute(`${lingering}
get_ipython().kernel.comm_manager.register_target('last', lambda comm, msg: comm.send({'dying': True}))`)
      const [begun, messages] = [Promise.withResolvers<ExecuteResult>(), new Array<object>()]
      const lost = assert.rejects(begun.promise, {code: 'KERNEL_RESTARTED'})
      const comm = kernel.openComm('last', {}, {onClose: () => {
        kernel.openComm('last', {}, {onMessage: data => void messages.push(data)})
        kernel.execute('import time; time.sleep(60)').then(begun.resolve, begun.reject)
      }})
      await comm.opened
      await direct.restartKernel(kernelId)
      assert.equal((await kernel.execute('1')).status, 'ok')
      await lost
      assert.deepEqual(messages, [])
    })

    it('closes comms when the kernel is restarted', async () => {
      const kernel = await connect()
      await kernel.execute('get_ipython().kernel.comm_manager.register_target("quiet", lambda comm, msg: None)')
      const closed = Promise.withResolvers<void>()
      await kernel.openComm('quiet', {}, {onClose: () => closed.resolve()}).opened
      await kernel.info()
      await direct.restartKernel(kernelId)
      await closed.promise
      assert.equal(kernel.state, 'connected')
    })

    it('sends what was asked for while the link was down once it is back', async () => {
      const kernel = await connect()
      chaos.refuse()
      const lost = link(kernel, 'reconnecting')
      chaos.rstAll()
      await lost
      const done = kernel.execute('print(41 + 1)')
      chaos.refuse(false)
      assert.equal((await done).status, 'ok')
    })

    it('finishes although a second client keeps the server from replaying', async () => {
      const kernel = await connect()
      const other = await connect({}, direct)
      const [out, go] = [new Output(), signalFile()]
      const done = kernel.execute(counting(10, go), out.options)
      await out.shows(/^4$/m)
      chaos.refuse()
      const lost = link(kernel, 'reconnecting')
      chaos.rstAll()
      await lost
      await touch(go)
      await until(async () => (await direct.getKernel(kernelId))?.execution_state === 'idle')
      chaos.refuse(false)
      const result = await done
      assert.ok(['ok', 'unknown'].includes(result.status))
      assert.equal(other.state, 'connected')
    })

    it('asks for input again after a reconnect', async () => {
      const kernel = await connect()
      const asked = Promise.withResolvers<void>()
      const answer = Promise.withResolvers<string>()
      const out = new Output()
      const done = kernel.execute('print("got", input("name? "))', {
        ...out.options,
        onInput: prompt => {
          assert.equal(prompt, 'name? ')
          asked.resolve()
          return answer.promise
        },
      })
      await asked.promise
      const back = link(kernel, 'connected')
      chaos.rstAll()
      await back
      answer.resolve('ada')
      assert.equal((await done).status, 'ok')
      assert.match(out.text, /got ada/)
    })

    for (const [what, code] of [['a sleeping cell', 'import time\nprint("on", flush=True)\ntime.sleep(60)'], ['a cell that ignores interrupts', [
      'import time, signal', 'signal.signal(signal.SIGINT, signal.SIG_IGN)', 'print("on", flush=True)', 'time.sleep(60)'].join('\n')]] as const) {
      it(`tells a restart by somebody else from an interrupt: ${what}`, async () => {
        const kernel = await connect()
        const out = new Output()
        const done = assert.rejects(kernel.execute(code, out.options), {code: 'KERNEL_RESTARTED'})
        await out.shows(/on/)
        await direct.restartKernel(kernelId)
        await done
        assert.equal((await kernel.execute('1')).status, 'ok')
      })
    }

    it('tells a restart while it was away from an interrupt, though the interrupt is replayed', async () => {
      const kernel = await connect()
      const out = new Output()
      const done = assert.rejects(kernel.execute('import time\nprint("on", flush=True)\ntime.sleep(60)', out.options), {code: 'KERNEL_RESTARTED'})
      await out.shows(/on/)
      chaos.refuse()
      const lost = link(kernel, 'reconnecting')
      chaos.rstAll()
      await lost
      await direct.restartKernel(kernelId)
      chaos.refuse(false)
      await done
    })

    it('reports an interrupt by somebody else as an interrupt', async () => {
      const kernel = await connect()
      const out = new Output()
      const done = kernel.execute('import time\nprint("on", flush=True)\ntime.sleep(60)', out.options)
      await out.shows(/on/)
      await direct.interruptKernel(kernelId)
      const result = await done
      assert.deepEqual([result.status, result.error?.name], ['error', 'KeyboardInterrupt'])
    })

    it('says KERNEL_RESTARTED when the kernel is killed and the server starts it anew', async () => {
      const kernel = await connect()
      const out = new Output()
      const done = assert.rejects(kernel.execute('import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)', out.options), {code: 'KERNEL_RESTARTED'})
      await out.shows(/\d+\n/)
      process.kill(Number(out.text), 'SIGKILL')
      await done
      assert.equal((await kernel.execute('1')).status, 'ok')
    })

    it('says KERNEL_DEAD when the kernel is shut down by somebody else', async () => {
      const kernel = await connect()
      const out = new Output()
      const done = assert.rejects(kernel.execute('import time\nprint("on", flush=True)\ntime.sleep(60)', out.options), {code: /^KERNEL_DEAD$/})
      await out.shows(/on/)
      await direct.shutdownKernel(kernelId)
      await done
    })

    it('hears a kernel that says goodbye, and does not wait for the next heartbeat', async () => {
      const kernel = await connect({heartbeatMs: 600_000})
      const out = new Output()
      const done = assert.rejects(kernel.execute('import time\nprint("on", flush=True)\ntime.sleep(60)', out.options), {code: 'KERNEL_DEAD'})
      await out.shows(/on/)
      await direct.shutdownKernel(kernelId)
      await done
    })

    it('says KERNEL_DEAD when the kernel went while the link was down', async () => {
      const kernel = await connect()
      const out = new Output()
      const done = assert.rejects(kernel.execute('import time\nprint("on", flush=True)\ntime.sleep(60)', out.options), {code: 'KERNEL_DEAD'})
      await out.shows(/on/)
      chaos.refuse()
      const lost = link(kernel, 'reconnecting')
      chaos.rstAll()
      await lost
      await direct.shutdownKernel(kernelId)
      chaos.refuse(false)
      await done
      await assert.rejects(kernel.execute('1'), {code: 'KERNEL_DEAD'})
      assert.equal(kernel.state, 'closed')
    })

    it('survives a stopped server process and continues', async () => {
      const kernel = await connect(watchful)
      const [out, go] = [new Output(), signalFile()]
      const done = kernel.execute(counting(10, go), out.options)
      await out.shows(/^4$/m)
      const lost = link(kernel, 'reconnecting')
      process.kill(jupyter.pid, 'SIGSTOP')
      try {
        await lost
        await touch(go)
      } finally {
        process.kill(jupyter.pid, 'SIGCONT')
      }
      const result = await done
      assert.ok(['ok', 'unknown'].includes(result.status))
      assert.equal((await kernel.execute('1')).status, 'ok')
    })

    it('gives up after maxOfflineMs', async () => {
      const kernel = await connect({maxOfflineMs: 500})
      const out = new Output()
      const done = assert.rejects(kernel.execute('import time\nprint("on", flush=True)\ntime.sleep(60)', out.options), {code: 'NETWORK'})
      await out.shows(/on/)
      chaos.refuse()
      chaos.rstAll()
      await done
      assert.equal(kernel.state, 'closed')
    })
  })
}

describe('kernel link, server killed', function () {
  this.timeout(60_000)

  it('says KERNEL_DEAD when the server comes back without the kernel', async () => {
    const first = await startJupyter()
    let second: TestJupyter | undefined
    const server = new JupyterServer({url: first.url, token: first.token})
    try {
      const {id} = await server.startKernel()
      const kernel = await server.openKernel(id)
      const out = new Output()
      const done = assert.rejects(kernel.execute('import time\nprint("on", flush=True)\ntime.sleep(60)', out.options), {code: 'KERNEL_DEAD'})
      await out.shows(/on/)
      const lost = link(kernel, 'reconnecting')
      await first.kill()
      await lost
      second = await startJupyter({port: first.port, token: first.token})
      kernel.reconnectNow()
      await done
    } finally {
      server.close()
      await second?.stop()
      await first.stop()
    }
  })
})
