import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {testPython} from '../helpers/jupyter-server.ts'
import {type ProxyBed, startProxyBed} from '../helpers/proxy-bed.ts'

interface Output {
  output_type: string
  name?: string
  text?: string
  data?: Record<string, unknown>
}

const script = fileURLToPath(new URL('jupyter-clients.py', import.meta.url))

describe('Jupyter clients of others through a proxy', function () {
  this.timeout(60_000)
  let bed: ProxyBed
  before(async () => {
    bed = await startProxyBed({env: {CGPU_MARK: 'the runtime’s'}, limits: false})
  })
  after(() => bed?.stop())

  it('nbclient runs a notebook on it, with jupyter_server’s gateway client', async () => {
    const {stdout} = await promisify(execFile)(testPython, [script, bed.proxy.url.replace(/\/$/, ''), bed.proxy.token], {env: {...bed.home.env, JUPYTER_PLATFORM_DIRS: '1'}, maxBuffer: 16 * 1024 * 1024})
    const cells = JSON.parse(stdout) as Output[][] // the script's one line
    assert.deepEqual(cells[0]?.map(({name, text}) => [name, text]), [['stdout', '42\n']])
    assert.deepEqual(cells[1]?.map(({output_type, text, data}) => text ?? data?.['text/plain'] ?? output_type).sort(), ['42', 'to stderr\n'])
    assert.equal(cells[2]?.map(({text}) => text).join('').length, 200_001)
    assert.equal(cells[3]?.[0]?.data?.['text/plain'], "'the runtime’s'")
    assert.doesNotMatch(bed.jupyter.log(), new RegExp(bed.proxy.token))
  })
})
