import assert from 'node:assert/strict'
import {request} from 'node:http'
import {refusal} from '../../../test/helpers/accounts-bed.ts'
import {listen, type Loopback} from './loopback.ts'

interface Reply {
  status: number
  headers: Record<string, unknown>
  body: string
}

/** A request as node sends it, with any method, path and headers. */
function ask(url: string, {method = 'GET', headers = {}}: {method?: string; headers?: Record<string, string>} = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {method, headers}, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk)).on('end', () => resolve({status: response.statusCode ?? 0, headers: response.headers, body}))
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('the loopback listener', () => {
  let loopback: Loopback
  const at = (query: string): string => `${loopback.redirectUri}?${query}`
  beforeEach(async () => {
    loopback = await listen({state: 'the-state', timeoutMs: 60_000})
  })
  afterEach(() => loopback.close())

  it('hands over the callback, and shows a page that is the same whatever was sent', async () => {
    const evil = '<script>alert(1)</script>'
    const page = await ask(at(`state=the-state&code=c&evil=${encodeURIComponent(evil)}`))
    assert.equal((await loopback.callback).searchParams.get('code'), 'c')
    assert.equal(page.status, 200)
    assert.doesNotMatch(page.body, /script|code=|the-state/)
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/)
    assert.deepEqual([page.headers['referrer-policy'], page.headers['cache-control'], page.headers['connection']], ['no-referrer', 'no-store', 'close'])
  })

  it('hands over a refusal', async () => {
    await ask(at('state=the-state&error=access_denied'))
    assert.equal((await loopback.callback).searchParams.get('error'), 'access_denied')
  })

  const passedOver: [string, string, object?][] = [
    ['another state', 'state=another&code=c'], ['no state', 'code=c'], ['a state twice', 'state=the-state&state=the-state&code=c'],
    ['no code', 'state=the-state'], ['two codes', 'state=the-state&code=a&code=b'], ['an error without the state', 'error=access_denied'],
  ]
  for (const [name, query] of passedOver) {
    it(`refuses ${name}, and goes on waiting`, async () => {
      assert.equal((await ask(at(query))).status, 400)
      assert.equal((await ask(at('state=the-state&code=right'))).status, 200)
      assert.equal((await loopback.callback).searchParams.get('code'), 'right')
    })
  }

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
    it(`answers ${method} with 405`, async () => {
      const {status, headers} = await ask(at('state=the-state&code=c'), {method})
      assert.deepEqual([status, headers['allow']], [405, 'GET'])
    })
  }

  it('has nothing at other paths', async () => {
    const {origin} = new URL(loopback.redirectUri)
    for (const path of ['/', '/favicon.ico', '/callback', '/callback/', '//', '/callback/000000000000?state=the-state&code=c']) {
      assert.equal((await ask(`${origin}${path}`)).status, 404, path)
    }
  })

  it('does not answer to another name', async () => {
    for (const host of ['localhost', 'evil.example', '127.0.0.1', `localhost:${new URL(loopback.redirectUri).port}`]) {
      assert.equal((await ask(at('state=the-state&code=c'), {headers: {host}})).status, 421, host)
    }
  })

  it('takes one callback only', async () => {
    assert.equal((await ask(at('state=the-state&code=first'))).status, 200)
    assert.equal((await ask(at('state=the-state&code=second'))).status, 400)
    assert.equal((await loopback.callback).searchParams.get('code'), 'first')
  })

  it('takes a pasted address as well', async () => {
    assert.match(loopback.offer('hello') ?? '', /not the address that Google sends back/)
    assert.match(loopback.offer(at('state=other&code=c')) ?? '', /another sign-in/)
    assert.match(loopback.offer('http://[') ?? '', /not an address/)
    assert.equal(loopback.offer(`  ${at('state=the-state&code=pasted')}\n`), undefined)
    assert.equal((await loopback.callback).searchParams.get('code'), 'pasted')
    assert.match(loopback.offer(at('state=the-state&code=again')) ?? '', /given already/)
  })

  it('refuses connections once it is closed', async () => {
    await loopback.close()
    await assert.rejects(ask(at('state=the-state&code=c')), {code: 'ECONNREFUSED'})
  })

  it('gives up when the time is over', async () => {
    const short = await listen({state: 's', timeoutMs: 20})
    await assert.rejects(short.callback, refusal('SIGN_IN_TIMEOUT', 67))
    await short.close()
  })

  it('gives up when it is told to', async () => {
    const controller = new AbortController()
    const told = await listen({state: 's', timeoutMs: 60_000, signal: controller.signal})
    controller.abort(new Error('told to'))
    await assert.rejects(told.callback, /told to/)
    await told.close()
  })

  it('says when the only port that a client allows is taken', async () => {
    const {port} = new URL(loopback.redirectUri)
    await assert.rejects(listen({state: 's', timeoutMs: 60_000, redirectUri: `http://127.0.0.1:${port}/back`}), refusal('PORT_TAKEN', 69))
  })
})
