import assert from 'node:assert/strict'
import {type Caller, Door} from './door.ts'

const token = 'b'.repeat(48)

describe('the door of a Jupyter proxy', () => {
  const door = new Door(token, 5000)
  const caller = (more: Partial<Caller> & {headers?: Caller['headers']} = {}): Caller => ({method: 'GET', query: '', upgrade: false, headers: {}, ...more})
  const first = door.judge(caller({query: `token=${token}`, headers: {accept: 'text/html'}}))
  assert.ok(first.allowed && first.cookie !== undefined)
  const cookie = first.cookie.split(';')[0] ?? ''

  it('gives a browser that opens the address a cookie, which does not hold the token', () => {
    assert.match(first.cookie ?? '', /^cgpu-jupyter-5000=[0-9a-f]{48}; Path=\/; HttpOnly; SameSite=Lax$/)
    assert.ok(!first.cookie?.includes(token))
  })

  const cases: {name: string; caller: Caller; status: number | undefined}[] = [
    {name: 'the token in the header', caller: caller({headers: {authorization: `token ${token}`}}), status: undefined},
    {name: 'the token as a bearer', caller: caller({headers: {authorization: `Bearer ${token}`}}), status: undefined},
    {name: 'the token in the address', caller: caller({query: `a=1&token=${token}`}), status: undefined},
    {name: 'the token in a WebSocket’s address', caller: caller({query: `token=${token}`, upgrade: true}), status: undefined},
    {name: 'no token', caller: caller(), status: 401},
    {name: 'a WebSocket without a token', caller: caller({upgrade: true, headers: {origin: 'http://127.0.0.1:5000'}}), status: 401},
    {name: 'a wrong token', caller: caller({headers: {authorization: `token ${token.slice(1)}c`}}), status: 401},
    {name: 'a beginning of the token', caller: caller({query: `token=${token.slice(0, 20)}`}), status: 401},
    {name: 'an empty token', caller: caller({query: 'token='}), status: 401},
    {name: 'the token and a wrong one', caller: caller({query: `token=${token}&token=x`}), status: 401},
    {name: 'a wrong token with the cookie', caller: caller({headers: {authorization: 'token x', cookie}}), status: 401},
    {name: 'the token as a password', caller: caller({headers: {authorization: `Basic ${Buffer.from(`:${token}`).toString('base64')}`}}), status: 401},
    {name: 'the token as a cookie', caller: caller({headers: {cookie: `cgpu-jupyter-5000=${token}`}}), status: 401},
    {name: 'the cookie of another port', caller: caller({headers: {cookie: cookie.replace('5000', '5001')}}), status: 401},
    {name: 'the cookie as a token', caller: caller({headers: {authorization: `token ${cookie.split('=')[1]}`}}), status: 401},
    {name: 'the cookie, opening a page', caller: caller({headers: {cookie: `a=b; ${cookie}`, accept: 'text/html', 'sec-fetch-site': 'none', 'sec-fetch-dest': 'document'}}), status: undefined},
    {name: 'the cookie, from its own page', caller: caller({method: 'POST', headers: {cookie, 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:5000'}}), status: undefined},
    {name: 'the cookie, from its own page’s WebSocket', caller: caller({upgrade: true, headers: {cookie, origin: 'http://127.0.0.1:5000'}}), status: undefined},
    {name: 'the cookie, with a WebSocket that names no page', caller: caller({upgrade: true, headers: {cookie}}), status: 403},
    {name: 'the cookie, changing something for nobody’s page', caller: caller({method: 'DELETE', headers: {cookie}}), status: 403},
    {name: 'the cookie, from a page of another port', caller: caller({headers: {cookie, 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'script'}}), status: 403},
    {name: 'the cookie, in a frame of another site', caller: caller({headers: {cookie, accept: 'text/html', 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe'}}), status: 403},
    {name: 'the cookie, by a link of another site', caller: caller({headers: {cookie, accept: 'text/html', 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document'}}), status: undefined},
    {name: 'the cookie, posted by a form of another site', caller: caller({method: 'POST', headers: {cookie, accept: 'text/html', 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document', origin: 'null'}}), status: 403},
  ]
  for (const {name, caller: who, status} of cases) {
    it(`${status === undefined ? 'lets in' : `answers ${status} to`} ${name}`, () => {
      const verdict = door.judge(who)
      assert.equal('status' in verdict ? verdict.status : undefined, status)
    })
  }

  it('sends nobody on who has a header, or cannot be', () => {
    for (const who of [
      caller({query: `token=${token}`, headers: {accept: 'text/html', authorization: `token ${token}`}}),
      caller({query: `token=${token}`, headers: {accept: '*/*'}}),
      caller({query: `token=${token}`, method: 'POST', headers: {accept: 'text/html'}}),
      caller({query: `token=${token}`, upgrade: true, headers: {accept: 'text/html'}}),
    ]) assert.deepEqual(door.judge(who), {allowed: true})
  })
})
