import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {startJupyter} from '../../../test/helpers/jupyter-server.ts'
import type {TestJupyter} from '../../../test/helpers/jupyter-server.ts'
import {JupyterServer} from './index.ts'

describe('a Jupyter server with a token and a base path', () => {
  let jupyter: TestJupyter
  let server: JupyterServer
  const trace: string[] = []

  before(async () => {
    jupyter = await startJupyter({baseUrl: '/user/ada/'})
    server = new JupyterServer({url: `${jupyter.url}?token=leak#x`, token: jupyter.token, trace: line => void trace.push(line)})
  })
  after(async () => {
    server?.close()
    await jupyter?.stop()
  })

  it('keeps its base path, and drops what does not belong into an address', () => {
    assert.equal(server.url, jupyter.url)
    assert.equal(new JupyterServer({url: 'http://u:p@host:1/base'}).url, 'http://host:1/base/')
    for (const url of ['nonsense', 'ftp://host/', 'file:///etc/passwd']) assert.throws(() => new JupyterServer({url}), {code: 'PROTOCOL'})
  })

  it('tells version, status and kernelspecs', async () => {
    assert.match(await server.version(), /^2\./)
    const status = await server.status()
    assert.ok(status.started !== undefined && status.kernels !== undefined)
    const {default: name, specs} = await server.kernelSpecs()
    assert.equal(name, 'python3')
    const languages = new Map(specs.map(each => [each.name, each.language]))
    // the machine may have more of them, such as R's
    assert.deepEqual([languages.get('python3'), languages.get('colab')], ['python', 'python'])
  })

  it('starts, lists, restarts, interrupts and shuts down kernels', async () => {
    const {id, name} = await server.startKernel({name: 'python3'})
    assert.equal(name, 'python3')
    assert.ok((await server.listKernels()).some(each => each.id === id))
    assert.equal((await server.getKernel(id))?.id, id)
    await server.interruptKernel(id)
    assert.equal((await server.restartKernel(id)).id, id)
    await server.shutdownKernel(id)
    await server.shutdownKernel(id)
    assert.equal(await server.getKernel(id), null)
    await assert.rejects(server.interruptKernel(id), {code: 'NOT_FOUND', status: 404})
  })

  it('gives the same session for the same path', async () => {
    const wanted = {path: 'cgpu/main', name: 'main', type: 'cgpu', kernelName: 'python3'}
    const first = await server.ensureSession(wanted)
    const second = await server.ensureSession(wanted)
    assert.deepEqual([second.id, second.kernel.id, second.type], [first.id, first.kernel.id, 'cgpu'])
    assert.deepEqual((await server.listSessions()).map(each => each.path), ['cgpu/main'])
    await server.deleteSession(first.id)
    await server.deleteSession(first.id)
    assert.equal(await server.getKernel(first.kernel.id), null)
  })

  it('writes, reads, lists and deletes contents, odd names included', async () => {
    const name = 'a ö #?%.txt'
    await server.putContents('dir', {type: 'directory'})
    await server.putContents(`dir/${name}`, {type: 'file', format: 'text', content: 'hello'})
    const got = await server.getContents(`dir/${name}`)
    assert.deepEqual([got.name, got.type, got.size, got.content], [name, 'file', 5, 'hello'])
    assert.equal((await server.getContents('dir', {content: false})).content, undefined)
    assert.equal(Buffer.from(await server.readFileRange(`dir/${name}`, 1, 3)).toString(), 'el')
    assert.equal(Buffer.from(await server.readFileRange(`dir/${name}`, 3)).toString(), 'lo')
    assert.equal((await server.readFileRange(`dir/${name}`, 10)).length, 0)
    for (const start of [0, 2]) {
      const into = Buffer.alloc(5 - start)
      await (await server.openFile(`dir/${name}`, start)).read(into)
      assert.equal(into.toString(), 'hello'.slice(start))
    }
    await assert.rejects((await server.openFile('dir/none', 0)).read(Buffer.alloc(1)), {code: 'NOT_FOUND'})
    await server.deleteContents(`dir/${name}`)
    await server.deleteContents(`dir/${name}`)
    await assert.rejects(server.getContents(`dir/${name}`), {code: 'NOT_FOUND'})
  })

  it('makes, lists and ends terminals', async () => {
    const name = await server.createTerminal()
    assert.deepEqual(await server.listTerminals(), [name])
    await server.deleteTerminal(name)
    await server.deleteTerminal(name)
  })

  it('reports conflicts and other statuses as what they are', async () => {
    await assert.rejects(server.request('POST', 'api/kernels', {body: {name: 'nobody'}}), {code: 'HTTP', status: 500})
    await assert.rejects(server.request('GET', 'api/nothing'), {code: 'NOT_FOUND'})
  })

  it('refuses paths that lead out of the base path, or to another host', async () => {
    for (const path of ['../../api', '//evil.example/api', 'http://evil.example/', '/api']) {
      await assert.rejects(server.request('GET', path), {code: 'PROTOCOL'})
    }
  })

  it('stops a request by its signal, with the signal\'s reason', async () => {
    await assert.rejects(server.request('GET', 'api', {signal: AbortSignal.abort(new Error('enough'))}), /enough/)
  })

  it('says AUTH for a wrong token and for none', async () => {
    for (const token of ['wrong', '']) {
      const stranger = new JupyterServer({url: jupyter.url, token})
      await assert.rejects(stranger.status(), {code: 'AUTH', status: 403})
      await assert.rejects(stranger.openKernel('00000000-0000-0000-0000-000000000000'), {code: 'AUTH', status: 403})
      stranger.close()
    }
  })

  it('asks for the extra headers before every request', async () => {
    let asked = 0
    const other = new JupyterServer({url: jupyter.url, headers: async () => ({authorization: `token ${jupyter.token}`, 'x-n': String(asked++)})})
    await other.status()
    await other.status()
    assert.equal(asked, 2)
    other.close()
  })

  it('never shows the token in its trace, and the server never wrote it', () => {
    assert.ok(trace.some(line => line.startsWith('GET /user/ada/api/status 200')))
    assert.ok(![...trace, jupyter.log()].some(line => line.includes(jupyter.token) || line.includes('leak')))
  })
})

