import assert from 'node:assert/strict'
import {endToEnd, withHeaders} from './headers.ts'

describe('headers of a proxied message', () => {
  it('leave out what is the connection’s own', () => {
    const raw = ['Host', 'a', 'Connection', 'keep-alive, X-Own', 'X-Own', '1', 'Upgrade', 'h2c', 'TE', 'trailers', 'Accept', '*/*', 'Transfer-Encoding', 'chunked']
    assert.deepEqual({...endToEnd(raw)}, {accept: '*/*'})
  })

  it('keep a length that somebody calls the connection’s own', () => {
    assert.deepEqual({...endToEnd(['Connection', 'content-length', 'Content-Length', '5'])}, {'content-length': '5'})
  })

  it('keep each of several', () => {
    assert.deepEqual(endToEnd(['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'Set-Cookie', 'c=3'])['set-cookie'], ['a=1', 'b=2', 'c=3'])
  })

  it('are replaced and taken away whatever their case, and may have any name', () => {
    const headers = withHeaders(endToEnd(['__proto__', 'x', 'Authorization', 'mine', 'Cookie', 'c']), {'AUTHORIZATION': 'theirs', cookie: undefined})
    assert.deepEqual(Object.entries(headers), [['__proto__', 'x'], ['authorization', 'theirs']])
  })
})
