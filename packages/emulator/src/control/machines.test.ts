import assert from 'node:assert/strict'
import {once} from 'node:events'
import {WebSocket} from 'ws'
import {until} from '../../../../test/helpers/workbench.ts'
import {testPython} from '../../../../test/helpers/jupyter-server.ts'
import {JupyterServer} from '../../../jupyter/src/index.ts'
import {type Emulator, startEmulator} from '../emulator.ts'

interface Assigned { endpoint: string; runtimeProxyInfo: {token: string; url: string} }

describe('the emulated control plane with real machines', function () {
  this.timeout(60_000)
  let emulator: Emulator
  let notebooks = 0
  const call = (path: string, options: RequestInit = {}): Promise<Response> =>
    fetch(emulator.url + path, {...options, headers: {authorization: `Bearer ${emulator.token()}`, ...options.headers as Record<string, string>}})
  const json = async <T>(path: string, options?: RequestInit): Promise<T> => JSON.parse((await (await call(path, options)).text()).replace(/^\)\]\}'\n/, '')) as T
  const paired = async <T>(path: string): Promise<T> => {
    const {token} = await json<{token: string}>(path)
    return json(path, {method: 'POST', headers: {'x-goog-colab-token': token}})
  }
  const assign = (query = ''): Promise<Assigned> => paired(`/tun/m/assign?nbh=${String(notebooks++).padEnd(44, '.')}${query}`)
  const listed = async (): Promise<string[]> => (await json<{assignments: {endpoint: string}[]}>('/tun/m/assignments')).assignments.map((one) => one.endpoint)

  interface RunOptions {
    /** does what it takes before a question of google.colab is answered */
    allow?: (type: string) => Promise<void>
    /** ends the run when it settles: the code ends the machine */
    gone?: Promise<void>
  }

  /** what the code prints */
  const run = async ({runtimeProxyInfo: {token, url}}: Assigned, code: string, {allow, gone}: RunOptions = {}): Promise<string> => {
    const server = new JupyterServer({url: `${url}/`, headers: () => ({'X-Colab-Runtime-Proxy-Token': token})})
    try {
      const session = await server.ensureSession({path: 'test', name: 'test', type: 'console', kernelName: 'python3'})
      const kernel = await server.openKernel(session.kernel.id)
      try {
        let text = ''
        const running = kernel.execute(code, {
          onOutput: ({header, content}) => { if (header.msg_type === 'stream') text += String(content['text']) },
          onCustom: ({metadata, content}) => {
            const {authType} = content['request'] as {authType?: string}
            void allow?.(authType ?? '').then(() => kernel.replyInput({type: 'colab_reply', colab_msg_id: metadata['colab_msg_id'], data: {}}))
          },
        })
        // what is left of it ends with the connection
        running.catch(() => undefined)
        const done = await Promise.race([running, ...(gone === undefined ? [] : [gone])])
        assert.equal(done?.error, undefined)
        return text
      } finally {
        void kernel.close()
      }
    } finally {
      server.close()
    }
  }

  before(async () => { emulator = await startEmulator({python: () => Promise.resolve(testPython)}) })
  after(() => emulator.close())
  afterEach(() => emulator.reset())

  it('hands out machines that run code, and takes them away', async () => {
    const made = await assign('&accelerator=T4')
    assert.match(await run(made, 'import subprocess\nprint(subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout, 6 * 7)'), /Tesla T4[^]*42/)
    const sessions = await json<unknown[]>(`/tun/m/${made.endpoint}/api/sessions?authuser=0`, {headers: {'x-colab-tunnel': 'Google'}})
    assert.equal(sessions.length, 1)
    const terminal = await json<{name: string}>(`/tun/m/${made.endpoint}/api/terminals`, {method: 'POST', body: '{}', headers: {'x-colab-tunnel': 'Google'}})
    const socket = new WebSocket(`${emulator.url.replace('http', 'ws')}/tun/m/${made.endpoint}/terminals/websocket/${terminal.name}`, {
      headers: {'x-colab-tunnel': 'Google', authorization: `Bearer ${emulator.token()}`},
    })
    let seen = ''
    socket.on('message', (data: Buffer) => seen += data.toString())
    await once(socket, 'open')
    socket.send(JSON.stringify(['stdin', 'echo through-$((6 * 7))\r']))
    await until(() => seen.includes('through-42'), () => seen)
    socket.terminate()
    await emulator.world.reclaim(made.endpoint)
    assert.deepEqual(await listed(), [])
    await assert.rejects(fetch(made.runtimeProxyInfo.url))
  })

  it('gives a machine with another GPU than it says, when told to', async () => {
    emulator.world.queueAssign([{accelerator: 'K80', reported: 'T4'}])
    const made = await assign('&accelerator=T4')
    assert.match(await run(made, 'import subprocess\nprint(subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout)'), /K80/)
    assert.match(made.endpoint, /^gpu-t4/)
  })

  it('refuses a token that has expired, and takes the next one', async () => {
    const made = await assign()
    const status = async (token: string): Promise<number> => (await fetch(`${made.runtimeProxyInfo.url}/api/kernels`, {headers: {'x-colab-runtime-proxy-token': token}})).status
    await emulator.world.advance(3_600_000)
    assert.equal(await status(made.runtimeProxyInfo.token), 401)
    const {token} = await json<{token: string}>(`/v1/runtime-proxy-token?endpoint=${made.endpoint}&port=8080`)
    assert.equal(await status(token), 200)
  })

  it('lets a machine that is used live, and a machine end itself', async () => {
    const made = await assign()
    await emulator.world.advance(3_000_000)
    const before = emulator.world.fleet.get(made.endpoint)?.usedAt ?? 0
    await run(made, 'print(1)')
    assert.ok((emulator.world.fleet.get(made.endpoint)?.usedAt ?? 0) > before)
    await emulator.world.advance(3_000_000)
    assert.deepEqual(await listed(), [made.endpoint])
    const {token} = await json<{token: string}>(`/v1/runtime-proxy-token?endpoint=${made.endpoint}&port=8080`)
    const gone = async (): Promise<void> => until(async () => (await listed()).length === 0, () => 'the machine is still there')
    await run({...made, runtimeProxyInfo: {...made.runtimeProxyInfo, token}}, 'from google.colab import runtime\nruntime.unassign()', {gone: gone()})
    assert.deepEqual(await listed(), [])
    assert.equal(emulator.world.status().ended.at(-1)?.reason, 'self')
  })

  it('shows Drive to a machine after its owner agreed', async () => {
    const made = await assign()
    const asked: string[] = []
    const text = await run(made, "from google.colab import drive\ndrive.mount('/content/drive')\nopen('/content/drive/MyDrive/from-machine.txt', 'w').write('hello')\nprint('mounted')", {allow: async (type) => {
      asked.push(type)
      const path = (dryrun: boolean): string => `/tun/m/credentials-propagation/${made.endpoint}?authtype=dfs_ephemeral&version=2&dryrun=${String(dryrun)}&propagate=true&record=false`
      const {unauthorized_redirect_uri: page} = await paired<{unauthorized_redirect_uri: string}>(path(true))
      await fetch(page, {method: 'POST', body: new URLSearchParams({decision: 'allow'})})
      assert.deepEqual(await paired(path(false)), {success: true})
    }})
    assert.match(text, /mounted/)
    assert.deepEqual(asked, ['dfs_ephemeral'])
    const {files} = await json<{files: {name: string}[]}>("/drive/v3/files?q=name%3D'from-machine.txt'")
    assert.deepEqual(files.map((one) => one.name), ['from-machine.txt'])
  })
})
