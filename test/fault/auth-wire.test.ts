import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {createServer, type RequestListener} from 'node:http'
import {createServer as createTlsServer} from 'node:https'
import type {AddressInfo, Server} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {sender} from '@cgpu/accounts'
import {refusal} from '../helpers/accounts-bed.ts'

const quick = sender({connectMs: 500, answerMs: 500})
/** Where it is not about the time. */
const patient = sender({connectMs: 20_000, answerMs: 20_000})
const form = {refresh_token: 'a-refresh-token'}

describe('the way to the token endpoint', () => {
  const servers: Server[] = []
  const listen = async (server: Server): Promise<number> => {
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port // listening on TCP
  }
  const http = async (answer: RequestListener): Promise<string> => {
    const server = createServer(answer)
    return `http://127.0.0.1:${await listen(server)}/token`
  }
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  describe('row 34: slow answers', () => {
    it('no headers', async () => {
      await assert.rejects(quick({method: 'POST', url: await http(() => {}), form}), refusal('GOOGLE_UNREACHABLE', 69, /did not answer within 0\.5 s/))
    })
    it('a body that drips: the whole answer has one limit', async () => {
      const url = await http((_, response) => {
        const drip = setInterval(() => response.write(' '), 50)
        response.on('close', () => clearInterval(drip))
      })
      const started = performance.now()
      await assert.rejects(quick({method: 'POST', url, form}), refusal('GOOGLE_UNREACHABLE', 69))
      assert.ok(performance.now() - started < 20_000)
    })
    it('a connection that is cut in the middle', async () => {
      const url = await http((_, response) => {
        response.writeHead(200, {'content-length': '1000'})
        response.write('{"access_token":')
        setImmediate(() => response.destroy())
      })
      await assert.rejects(patient({method: 'POST', url, form}), refusal('GOOGLE_UNREACHABLE', 69, /cut/))
    })
  })

  describe('row 35: certificates', () => {
    let folder: string
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'cgpu-tls-'))
      const at = (name: string): string => join(folder, name)
      const make = (name: string, subject: string, ...more: string[]): void => {
        execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=test', '-addext', `subjectAltName=${subject}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), ...more], {stdio: 'ignore'})
      }
      make('self-signed', 'IP:127.0.0.1', '-days', '2')
      make('of another host', 'DNS:elsewhere.example', '-days', '2')
    })
    after(() => rmSync(folder, {recursive: true, force: true}))

    for (const name of ['self-signed', 'of another host']) {
      it(`${name}: nothing is sent, and it says how to trust an authority of one's own`, async () => {
        let reached = 0
        const [key, cert] = ['key', 'pem'].map((kind) => readFileSync(join(folder, `${name}.${kind}`)))
        const port = await listen(createTlsServer({key: key!, cert: cert!}, () => reached++))
        await assert.rejects(patient({method: 'POST', url: `https://127.0.0.1:${port}/token`, form}), refusal('TLS_NOT_TRUSTED', 69, /NODE_EXTRA_CA_CERTS/))
        assert.equal(reached, 0)
      })
    }

    it('no TLS at all', async () => {
      const url = (await http((_, response) => response.end())).replace('http:', 'https:')
      await assert.rejects(patient({method: 'POST', url, form}), refusal('GOOGLE_UNREACHABLE', 69, /does not speak TLS/))
    })
  })

  it('row 38: a name that is not known', async () => {
    await assert.rejects(sender()({method: 'GET', url: 'https://nowhere.invalid/token'}), refusal('GOOGLE_UNREACHABLE', 69, /nowhere\.invalid cannot be reached/))
  })

  it('row 38: an address that does not answer', async () => {
    // TEST-NET-1 (RFC 5737) is routed nowhere; a machine without a network says so at once
    await assert.rejects(quick({method: 'GET', url: 'http://192.0.2.1/token'}), refusal('GOOGLE_UNREACHABLE', 69))
  })
})
