import assert from 'node:assert/strict'
import {queryValues, requestTarget, withoutQuery} from './target.ts'

describe('the target of a request', () => {
  const cases: [string, string | undefined][] = [
    ['/', '/'],
    ['/api/kernels', '/api/kernels'],
    ['/api/contents/a%20b%2Fc.txt', '/api/contents/a%20b%2Fc.txt'],
    ['/files/..a/b..', '/files/..a/b..'],
    ['//evil.example/x', '/evil.example/x'],
    ['////evil.example', '/evil.example'],
    ['http://evil.example/', undefined],
    ['*', undefined],
    ['evil.example:443', undefined],
    ['/..', undefined],
    ['/a/../b', undefined],
    ['/a/%2e%2e/b', undefined],
    ['/a/.%2E/b', undefined],
    ['/a/./b', undefined],
    ['/\\evil.example', undefined],
    ['/%5cevil.example', undefined],
    ['/a%0d%0ahost:x', undefined],
    ['/a%00', undefined],
    ['/a#b', undefined],
  ]
  for (const [given, path] of cases) {
    it(`${given} is ${path ?? 'refused'}`, () => assert.equal(requestTarget(given)?.path, path))
  }

  it('keeps its query apart', () => {
    assert.deepEqual(requestTarget('/lab?next=/../x?y'), {path: '/lab', query: 'next=/../x?y'})
  })

  it('finds parameters and takes them out, however they are written', () => {
    assert.deepEqual(queryValues('a=1&token=x%20y&tok%65n=z', 'token'), ['x y', 'z'])
    assert.equal(withoutQuery('a=%7e+1&token=x&tok%65n=z&b&token&=c', ['token']), 'a=%7e+1&b&=c')
    assert.equal(withoutQuery('', ['token']), '')
  })
})
