import assert from 'node:assert/strict'
import {ProxyError} from './error.ts'
import {proxyFor} from './route.ts'

const proxy = 'http://proxy.example:3128'
const way = (url: string, env: Record<string, string>): string | undefined => proxyFor(new URL(url), env)?.name

describe('which proxy leads where', () => {
  it('goes by the scheme of what is reached', () => {
    const env = {HTTPS_PROXY: 'http://secure:1', HTTP_PROXY: 'http://plain:2'}
    assert.equal(way('https://a.example', env), 'secure:1')
    assert.equal(way('wss://a.example', env), 'secure:1')
    assert.equal(way('http://a.example', env), 'plain:2')
    assert.equal(way('ws://a.example', env), 'plain:2')
    assert.equal(way('https://a.example', {HTTP_PROXY: proxy}), undefined)
  })

  it('takes ALL_PROXY where there is nothing nearer, and lower case first', () => {
    assert.equal(way('http://a.example', {ALL_PROXY: 'http://all:3'}), 'all:3')
    assert.equal(way('https://a.example', {ALL_PROXY: 'http://all:3', HTTPS_PROXY: 'http://own:1'}), 'own:1')
    assert.equal(way('https://a.example', {https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:1'}), 'lower:1')
    assert.equal(way('https://a.example', {https_proxy: '', HTTPS_PROXY: 'http://upper:1'}), 'upper:1')
    assert.equal(way('https://a.example', {}), undefined)
  })

  it('reads addresses as they are written', () => {
    const read = (value: string): unknown => {
      const found = proxyFor(new URL('https://a.example'), {HTTPS_PROXY: value})
      return found && [found.host, found.port, found.tls, found.name]
    }
    assert.deepEqual(read('proxy.example:3128'), ['proxy.example', 3128, false, 'proxy.example:3128'])
    assert.deepEqual(read(' http://proxy.example/ '), ['proxy.example', 80, false, 'proxy.example:80'])
    assert.deepEqual(read('https://proxy.example'), ['proxy.example', 443, true, 'proxy.example:443'])
    assert.deepEqual(read('http://[::1]:8080'), ['::1', 8080, false, '[::1]:8080'])
  })

  it('keeps the credentials apart from the name', () => {
    const of = (value: string): string | undefined => proxyFor(new URL('https://a.example'), {HTTPS_PROXY: value})?.authorization
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
    assert.equal(of('http://me:p%40ss%3Aword@proxy:1'), basic('me:p@ss:word'))
    assert.equal(of('http://me@proxy:1'), basic('me:'))
    assert.equal(of('http://me:100%@proxy:1'), basic('me:100%'))
    assert.equal(of('http://proxy:1'), undefined)
    assert.equal(way('https://a.example', {HTTPS_PROXY: 'http://me:secret@proxy:1'}), 'proxy:1')
  })

  it('never leads to loopback', () => {
    for (const host of ['localhost', 'app.localhost', '127.0.0.1', '127.8.9.1', '[::1]']) {
      assert.equal(way(`http://${host}:8888`, {ALL_PROXY: proxy}), undefined, host)
    }
    assert.equal(way('http://127.example', {ALL_PROXY: proxy}), 'proxy.example:3128')
    assert.equal(way('http://notlocalhost', {ALL_PROXY: proxy}), 'proxy.example:3128')
  })

  const excepted: [string, string, boolean][] = [
    ['*', 'https://a.example', true],
    ['other, *', 'https://a.example', true],
    ['example.org', 'https://example.org', true],
    ['example.org', 'https://a.b.example.org', true],
    ['EXAMPLE.org', 'https://a.Example.ORG', true],
    ['example.org', 'https://notexample.org', false],
    ['.example.org', 'https://a.example.org', true],
    ['.example.org', 'https://example.org', true],
    ['*.example.org', 'https://a.example.org', true],
    ['example.org:8443', 'https://example.org:8443', true],
    ['example.org:8443', 'https://example.org', false],
    ['example.org:443', 'https://example.org', true],
    ['a.example b.example', 'https://b.example', true],
    ['example.org.', 'https://example.org', true],
    ['10.1.2.3', 'http://10.1.2.3:8888', true],
    ['2.3', 'http://10.1.2.3', false],
    ['10.0.0.0/8', 'http://10.200.0.1', true],
    ['10.0.0.0/8', 'http://11.0.0.1', false],
    ['10.0.0.0/99', 'http://10.0.0.1', false],
    ['10.0.0.0/', 'http://10.0.0.1', false],
    ['fd00::/8', 'http://[fd12::1]', true],
    ['fd12::1', 'http://[fd12::1]', true],
    ['[fd12::1]:80', 'http://[fd12::1]', true],
    ['[fd12::1]:81', 'http://[fd12::1]', false],
    ['10.0.0.0/8', 'https://ten.example', false],
    [', ,', 'https://a.example', false],
    ['.', 'https://a.example', false],
  ]
  for (const [list, url, direct] of excepted) {
    it(`NO_PROXY="${list}" ${direct ? 'leaves out' : 'is not about'} ${url}`, () => {
      assert.equal(way(url, {ALL_PROXY: proxy, NO_PROXY: list}), direct ? undefined : 'proxy.example:3128')
      assert.equal(way(url, {ALL_PROXY: proxy, no_proxy: list}), direct ? undefined : 'proxy.example:3128')
    })
  }

  for (const value of ['socks5://me:secret@proxy:1080', 'http://me:secret@', 'http://me:secret@proxy:99999', 'ftp://proxy', '::secret::']) {
    it(`refuses ${value}, and does not repeat it`, () => {
      assert.throws(() => way('https://a.example', {HTTPS_PROXY: value}), (error: unknown) => {
        assert.ok(error instanceof ProxyError)
        assert.equal(error.proxy.code, 'PROXY_INVALID')
        assert.match(`${error.message} ${error.proxy.fix}`, /HTTPS_PROXY/)
        assert.doesNotMatch(`${error.message} ${error.proxy.fix}`, /secret/)
        assert.equal(error.retryable, false)
        return true
      })
      assert.equal(way('https://a.example', {HTTPS_PROXY: value, NO_PROXY: 'a.example'}), undefined)
    })
  }
})
