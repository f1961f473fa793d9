import assert from 'node:assert/strict'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {JupyterError, JupyterServer} from '@cgpu/jupyter'
import type {KernelConnection, KernelOptions, Message, ServerOptions} from '@cgpu/jupyter'
import {startJupyter} from '../helpers/jupyter-server.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {startTokenGate, tokenHeader} from '../helpers/token-gate.ts'
import type {TokenGate} from '../helpers/token-gate.ts'
import {until} from '../helpers/workbench.ts'

/** A client whose token is renewed, and how often that was. */
class Tokens {
  renewals = 0
  current = 'first'
  /** what `reauthorize` does instead */
  instead: (() => Promise<boolean>) | undefined
  readonly #gate: TokenGate

  constructor(gate: TokenGate) {
    this.#gate = gate
    gate.valid.add(this.current)
  }

  expire(): void {
    this.#gate.valid.clear()
  }

  readonly options: Pick<ServerOptions, 'headers' | 'reauthorize'> = {
    headers: () => ({[tokenHeader]: this.current}),
    reauthorize: async refused => {
      assert.equal(refused[tokenHeader], this.current)
      if (this.instead) return this.instead()
      this.renewals++
      this.current = `renewed-${this.renewals}`
      this.#gate.valid.add(this.current)
      return true
    },
  }
}

const linked = (kernel: KernelConnection, wanted: string): Promise<void> =>
  new Promise(resolve => {
    const stop = kernel.onLink(state => {
      if (state !== wanted) return
      stop()
      resolve()
    })
  })

