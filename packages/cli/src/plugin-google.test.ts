import assert from 'node:assert/strict'
import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import type {CgpuCommand} from '@cgpu/plugin-sdk'
import {googleAccess} from './plugin-google.ts'

const driveFile = 'https://www.googleapis.com/auth/drive.file'

describe('a Google account for a plugin', () => {
  let home: string
  let server: Server
  let url = ''
  const asked: string[] = []
  const told: string[] = []
  const before_ = {...process.env}
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'cgpu-plugin-google-'))
    server = createServer((request, response) => void text(request).then((body) => {
      asked.push([request.method, request.url, request.headers.authorization, body].join(' '))
      if (request.url === '/tokeninfo') return response.end(JSON.stringify({email: 'me@example.com', scope: `email ${driveFile}`, expires_in: 3000}))
      response.statusCode = request.url === '/drive/v3/refused' ? 401 : request.url === '/drive/v3/away' ? 302 : 200
      return response.setHeader('location', 'https://example.com/').end('an answer')
    })).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    Object.assign(process.env, {CGPU_COLAB_EMULATOR: url, CGPU_TOKEN: 'a-token', CGPU_CONFIG_DIR: home, CGPU_DATA_DIR: home, CGPU_CACHE_DIR: home})
  })
  after(async () => {
    for (const name of Object.keys(process.env)) if (!(name in before_)) delete process.env[name]
    Object.assign(process.env, before_)
    server.closeAllConnections()
    server.close()
    await rm(home, {recursive: true, force: true})
  })
  const command = {config: {configDir: '', dataDir: '', cacheDir: ''}, warn: (line: string) => told.push(line), trace: (line: string) => told.push(line)} as unknown as CgpuCommand

  it('sends the token to the host of Drive, and to nobody else', async () => {
    const access = await googleAccess(command, {scopes: ['https://www.googleapis.com/auth/drive', driveFile]})
    assert.deepEqual([access.account.email, access.drive, access.colab], ['me@example.com', url, url])
    asked.length = 0
    const answer = await access.fetch(`${url}/drive/v3/files?q=1`, {method: 'POST', body: 'a body'})
    assert.deepEqual([answer.status, answer.text(), asked], [200, 'an answer', ['POST /drive/v3/files?q=1 Bearer a-token a body']])
    assert.equal((await access.fetch(`${url}/drive/v3/away`)).status, 302)
    for (const other of ['https://example.com/drive/v3/files', url.replace('127.0.0.1', 'localhost'), url.replace('http:', 'https:')]) await assert.rejects(access.fetch(other), {code: 'HOST_NOT_GOOGLE', exit: 69}, other)
    await assert.rejects(access.fetch(`${url}/drive/v3/refused`), {code: 'SIGN_IN_EXPIRED', exit: 67})
    assert.ok(!told.join().includes('a-token') && told.some((line) => /^POST 127\.0\.0\.1:\d+\/drive\/v3\/files 200 \d+ ms$/.test(line)), told.join('\n'))
    await assert.rejects(access.fetch(`${url}/drive/v3/files`, {signal: AbortSignal.abort(new Error('enough'))}), /enough/)
  })

  it('is refused without one of the scopes', async () => {
    await assert.rejects(googleAccess(command, {scopes: ['https://www.googleapis.com/auth/drive']}), {code: 'SCOPE_MISSING', exit: 67})
  })
})
