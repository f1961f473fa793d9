import assert from 'node:assert/strict'
import {requestTarget} from './target.ts'

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
    assert.equal(requestTarget('/lab?token=a&x=%2F..')?.query.get('token'), 'a')
    assert.equal(requestTarget('/lab?next=/../x')?.path, '/lab')
  })
})
