import assert from 'node:assert/strict'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {startJupyter} from '../../../test/helpers/jupyter-server.ts'
import type {TestJupyter} from '../../../test/helpers/jupyter-server.ts'
import {JupyterServer} from './index.ts'
import type {KernelConnection} from './index.ts'

describe('a kernel that others use, too', function () {
  this.timeout(40_000)
  let jupyter: TestJupyter
  let server: JupyterServer
  let id: string
  const open: KernelConnection[] = []
  const connect = async (): Promise<KernelConnection> => {
    const kernel = await server.openKernel(id)
    open.push(kernel)
    return kernel
  }

  before(async () => {
    jupyter = await startJupyter()
    server = new JupyterServer({url: jupyter.url, token: jupyter.token})
    id = (await server.startKernel({name: 'python3'})).id
  })
  afterEach(async () => {
    for (const kernel of open.splice(0)) await kernel.close()
  })
  after(async () => {
    server?.close()
    await jupyter?.stop()
  })

  it('shows an onlooker what others run, and what its own threads print after their cell', async () => {
    const [ours, theirs] = [await connect(), await connect()]
    const seen: string[] = []
    const late = Promise.withResolvers<void>()
    const stop = ours.onOther(({message: {header, content}, foreign}) => {
      if (header.msg_type === 'execute_input') seen.push(`${foreign} code ${String(content['code'])}`)
      const text = String(content['text']).trim()
      // a line's end may come alone
      if (header.msg_type === 'stream' && text !== '') seen.push(`${foreign} ${text}`)
      if (text.includes('late')) late.resolve()
    })
    await ours.execute('print("ours")')
    await theirs.execute('print("theirs", flush=True)')
    const go = join(jupyter.root, 'go')
    await ours.execute(`import os, threading, time\ndef wait():\n    while not os.path.exists(${JSON.stringify(go)}): time.sleep(0.01)\n    print("late", flush=True)\nthreading.Thread(target=wait).start()`)
    writeFileSync(go, '')
    await late.promise
    assert.deepEqual(seen, ['true code print("theirs", flush=True)', 'true theirs', 'false late'])
    stop()
    await theirs.execute('print("unseen", flush=True)')
    await ours.execute('1')
    assert.equal(seen.length, 3)
  })

  it('tells of a restart while nothing of ours runs, once, and which process it is then', async () => {
    const kernel = await connect()
    const before = await kernel.identify()
    assert.ok(before)
    await kernel.execute('1')
    assert.equal(await kernel.identify(), before)
    let restarts = 0
    const told = Promise.withResolvers<void>()
    kernel.onRestart(() => {
      restarts++
      told.resolve()
    })
    await server.restartKernel(id)
    await told.promise
    const after = await kernel.identify()
    assert.ok(after !== undefined && after !== before)
    assert.equal((await kernel.execute('1')).status, 'ok')
    assert.equal(restarts, 1)
  })

  it('brings what is to be read page by page', async () => {
    const {pages} = await (await connect()).execute('len?')
    assert.match(String(pages?.[0]?.['text/plain']), /Return the number of items/)
  })

  it('brings what is to be edited and run next', async () => {
    const kernel = await connect()
    assert.equal((await kernel.execute('get_ipython().set_next_input("a")\nget_ipython().set_next_input("b = 1\\nb")')).nextInput, 'b = 1\nb')
    assert.equal((await kernel.execute('1')).nextInput, undefined)
  })

  it('that is gone is not asked for ever who it is', async () => {
    const kernel = await connect()
    await kernel.execute('1')
    await server.shutdownKernel(id)
    await assert.rejects(async () => {
      // until its goodbye is here
      while ((await kernel.identify()) !== undefined) await new Promise(resolve => setTimeout(resolve, 20))
    }, {code: 'KERNEL_DEAD'})
  })
})
