import assert from 'node:assert/strict'
import {endToEnd, type HeaderMap} from '../reverse-proxy/headers.ts'
import {outgoingPath, placeOf, rewriting} from './rewrite.ts'

const closed = placeOf('trainer', {url: 'https://hub.example/user/me', token: 'theirs-0123456789abcdef'})
const open = placeOf('trainer', {url: 'http://box:8888'})
const out = (place: typeof closed, ...raw: string[]): HeaderMap => ({...rewriting(place, 'ours', '/user/me/lab').outgoing?.(endToEnd(raw))})
const back = (status: number, ...raw: string[]): ReturnType<NonNullable<ReturnType<typeof rewriting>['incoming']>> | undefined => rewriting(closed, 'ours', '/user/me/lab').incoming?.({status, headers: endToEnd(raw)})

describe('what a Jupyter proxy sends on', () => {
  it('holds nothing of the client’s credentials, nor of other local servers’ cookies', () => {
    const sent = out(closed, 'Authorization', 'token ours', 'Cookie', 'username-127-0-0-1-8888=secret; _xsrf=x; cgpu-jupyter-1=y', 'X-Forwarded-For', '1.2.3.4', 'Accept', '*/*')
    assert.deepEqual(sent, {cookie: '_xsrf=x', accept: '*/*'})
    assert.equal(outgoingPath('/a', 'token=ours&colab-runtime-proxy-token=z&authuser=0&q=%2f'), '/a?q=%2f')
    assert.equal(outgoingPath('/a', 'token=ours'), '/a')
  })

  it('comes from the server’s own page', () => {
    const sent = out(closed, 'Origin', 'http://127.0.0.1:1', 'Referer', 'http://127.0.0.1:1/user/me/lab?token=ours')
    assert.deepEqual(sent, {origin: 'https://hub.example', referer: 'https://hub.example/user/me/'})
  })

  it('satisfies a server that knows no token but guards against forged requests', () => {
    const {cookie, 'x-xsrftoken': header} = out(open, 'Accept', '*/*')
    assert.equal(cookie, `_xsrf=${String(header)}`)
    assert.deepEqual(out(open, 'Cookie', '_xsrf=a', 'X-XSRFToken', 'a'), {cookie: '_xsrf=a', 'x-xsrftoken': 'a'})
  })
})

describe('what a Jupyter proxy answers', () => {
  it('holds no cookie of the server but the one that its pages read, and no trust in other pages', () => {
    const answered = back(200, 'Set-Cookie', 'username-hub=secret; Path=/', 'Set-Cookie', '_xsrf=a; Domain=hub.example; Path=/user/me/; Secure', 'Access-Control-Allow-Origin', '*', 'Strict-Transport-Security', 'max-age=1', 'X-Kept', '1')
    assert.ok(answered && 'headers' in answered && answered.headers)
    assert.deepEqual({...answered.headers}, {'set-cookie': ['_xsrf=a; Path=/user/me/'], 'x-kept': '1'})
  })

  const redirects: [string, string | number][] = [
    ['/user/me/lab', '/user/me/lab'],
    ['https://hub.example/user/me/tree?x=1#y', '/user/me/tree?x=1#y'],
    ['doc', '/user/me/doc'],
    ['/hub/login', 502],
    ['/user/meanwhile', 502],
    ['/user/me/../../hub/login', 502],
    ['https://evil.example/user/me/', 502],
    ['//evil.example/user/me/', 502],
    ['http://hub.example/user/me/', 502],
    ['javascript:alert(1)', 502],
  ]
  for (const [location, expected] of redirects) {
    it(`a redirect to ${location} is ${expected === 502 ? 'refused' : expected}`, () => {
      const answered = back(302, 'Location', location)
      assert.equal(answered && 'message' in answered ? answered.status : answered?.headers['location'], expected)
    })
  }

  it('changes pages and no files', () => {
    const html = {status: 200, headers: endToEnd(['Content-Type', 'text/html', 'Content-Length', '5'])}
    const lengthOf = (path: string): unknown => {
      const answered = rewriting(closed, 'ours', path).incoming?.(html)
      return answered && 'headers' in answered ? answered.headers?.['content-length'] : 'refused'
    }
    assert.deepEqual(['/user/me/lab', '/user/me/files/a.html'].map(lengthOf), [undefined, '5'])
  })

  it('never says that the client’s token is wrong when it is cgpu’s', () => {
    const answered = back(401, 'WWW-Authenticate', 'Bearer')
    assert.ok(answered && 'message' in answered)
    assert.deepEqual([answered.status, answered.message], [503, 'trainer refused the token that cgpu has for it'])
  })
})