describe('a proxy token that expires (fault 24)', function () {
  this.timeout(60_000)
  let jupyter: TestJupyter
  let gate: TokenGate
  let tokens: Tokens
  let server: JupyterServer
  let kernelId: string
  const open: KernelConnection[] = []
  let files = 0

  const connect = async (options: KernelOptions = {}): Promise<KernelConnection> => {
    const kernel = await server.openKernel(kernelId, options)
    open.push(kernel)
    return kernel
  }
  /** prints 0..n-1, the second half when the file appeared */
  const counting = (n: number, go: string): string =>
    ['import os, time', `for i in range(${n}):`, `    while i >= ${n / 2} and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)`, '    print(i, flush=True)'].join('\n')
  const text = (into: string[]) => (message: Message): void => {
    const {text: printed} = message.content
    if (typeof printed === 'string') into.push(printed)
  }

  before(async () => {
    jupyter = await startJupyter()
    gate = await startTokenGate(jupyter.port, jupyter.token)
  })
  beforeEach(async () => {
    gate.answerAll = undefined
    gate.valid.clear()
    tokens = new Tokens(gate)
    server = new JupyterServer({url: gate.url, ...tokens.options})
    kernelId = (await server.startKernel()).id
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(each => each.close()))
    server.close()
    const direct = new JupyterServer({url: jupyter.url, token: jupyter.token})
    await direct.shutdownKernel(kernelId)
    direct.close()
  })
  after(async () => {
    await gate?.close()
    await jupyter?.stop()
  })

  it('renews it once for all requests that were refused together, POSTs too', async () => {
    tokens.expire()
    const asked = await Promise.all([server.listKernels(), server.status(), server.kernelSpecs(), server.interruptKernel(kernelId)])
    assert.equal(asked.length, 4)
    assert.equal(tokens.renewals, 1)
  })

  it('does not renew it for a refusal that came late', async () => {
    const refused = await server.authorize()
    tokens.expire()
    await server.status()
    assert.equal(await server.reauthorized(refused), true)
    assert.equal(tokens.renewals, 1)
  })

  it('asks once more only, and says what the server said', async () => {
    tokens.instead = async () => true
    tokens.expire()
    const before = gate.count(401)
    await assert.rejects(server.status(), {code: 'AUTH', status: 401})
    assert.equal(gate.count(401), before + 2)
    await assert.rejects(server.openKernel(kernelId), {code: 'AUTH', status: 401})
    tokens.instead = async () => false
    await assert.rejects(server.status(), {code: 'AUTH', status: 401})
  })

  it('opens a link that is refused first', async () => {
    tokens.expire()
    const kernel = await connect()
    assert.equal((await kernel.execute('1')).status, 'ok')
    assert.equal(tokens.renewals, 1)
  })

  it('keeps a link whose token expired while it is open', async () => {
    const kernel = await connect()
    tokens.expire()
    assert.equal((await kernel.execute('1')).status, 'ok')
    assert.equal(tokens.renewals, 0)
    await kernel.interrupt()
    assert.equal(tokens.renewals, 1)
  })

  it('loses and doubles nothing of an execution when the proxy ends the link with its token', async () => {
    const kernel = await connect()
    const printed: string[] = []
    const gaps: string[] = []
    const go = join(jupyter.root, `go-${files++}`)
    const done = kernel.execute(counting(40, go), {onOutput: text(printed), onGap: gap => void gaps.push(gap)})
    await until(() => printed.join('').includes('19\n'), () => printed.join(''))
    tokens.expire()
    const back = linked(kernel, 'connected')
    gate.cut()
    await back
    await writeFile(go, '')
    const {status, replyLost} = await done
    assert.deepEqual([status, replyLost, tokens.renewals, gaps], ['ok', false, 1, ['reconnected']])
    assert.equal(printed.join(''), Array.from({length: 40}, (_, i) => `${i}\n`).join(''))
  })

  it('goes on trying while a token cannot be had for want of a network', async () => {
    const kernel = await connect()
    const printed: string[] = []
    const go = join(jupyter.root, `go-${files++}`)
    const done = kernel.execute(counting(4, go), {onOutput: text(printed)})
    await until(() => printed.join('').includes('1\n'), () => printed.join(''))
    tokens.expire()
    let asked = 0
    tokens.instead = async () => {
      asked++
      throw Object.assign(new Error('cannot reach the control plane'), asked === 1 ? {retryable: true} : {retryable: false, category: 'network'})
    }
    const back = linked(kernel, 'connected')
    gate.cut()
    await until(() => asked >= 2, () => `asked ${asked} times`)
    tokens.instead = undefined
    await back
    await writeFile(go, '')
    assert.equal((await done).status, 'ok')
    assert.equal(printed.join(''), '0\n1\n2\n3\n')
  })

  it('ends the connection with the reason why there will be no token any more', async () => {
    const kernel = await connect()
    const done = kernel.execute('import time; time.sleep(60)')
    const reason = new Error('signed out')
    tokens.instead = () => Promise.reject(reason)
    tokens.expire()
    gate.cut()
    await assert.rejects(done, reason)
    assert.equal(kernel.state, 'closed')
  })

  it('tells that the machine is gone where there is no token for that reason', async () => {
    const kernel = await connect({isGone: async () => true})
    const done = kernel.execute('import time; time.sleep(60)')
    tokens.instead = () => Promise.reject(new Error('there is no such machine'))
    tokens.expire()
    gate.cut()
    await assert.rejects(done, {code: 'GONE'})
  })

  it('gives up with the machine when somebody knows that it is gone', async () => {
    let known = false
    let asked = 0
    const kernel = await connect({
      isGone: async () => {
        asked++
        return known
      },
    })
    const done = kernel.execute('import time; time.sleep(60)')
    gate.answerAll = 502
    gate.cut()
    await until(() => asked === 1, () => 'never asked')
    assert.equal(kernel.state, 'reconnecting')
    known = true
    gate.answerAll = 404
    await assert.rejects(done, {code: 'GONE'})
  })

  it('tells a kernel that is gone from a machine that is', async () => {
    const kernel = await connect({isGone: () => Promise.reject(new JupyterError('NETWORK', 'cannot be asked'))})
    gate.answerAll = 404
    const done = kernel.execute('import time; time.sleep(60)')
    gate.cut()
    await assert.rejects(done, {code: 'KERNEL_DEAD'})
  })
})
