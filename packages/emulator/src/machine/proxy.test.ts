import assert from 'node:assert/strict'
import {randomUUID} from 'node:crypto'
import {existsSync} from 'node:fs'
import {request} from 'node:http'
import {join} from 'node:path'
import {WebSocket} from 'ws'
import {ask, machineBed, type MachineBed, runCode, socketOf} from '../../../../test/helpers/machine-bed.ts'
import {until} from '../../../../test/helpers/workbench.ts'
import type {Machine} from '../contract.ts'

describe('the origin of an emulated machine', () => {
  let bed: MachineBed
  let machine: Machine
  let closeExpired = false
  const status = async (path: string, headers: Record<string, string> = {}): Promise<number> => (await fetch(`${machine.url}${path}`, {headers})).status
  const token = {'x-colab-runtime-proxy-token': 'good'}

  before(async () => {
    bed = await machineBed({closeExpiredSockets: () => closeExpired})
    machine = await bed.start('cpu-proxy')
  })
  after(() => bed?.close())

  it('takes the token from each of the four places', async () => {
    assert.equal(await status('/api/kernels', token), 200)
    assert.equal(await status('/api/kernels?colab-runtime-proxy-token=good&authuser=0'), 200)
    assert.equal(await status('/api/kernels?token=good'), 200)
    assert.equal(await status('/api/kernels', {authorization: 'Bearer good'}), 200)
    assert.ok(bed.used.includes('cpu-proxy'))
  })

  it('answers 401 without a good token, and says which it is', async () => {
    bed.verdicts.set('cpu-proxy:8080:old', 'expired')
    for (const [headers, text] of [[{}, 'missing'], [{authorization: 'Bearer bad'}, 'unknown'], [{'x-colab-runtime-proxy-token': 'old'}, 'expired']] as const) {
      const answer = await fetch(`${machine.url}/api/kernels`, {headers})
      assert.deepEqual([answer.status, await answer.text()], [401, `runtime proxy token ${text}`])
    }
    const socket = new WebSocket(`${machine.url.replace('http', 'ws')}/colab/tty?token=old`)
    const answered = await new Promise((resolve) => socket.once('unexpected-response', (_, response) => resolve([response.statusCode, response.headers['content-length']])))
    assert.deepEqual(answered, [401, '27'])
  })

  it('answers 404 to pages of other origins', async () => {
    assert.equal(await status('/api/kernels', {...token, origin: 'http://localhost:3000'}), 404)
    assert.equal(await status('/api/kernels', {...token, referer: 'https://example.org/page'}), 404)
    assert.equal(await status('/api/kernels', {...token, origin: 'null'}), 404)
    assert.equal(await status('/api/kernels', {...token, origin: machine.url, referer: `${machine.url}/tree`}), 200)
  })

  it('passes no credentials on, a user\'s OAuth token least of all', async () => {
    assert.equal(await status('/api/colab/resources', {...token, authorization: 'Bearer ya29.user'}), 200)
    assert.equal(await status('/api/kernels?token=good&colab-runtime-proxy-token=good', {authorization: 'Bearer ya29.user'}), 200)
  })

  it('understands doubled slashes and encoded paths of contents, and has the machine\'s root as its own', async () => {
    await ask(machine, '//api/contents/%2Fcontent%2Fa%20b.txt', {method: 'PUT', json: {type: 'file', format: 'text', content: 'here'}})
    const read = await ask(machine, '/api/contents/content/a%20b.txt?type=file&format=text')
    assert.equal(((await read.json()) as {content: string}).content, 'here')
    const root = (await (await ask(machine, '/api/contents/?type=directory')).json()) as {content: {name: string}[]}
    const names = root.content.map(({name}) => name)
    for (const name of ['content', 'usr', 'root', 'tmp']) assert.ok(names.includes(name), names.join(' '))
    const given = (await (await ask(machine, '/api/contents/content/sample_data?type=directory')).json()) as {content: unknown[]}
    assert.equal(given.content.length, 2)
  })

  it('takes a PUT with chunk 1 as the whole file', async () => {
    for (const content of ['a longer text', 'short']) {
      const body = {name: 'c.txt', path: 'content/c.txt', type: 'file', format: 'base64', content: Buffer.from(content).toString('base64'), chunk: 1}
      assert.ok((await ask(machine, '/api/contents/content/c.txt', {method: 'PUT', json: body})).ok)
    }
    const read = await ask(machine, '/api/contents/content/c.txt?type=file&format=text')
    assert.equal(((await read.json()) as {content: string}).content, 'short')
  })

  it('takes and gives bodies of 40 MiB', async () => {
    const content = 'x'.repeat(40 * 2 ** 20)
    const put = await ask(machine, '/api/contents/content/big.txt', {method: 'PUT', json: {type: 'file', format: 'text', content}})
    assert.equal(put.status, 201)
    const got = (await (await ask(machine, '/api/contents/content/big.txt?type=file&format=text')).json()) as {content: string}
    assert.equal(got.content.length, content.length)
  })

  it('streams: an upload that is broken off leaves nothing hanging', async () => {
    const sent = request(`${machine.url}/api/contents/content/broken.txt`, {method: 'PUT', headers: {...token, 'content-length': 1000}})
    sent.on('error', () => undefined)
    sent.write('{"type"')
    sent.destroy()
    assert.equal(await status('/api', token), 200)
  })

  it('starts a new kernel for an empty id, gives the session of a path again, and ends times in Z', async () => {
    const body = {path: '/colab-cli', name: 'colab-cli', type: 'console', kernel: {id: '', name: 'python3'}}
    interface Session {id: string; kernel: {id: string; last_activity: string}}
    const [one, again] = [await ask(machine, '/api/sessions', {method: 'POST', json: body}), await ask(machine, '/api/sessions', {method: 'POST', json: body})]
    const first = (await one.json()) as Session
    assert.equal(one.status, 201)
    assert.equal(((await again.json()) as Session).id, first.id)
    assert.match(first.kernel.last_activity, /^\d{4}-.*\dZ$/)
    assert.equal((await ask(machine, `/api/sessions/${first.id}`, {method: 'DELETE'})).status, 204)
  })

  it('has kernels with Colab\'s surroundings in /content', async () => {
    const {text} = await runCode(machine, `
import os
print(os.getcwd(), os.environ['HOME'], open('/var/colab/hostname').read().strip(), os.environ['COLAB_RELEASE_TAG'])
print([name for name in os.environ if name.startswith('CGPU_')], 'TPU_ACCELERATOR_TYPE' in os.environ)
import socket; print(socket.gethostname() == open('/etc/hostname').read().strip(), socket.gethostbyname(socket.gethostname()))
`)
    assert.match(text, /^\/content \/root [0-9a-f]{12} release-colab-external-images_2026\.09\n\[\] False\nTrue 127\.0\.0\.1\n$/)
  })

  for (const kernelName of ['python3', 'colab']) {
    it(`restarts and interrupts kernels, ${kernelName}`, async () => {
      assert.equal((await runCode(machine, 'kept = 1; print(kept)', {kernelName})).text, '1\n')
      const kernels = (await (await ask(machine, '/api/sessions')).json()) as {name: string; kernel: {id: string; name: string}}[]
      const id = kernels.find(({kernel}) => kernel.name === kernelName)?.kernel.id ?? ''
      assert.equal((await ask(machine, `/api/kernels/${id}/restart`, {method: 'POST'})).status, 200)
      assert.match((await runCode(machine, 'print(kept)', {kernelName})).error ?? '', /^NameError/)
      const endless = runCode(machine, 'import os, time\nopen("/tmp/looping", "w").close()\nwhile True: time.sleep(0.01)', {kernelName})
      await until(async () => (await ask(machine, '/api/contents/tmp/looping?content=0')).ok, () => 'it does not start')
      assert.equal((await ask(machine, `/api/kernels/${id}/interrupt`, {method: 'POST'})).status, 204)
      assert.match((await endless).error ?? '', /^KeyboardInterrupt/)
      assert.equal((await ask(machine, '/api/contents/tmp/looping', {method: 'DELETE'})).status, 204)
    })
  }

  it('keeps what is written on it off the host: packages, devices, the system', async () => {
    const {text} = await runCode(machine, `
import os, sys
for place in (sys.prefix, '/usr/local/lib', '/etc', '/tmp', '/dev/shm', '/root'):
    open(os.path.join(place, 'cgpu-emulator-was-here'), 'w').close()
print(sys.prefix, sorted(set(os.listdir('/dev')) & {'mem', 'kmsg', 'vda', 'sda', 'nvme0n1'}), os.access('/sys/kernel', os.W_OK))
`)
    const [prefix = '', ...rest] = text.trim().split(' ')
    assert.deepEqual(rest, ['[]', 'False'])
    for (const place of [prefix, '/usr/local/lib', '/etc', '/tmp', '/dev/shm', '/root']) assert.ok(!existsSync(join(place, 'cgpu-emulator-was-here')), place)
  })

  describe('channels of a kernel', () => {
    let id: string
    const message = (type: string, content: object, date: string, more: object): string => JSON.stringify({
      header: {msg_id: randomUUID(), msg_type: type, username: 'u', session: 's', date, version: '5.3'}, parent_header: {}, metadata: {}, content, ...more,
    })
    const run = {code: 'print(6 * 7)', silent: false, store_history: false, user_expressions: {}, allow_stdin: true, stop_on_error: true}

    before(async () => {
      id = ((await (await ask(machine, '/api/kernels', {method: 'POST', json: {name: 'python3', path: null}})).json()) as {id: string}).id
    })

    it('take both forms of dates and messages without a channel; what they send names type and id at the top', async () => {
      const {socket, heard} = await socketOf(machine, `/api/kernels/${id}/channels?session_id=s&token=good`)
      assert.equal(socket.protocol, '')
      const replies = (): Record<string, unknown>[] => heard.map((frame) => JSON.parse(String(frame)) as Record<string, unknown>).filter((one) => one['msg_type'] === 'execute_reply')
      socket.send(message('execute_request', run, '2026-11-22T10:00:00.000Z', {channel: 'shell'}))
      socket.send(message('execute_request', run, '2026-11-22 10:00:00.123456+00:00', {}))
      await until(() => replies().length === 2, () => heard.join('\n'))
      for (const reply of replies()) assert.deepEqual([reply['channel'], typeof reply['msg_id']], ['shell', 'string'])
      // an input_reply that went to shell would leave the cell waiting
      socket.send(message('execute_request', {...run, code: 'print("got " + input("?"))'}, '2026-11-22T10:00:00.000Z', {}))
      await until(() => heard.some((frame) => String(frame).includes('"input_request"')), () => heard.join('\n'))
      socket.send(message('input_reply', {status: 'ok', value: 'this'}, '2026-11-22T10:00:00.000Z', {}))
      await until(() => heard.some((frame) => String(frame).includes('got this')), () => heard.join('\n'))
      socket.close()
    })

    it('stay open when their token expires, unless a fault closes them', async () => {
      bed.verdicts.set('cpu-proxy:8080:short', 'ok')
      const open = async (): Promise<WebSocket> => {
        const socket = new WebSocket(`${machine.url.replace('http', 'ws')}/api/kernels/${id}/channels?token=short`)
        await new Promise((resolve) => socket.once('open', resolve))
        return socket
      }
      const socket = await open()
      bed.verdicts.set('cpu-proxy:8080:short', 'expired')
      await new Promise((resolve) => {
        socket.once('pong', resolve)
        socket.ping()
      })
      closeExpired = true
      await until(() => socket.readyState === WebSocket.CLOSED, () => 'it is still open')
      closeExpired = false
    })
  })

  it('refuses connections once the machine is stopped, as often as that is asked', async () => {
    const other = await bed.start('cpu-short')
    await Promise.all([other.stop(), other.stop()])
    await assert.rejects(fetch(other.url))
  })
})
