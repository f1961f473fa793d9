import assert from 'node:assert/strict'
import type {ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {JupyterServer} from '@cgpu/jupyter'
import {startCgpu} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {startJupyter} from '../helpers/jupyter-server.ts'
import {ask} from '../helpers/proxy-bed.ts'
import {assertRefused, until} from '../helpers/workbench.ts'

interface View {
  runtime: string
  url: string
  port: number
  token: string
  pid: number
}

describe('cgpu jupyter proxy, lab and code with a machine on Colab', function () {
  this.timeout(60_000)
  let bench: ColabBench
  let child: ChildProcess
  let view: View
  const out = {stdout: '', stderr: ''}
  let exited: Promise<unknown[]>
  /** without the token */
  const base = (): {url: string; token: string} => ({url: view.url.replace(/\?.*/, ''), token: view.token})

  before(async () => {
    bench = await colabBench({world: {fit: 15}})
    await bench.data(['runtime', 'create', '--name', 'trainer'])
    child = startCgpu(['jupyter', 'proxy', 'trainer', '--json'], {home: bench.home})
    exited = once(child, 'close')
    for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (chunk: Buffer) => (out[name] += chunk.toString()))
    await until(() => out.stdout.endsWith('\n') || child.exitCode !== null, () => 'it does not serve')
    view = (JSON.parse(out.stdout) as {data: View}).data // what is in it is checked below
  })
  after(async () => {
    child?.kill('SIGKILL')
    await exited
    await bench?.remove()
  })

  it('prints where it serves, once it does', () => {
    assert.deepEqual({...view, token: ''}, {runtime: 'trainer', url: `http://127.0.0.1:${view.port}/?token=${view.token}`, port: view.port, token: '', pid: child.pid})
  })

  it('goes on when the machine’s token is no longer good, for requests and WebSockets', async () => {
    const server = new JupyterServer({...base()})
    const {id} = await server.startKernel()
    await bench.emulator.happen({expire: 'proxy-tokens'})
    assert.equal((await ask(base(), 'api/contents', {method: 'POST', body: '{"type":"file"}'})).status, 201)
    await bench.emulator.happen({expire: 'proxy-tokens'})
    const kernel = await server.openKernel(id)
    let text = ''
    await kernel.execute('print(6 * 7)', {onOutput: ({content}) => void (text += typeof content['text'] === 'string' ? content['text'] : '')})
    assert.equal(text, '42\n')
    await kernel.close()
    server.close()
  })

  it('tells the machine nothing of the client’s token, and Google nothing of either', () => {
    const entries = bench.emulator.log.query()
    assert.ok(entries.some(({path, headers}) => path.includes('/channels') && String(headers['x-colab-runtime-proxy-token']).startsWith('emu-proxy-')))
    for (const {site, path, headers} of entries) {
      const told = JSON.stringify([path, headers])
      assert.ok(!told.includes(view.token), `${site} ${path}`)
      if (site.startsWith('runtime:')) assert.doesNotMatch(told, /emu-(access|refresh)-/)
    }
  })

  it('keeps the machine from being taken as idle while clients work', async () => {
    bench.emulator.log.clear()
    await until(async () => {
      await ask(base(), 'api/contents/untitled.txt', {method: 'PUT', body: '{"type":"file","format":"text","content":"x"}'})
      return bench.calls('keep-alive').length > 0
    }, () => 'no beat')
  })

  it('is what lab and code lead to, and lab leads to Colab’s page where there is no JupyterLab', async () => {
    const code = await bench.cli(['code', 'trainer', '--print'])
    assert.deepEqual([code.status, code.stdout], [0, `${view.url}\n`], code.stderr)
    assert.match(code.stderr, /Existing Jupyter Server/)
    const lab = await bench.data<{url: string; kind: string; opened: boolean}>(['lab', 'trainer'])
    assert.deepEqual([lab.kind, lab.opened], ['provider', false])
    assert.match(lab.url, /\/notebooks\/empty\.ipynb\?dbu=/)
    const opening = await bench.cli(['lab', 'trainer'], {env: {BROWSER: '/nowhere/browser'}})
    assert.match(opening.stderr, /no browser could be opened here: open the address yourself/)
  })

  it('has its port for itself, and ends at Ctrl-C', async () => {
    assertRefused(await bench.cli(['jupyter', 'proxy', 'trainer', '--port', String(view.port)]), 72)
    const other = await bench.cli(['jupyter', 'proxy', 'trainer'], {signalAfter: {signal: 'SIGINT', stream: 'stderr', match: /until Ctrl-C/}})
    assert.deepEqual([other.status, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{48}\n$/.test(other.stdout)], [0, true], other.stdout + other.stderr)
  })

  it('says what else there is where a server has no JupyterLab', async () => {
    const jupyter = await startJupyter({env: {HOME: bench.home.path}})
    try {
      await bench.cli(['runtime', 'add', jupyter.url, '--token-stdin', '--name', 'plain'], {input: jupyter.token})
      assertRefused(await bench.cli(['lab', 'plain']), 66)
      await bench.cli(['runtime', 'release', 'plain', '--yes'])
    } finally {
      await jupyter.stop()
    }
  })

  // the last: it is gone afterwards
  it('ends when the machine is taken away, and says so', async () => {
    await bench.emulator.happen({reclaim: '*'})
    await until(async () => {
      await ask(base(), 'api/status').catch(() => undefined)
      return child.exitCode !== null
    }, () => `it goes on: ${out.stderr}`)
    await exited // what it said last comes after its status
    assert.equal(child.exitCode, 71)
    assert.match(out.stderr, /trainer was taken away while work ran on it/)
    assert.equal(out.stdout.split('\n').length, 2)
    assert.ok(!out.stderr.includes(view.token))
  })
})
