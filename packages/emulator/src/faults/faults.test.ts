import assert from 'node:assert/strict'
import {request as httpRequest} from 'node:http'
import WebSocket, {WebSocketServer} from 'ws'
import type {SiteHandler} from '../contract.ts'
import {HttpFrame} from '../frame/frame.ts'
import {RequestLog} from '../frame/request-log.ts'
import {createDice} from '../world/dice.ts'
import {Faults} from './faults.ts'
import type {FaultRuleInput} from './rule.ts'

const real = {endpoint: 'm-1', balance: 7, free: true, list: [1, 'a'], inner: {name: 'x'}}

describe('faults', () => {
  let frame: HttpFrame
  let faults: Faults
  let log: RequestLog
  let url: string
  /** requests that the handler answered */
  let handled: string[]
  const handler: SiteHandler = {
    request(request, response) {
      request.resume()
      handled.push(request.url ?? '')
      response.writeHead(200, {'content-type': 'application/json'}).end(request.url?.startsWith('/xssi') ? `)]}'\n${JSON.stringify(real)}` : JSON.stringify(real))
    },
    upgrade: (request, socket, head) => new WebSocketServer({noServer: true}).handleUpgrade(request, socket, head, (client) => client.send('x'.repeat(5000))),
  }
  beforeEach(async () => {
    handled = []
    faults = new Faults(createDice('seed'))
    log = new RequestLog()
    frame = new HttpFrame({log, now: () => 0, fault: (call) => faults.meet(call)})
    ;({url} = await frame.listen('control', handler))
  })
  afterEach(() => frame.close())

  /** Status, headers and text, or the code of the connection's error. */
  const call = (path = '/a', options: {method?: string} = {}): Promise<{status: number; headers: NodeJS.Dict<string | string[]>; text: string; error?: string}> =>
    new Promise((resolve) => {
      let answered = false
      const request = httpRequest(`${url}${path}`, {...options, agent: false}, (response) => {
        answered = true
        const chunks: Buffer[] = []
        const done = (error?: string): void => resolve({status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString(), ...(error === undefined ? {} : {error})})
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => done()).on('error', (error: NodeJS.ErrnoException) => done(error.code))
      })
      // with an answer under way, it tells as well
      request.on('error', (error: NodeJS.ErrnoException) => answered || resolve({status: 0, headers: {}, text: '', error: error.code ?? error.message}))
      request.end()
    })
  const once = (what: FaultRuleInput['do']): void => void faults.add({match: {count: 1}, do: what})

  it('answers with a status, Retry-After and a body of choice', async () => {
    once({status: 429, retryAfter: 7, body: {error: 'slow down'}})
    const first = await call()
    assert.deepEqual([first.status, first.headers['retry-after'], first.text], [429, '7', '{"error":"slow down"}'])
    assert.deepEqual(handled, [])
    assert.equal((await call()).status, 200)
    assert.deepEqual(log.query().map(({fault}) => fault), ['fault-1', undefined])
  })

  it('answers as Google does when no body is given', async () => {
    once({status: 503})
    assert.equal((JSON.parse((await call()).text) as {error: {code: number}}).error.code, 503)
  })

  it('waits before the real answer', async () => {
    once({latency: 80})
    const started = performance.now()
    assert.equal((await call()).status, 200)
    assert.ok(performance.now() - started >= 75)
  })

  it('resets the connection before the emulator did anything', async () => {
    once({drop: 'before'})
    assert.equal((await call()).error, 'ECONNRESET')
    assert.deepEqual(handled, [])
  })

  it('loses the answer after the emulator did everything', async () => {
    once({drop: 'after'})
    const {error, text} = await call('/assign', {method: 'POST'})
    assert.equal(error, 'ECONNRESET')
    assert.equal(text, '')
    assert.deepEqual(handled, ['/assign'])
  })

  it('cuts the body after so many bytes', async () => {
    once({cutAfter: 10})
    const {status, text, error} = await call()
    assert.deepEqual([status, text, error], [200, JSON.stringify(real).slice(0, 10), 'ECONNRESET'])
  })

  it('drips the real answer whole', async () => {
    once({dripBytesPerSecond: 2000})
    const started = performance.now()
    const {text} = await call()
    assert.deepEqual(JSON.parse(text), real)
    assert.ok(performance.now() - started > 60, 'some 200 bytes at 2000 a second')
  })

  it('never answers when frozen, and does not hang up', async () => {
    once({freeze: true})
    const request = httpRequest(`${url}/a`, {agent: false})
    const outcome = new Promise<string>((resolve) => request.on('error', () => resolve('error')).on('response', () => resolve('answer')))
    request.end()
    assert.equal((await call()).status, 200)
    assert.equal((await call()).status, 200)
    assert.equal(await Promise.race([outcome, Promise.resolve('silence')]), 'silence')
    request.destroy()
    await outcome
  })

  it('shows a captive portal', async () => {
    once({html: true})
    const {status, headers, text} = await call()
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /text\/html/)
    assert.match(text, /<h1>/)
  })

  it('leads to another origin', async () => {
    once({redirect: 'http://127.0.0.2:1/elsewhere', status: 307})
    const {status, headers} = await call()
    assert.deepEqual([status, headers['location']], [307, 'http://127.0.0.2:1/elsewhere'])
  })

  for (const path of ['/plain', '/xssi']) {
    it(`breaks the JSON of ${path} behind its prefix`, async () => {
      once({malformed: true})
      const {status, text} = await call(path)
      assert.equal(status, 200)
      assert.equal(text.startsWith(")]}'\n"), path === '/xssi')
      assert.throws(() => JSON.parse(text.replace(")]}'\n", '')) as unknown)
      assert.deepEqual(handled, [path])
    })

    it(`gives the values of ${path} other types`, async () => {
      once({wrongTypes: true})
      const {text} = await call(path)
      assert.deepEqual(JSON.parse(text.replace(")]}'\n", '')), {endpoint: 42, balance: '7', free: 'yes', list: {}, inner: {name: 42}})
    })
  }

  it('sends giant JSON', async () => {
    once({giant: 3_000_000})
    const {text} = await call()
    assert.equal(text.length, 3_000_000)
    assert.equal((JSON.parse(text) as {padding: string}).padding.length, 3_000_000 - 14)
  })

  it('adds headers to the real answer', async () => {
    once({headers: {'x-more': 'yes'}})
    const {headers, text} = await call()
    assert.equal(headers['x-more'], 'yes')
    assert.deepEqual(JSON.parse(text), real)
  })

  describe('on WebSockets', () => {
    const handshake = (): Promise<{outcome: string; got: number}> => new Promise((resolve) => {
      const client = new WebSocket(url.replace('http', 'ws'))
      let outcome = 'never opened'
      let got = 0
      client.on('open', () => (outcome = 'opened')).on('message', (data: Buffer) => (got = data.length, client.close()))
      client.on('error', (error) => (outcome += `, ${error.message}`)).on('close', () => resolve({outcome, got}))
    })

    it('answers with a status instead of the handshake', async () => {
      once({status: 503})
      assert.match((await handshake()).outcome, /never opened.*503/)
    })

    it('resets before the handshake, and after it', async () => {
      once({drop: 'before'})
      assert.match((await handshake()).outcome, /never opened/)
      once({drop: 'after'})
      const {outcome, got} = await handshake()
      assert.match(outcome, /opened/)
      assert.equal(got, 0)
    })

    it('cuts a frame in the middle', async () => {
      once({cutAfter: 1000})
      const {outcome, got} = await handshake()
      assert.match(outcome, /^opened/)
      assert.equal(got, 0)
    })

    it('drips a frame whole', async () => {
      once({dripBytesPerSecond: 100_000})
      assert.equal((await handshake()).got, 5000)
    })
  })

  describe('match', () => {
    const struck = async (match: FaultRuleInput['match'], paths: string[], method = 'GET'): Promise<boolean[]> => {
      faults.add({...(match === undefined ? {} : {match}), do: {status: 418}})
      const found: boolean[] = []
      for (const path of paths) found.push((await call(path, {method})).status === 418)
      return found
    }
    it('takes * within a segment and ** over several', async () => {
      assert.deepEqual(await struck({path: '/tun/m/*/keep-alive/'}, ['/tun/m/e-1/keep-alive/?authuser=0', '/tun/m/a/b/keep-alive/']), [true, false])
      faults.clear()
      assert.deepEqual(await struck({path: '/tun/**'}, ['/tun/m/a/b/keep-alive/', '/v1/x']), [true, false])
    })
    it('takes a regular expression, a site, members of the query', async () => {
      assert.deepEqual(await struck({pathRegex: 'assign$', site: 'cont*', query: {variant: 'GPU'}}, ['/tun/m/assign?variant=GPU', '/tun/m/assign', '/x?variant=GPU']), [true, false, false])
    })
    it('takes a method and another site not at all', async () => {
      assert.deepEqual(await struck({method: 'post'}, ['/a']), [false])
      assert.deepEqual(await struck({site: 'runtime:*'}, ['/a']), [false])
    })
    it('skips, then counts', async () => {
      assert.deepEqual(await struck({skip: 1, count: 2}, ['/1', '/2', '/3', '/4']), [false, true, true, false])
      assert.deepEqual(faults.list().map(({matched, struck: times}) => [matched, times]), [[4, 2]])
    })
    it('strikes by chance, the same way for the same seed', async () => {
      const paths = Array.from({length: 24}, (_, i) => `/${i}`)
      const first = await struck({probability: 0.5}, paths)
      faults = new Faults(createDice('seed'))
      assert.deepEqual(await struck({probability: 0.5}, paths), first)
      assert.ok(first.includes(true) && first.includes(false))
    })
  })

  it('lets the first rule that strikes have the call', async () => {
    faults.add({id: 'one', match: {count: 1}, do: {status: 418}})
    faults.add({id: 'two', do: {status: 503}})
    assert.deepEqual([(await call()).status, (await call()).status], [418, 503])
    faults.remove('two')
    assert.equal((await call()).status, 200)
  })

  it('refuses a rule that says nothing, two things, or an unknown one', () => {
    assert.throws(() => faults.add({do: {}}), /must say what happens/)
    assert.throws(() => faults.add({do: {drop: 'before', status: 500}}), /exclude each other/)
    assert.throws(() => faults.add({do: {explode: true} as never}), /explode/)
    assert.throws(() => faults.add({do: {retryAfter: 5}}), /needs a status/)
    assert.throws(() => faults.add({match: {pathRegex: '('}, do: {status: 500}}), /regular expression/)
  })

  it('refuses an id twice and knows which are there', () => {
    faults.add({id: 'one', do: {status: 500}})
    assert.throws(() => faults.add({id: 'one', do: {status: 500}}), {code: 'FAULT_EXISTS'})
    assert.throws(() => faults.remove('two'), {code: 'FAULT_NOT_FOUND'})
  })
})