describe('a Jupyter server without a token', () => {
  it('is given the XSRF cookie that it demands', async () => {
    const jupyter = await startJupyter({token: ''})
    const server = new JupyterServer({url: jupyter.url})
    try {
      const {id} = await server.startKernel()
      const kernel = await server.openKernel(id)
      assert.equal((await kernel.execute('1')).status, 'ok')
      await kernel.interrupt()
      await kernel.close()
      await server.putContents('x.txt', {type: 'file', format: 'text', content: 'x'})
      await server.deleteContents('x.txt')
      await server.shutdownKernel(id)
    } finally {
      server.close()
      await jupyter.stop()
    }
  })
})

describe('a Jupyter server with a certificate of its own', () => {
  let folder: string
  let jupyter: TestJupyter
  const file = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, {stdio: 'ignore'})

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cgpu-tls-'))
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=cgpu test ca', '-keyout', file('ca.key'), '-out', file('ca.pem'))
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=elsewhere.example', '-keyout', file('key.pem'), '-out', file('req.pem'))
    writeFileSync(file('ext'), 'subjectAltName=IP:127.0.0.1')
    openssl('x509', '-req', '-in', file('req.pem'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', file('ext'), '-out', file('cert.pem'))
    jupyter = await startJupyter({tls: {cert: file('cert.pem'), key: file('key.pem')}})
  })
  after(async () => {
    await jupyter?.stop()
    rmSync(folder, {recursive: true, force: true})
  })

  it('is reached with its authority given', async () => {
    const server = new JupyterServer({url: jupyter.url, token: jupyter.token, ca: readFileSync(file('ca.pem'), 'utf8')})
    const kernel = await server.openKernel((await server.startKernel()).id)
    assert.equal((await kernel.execute('1')).status, 'ok')
    await kernel.close()
    writeFileSync(join(jupyter.root, 'big'), Buffer.alloc(5_000_000, 'tls!'))
    const into = Buffer.alloc(4_000_000)
    await (await server.openFile('big', 1_000_000)).read(into)
    assert.ok(into.equals(Buffer.alloc(4_000_000, 'tls!')))
    server.close()
  })

  it('is refused without it, and under another name', async () => {
    const stranger = new JupyterServer({url: jupyter.url, token: jupyter.token})
    await assert.rejects(stranger.version(), {code: 'TLS', retryable: false})
    await assert.rejects(stranger.openKernel('x'), {code: 'TLS'})
    await assert.rejects((await stranger.openFile('big', 0)).read(Buffer.alloc(1)), {code: 'TLS'})
    const misnamed = new JupyterServer({url: jupyter.url.replace('127.0.0.1', 'localhost'), token: jupyter.token, ca: readFileSync(file('ca.pem'), 'utf8')})
    await assert.rejects(misnamed.version(), {code: 'TLS'})
    for (const each of [stranger, misnamed]) each.close()
  })
})
