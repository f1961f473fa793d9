import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {CgpuError} from '@cgpu/core/errors'
import {idOf, parseAddress} from './address.ts'

describe('an address as people paste it', () => {
  const given: [string, string, {token?: string; insecure?: boolean}?][] = [
    ['http://127.0.0.1:8888', 'http://127.0.0.1:8888/'],
    ['http://localhost:8888/lab?token=abc', 'http://localhost:8888/', {token: 'abc'}],
    ['http://127.0.0.1:8888/lab/tree/a/b.ipynb?token=abc#x', 'http://127.0.0.1:8888/', {token: 'abc'}],
    ['http://127.0.0.1:8888/tree', 'http://127.0.0.1:8888/'],
    ['https://x.example/base/notebooks/a.ipynb', 'https://x.example/base/'],
    ['https://hub.example/user/me/lab', 'https://hub.example/user/me/'],
    ['https://hub.example/user/lab/lab', 'https://hub.example/user/lab/'],
    ['https://hub.example/jupyter/user/me/server2/tree?', 'https://hub.example/jupyter/user/me/server2/'],
    ['https://hub.example/hub/user/me/', 'https://hub.example/user/me/'],
    ['https://hub.example/user/a%40b.c/lab', 'https://hub.example/user/a%40b.c/'],
    ['https://x.example//base///', 'https://x.example/base/'],
    ['  https://x.example/labs/one/  ', 'https://x.example/labs/one/'],
    ['x.example/base', 'https://x.example/base/'],
    ['x.example:8443', 'https://x.example:8443/'],
    ['localhost:8888/lab', 'http://localhost:8888/'],
    ['127.0.0.1:8888', 'http://127.0.0.1:8888/'],
    ['[::1]:8888', 'http://[::1]:8888/'],
    ['http://lab.lan:8888/', 'http://lab.lan:8888/', {insecure: true}],
    ['HTTPS://X.Example/', 'https://x.example/'],
  ]
  for (const [text, url, {token, insecure = false} = {}] of given) {
    it(`${text} is ${url}`, () => {
      assert.deepEqual(parseAddress(text), {url, insecure, ...(token === undefined ? {} : {token})})
    })
  }

  for (const bad of [
    '', '   ', 'ftp://x', 'file:///etc/passwd', 'javascript://x', 'https://', 'http://[', 'https://a b', 'https://x\u0000y', 'https://x\n.example',
    'https://me:secret@x.example/', 'https://x.example\\@evil.example', `https://${'x'.repeat(5000)}`, 'https://x:99999',
  ]) {
    it(`refuses ${JSON.stringify(bad).slice(0, 40)}`, () => {
      assert.throws(() => parseAddress(bad), (error: unknown) => {
        assert.ok(error instanceof CgpuError)
        assert.deepEqual([error.code, error.exit], ['INVALID_URL', 64])
        assert.ok(error.fix)
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
    })
  }

  it('never keeps a token or a page in the address, and says the same of its own answer', () => {
    fc.assert(
      fc.property(fc.webUrl({withQueryParameters: true, withFragments: true}), fc.stringMatching(/^[a-f0-9]{8,40}$/), (text, token) => {
        const url = new URL(text)
        url.searchParams.set('token', token)
        const address = parseAddress(url.href)
        assert.equal(address.token, token)
        assert.doesNotMatch(address.url, /[?#]/)
        assert.equal(new URL(address.url).origin, url.origin)
        assert.deepEqual(parseAddress(address.url), {url: address.url, insecure: address.insecure})
        assert.match(idOf(address.url), /^[a-z0-9][a-z0-9-]{0,60}$/)
      }),
    )
  })

  it('either answers or refuses, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({unit: 'binary', maxLength: 60}), (text) => {
        try {
          assert.match(parseAddress(text).url, /^https?:\/\/.+\/$/)
        } catch (error) {
          assert.ok(error instanceof CgpuError && error.code === 'INVALID_URL', String(error))
        }
      }),
      {numRuns: 2000},
    )
  })
})
