import assert from 'node:assert/strict'
import {mkdtemp, readFile, rm, stat} from 'node:fs/promises'
import {request as httpRequest} from 'node:http'
import {connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import WebSocket, {WebSocketServer} from 'ws'
import type {SiteHandler} from '../contract.ts'
import {HttpFrame} from './frame.ts'
import {RequestLog} from './request-log.ts'

const echo: SiteHandler = {
  request(request, response) {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => response.end(Buffer.concat(chunks)))
  },
}

describe('HttpFrame', () => {
  let folder: string
  let log: RequestLog
  let frame: HttpFrame
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-frame-'))
    log = new RequestLog({file: join(folder, 'log.jsonl')})
    frame = new HttpFrame({log, now: () => 0, account: (_, headers) => (headers['authorization'] === 'Bearer mine' ? 'me@example.com' : null)})
  })
  afterEach(async () => {
    await frame.close()
    await log.close()
    await rm(folder, {recursive: true, force: true})
  })

  it('listens on loopback and hands requests on with their bodies', async () => {
    const {url} = await frame.listen('control', echo)
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
    const answer = await fetch(`${url}/a?b=1`, {method: 'POST', body: 'x'.repeat(300_000)})
    assert.equal((await answer.text()).length, 300_000)
  })

  it('logs site, path, every header, account, status and the first 64 KiB of a control body', async () => {
    const {url} = await frame.listen('control', echo)
    await (await fetch(`${url}/a?b=1`, {method: 'POST', body: 'x'.repeat(300_000), headers: {Authorization: 'Bearer mine', 'X-One': 'two'}})).text()
    const [entry] = log.query()
    assert.equal(entry?.id, 1)
    assert.deepEqual([entry?.site, entry?.method, entry?.path, entry?.status, entry?.account], ['control', 'POST', '/a?b=1', 200, 'me@example.com'])
    assert.equal(entry?.headers['x-one'], 'two')
    assert.equal(entry?.body?.length, 65_536)
    assert.equal(typeof entry?.ms, 'number')
  })

  it('keeps no bodies of a runtime, and counts ids over all sites', async () => {
    const control = await frame.listen('control', echo)
    const runtime = await frame.listen('runtime:m-1', echo)
    await (await fetch(control.url)).text()
    await (await fetch(runtime.url, {method: 'POST', body: 'secret'})).text()
    assert.deepEqual(log.query().map(({id, site, body}) => [id, site, body]), [[1, 'control', undefined], [2, 'runtime:m-1', undefined]])
    assert.deepEqual(log.query({site: 'runtime:*'}).map(({id}) => id), [2])
    assert.deepEqual(log.query({since: 1}).map(({id}) => id), [2])
  })

  it('writes what was answered to a file of the user alone', async () => {
    const {url} = await frame.listen('control', echo)
    await (await fetch(`${url}/once`)).text()
    await frame.close()
    await log.close()
    const [line = ''] = (await readFile(join(folder, 'log.jsonl'), 'utf8')).split('\n')
    assert.equal((JSON.parse(line) as {path: string}).path, '/once')
    assert.equal((await stat(join(folder, 'log.jsonl'))).mode & 0o777, 0o600)
  })

  it('forwards upgrades and logs them as 101', async () => {
    const sockets = new WebSocketServer({noServer: true})
    const {url} = await frame.listen('runtime:m-1', {...echo, upgrade: (request, socket, head) => sockets.handleUpgrade(request, socket, head, (client) => client.on('message', (data) => client.send(data)))})
    const client = new WebSocket(url.replace('http', 'ws'))
    const answer = await new Promise<string>((resolve, reject) => {
      client.on('error', reject).on('open', () => client.send('hello')).on('message', (data: Buffer) => resolve(data.toString()))
    })
    assert.equal(answer, 'hello')
    assert.equal(log.query()[0]?.status, 101)
    client.terminate()
  })

  it('answers 404 to an upgrade that nobody takes', async () => {
    const {url} = await frame.listen('control', echo)
    const client = new WebSocket(url.replace('http', 'ws'))
    const message = await new Promise<string>((resolve) => client.on('error', (error) => resolve(error.message)))
    assert.match(message, /404/)
  })

  it('says nothing while frozen, on old connections and new ones, and goes on when thawed', async () => {
    const {url} = await frame.listen('control', echo)
    await (await fetch(url)).text()
    frame.freeze((site) => site === 'control')
    let answered = 0
    const asked = [fetch(url), fetch(url)].map(async (one) => {
      await (await one).text()
      answered++
    })
    const port = Number(new URL(url).port)
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        resolve(true)
        socket.destroy()
      })
    })
    assert.ok(connected)
    assert.equal(answered, 0)
    frame.thaw()
    await Promise.all(asked)
    assert.equal(answered, 2)
  })

  it('holds back what an open WebSocket sends while frozen', async () => {
    const sockets = new WebSocketServer({noServer: true})
    let say: (text: string) => void = () => {}
    const {url} = await frame.listen('runtime:m-1', {...echo, upgrade: (request, socket, head) => sockets.handleUpgrade(request, socket, head, (client) => (say = (text) => client.send(text)))})
    const client = new WebSocket(url.replace('http', 'ws'))
    await new Promise((resolve) => client.once('open', resolve))
    const heard: string[] = []
    client.on('message', (data: Buffer) => heard.push(data.toString()))
    frame.freeze((site) => site.startsWith('runtime:'))
    say('one')
    const other = await frame.listen('control', echo)
    for (let i = 0; i < 5; i++) await (await fetch(other.url)).text()
    assert.deepEqual(heard, [])
    frame.thaw()
    await new Promise((resolve) => client.once('message', resolve))
    assert.deepEqual(heard, ['one'])
    client.terminate()
  })

  for (const [host, status] of [['127.0.0.1:80', 200], ['localhost', 200], ['[::1]:1', 200], ['rebound.example.com:80', 421], ['127.0.0.1.example.com', 421], ['[', 421]] as const) {
    it(`answers ${status} to the host ${host}`, async () => {
      const {url} = await frame.listen('control', echo)
      const answered = await new Promise<number | undefined>((resolve, reject) => httpRequest(url, {headers: {host}}, (response) => resolve(response.resume().statusCode)).on('error', reject).end())
      assert.equal(answered, status)
      const client = new WebSocket(url.replace('http', 'ws'), {headers: {host}})
      assert.match(await new Promise<string>((resolve) => client.on('error', (error) => resolve(error.message))), status === 200 ? /404/ : /421/)
    })
  }

  it('says that a port is taken', async () => {
    const {url} = await frame.listen('control', echo)
    await assert.rejects(frame.listen('control', echo, {port: Number(new URL(url).port)}), {code: 'PORT_IN_USE', exit: 72})
  })
})
