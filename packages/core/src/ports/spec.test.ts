import assert from 'node:assert/strict'
import fc from 'fast-check'
import {CgpuError} from '../errors.ts'
import {describeForward, isForwardSpec, parseForward, parseReverse} from './spec.ts'

describe('pairs of ports', () => {
  for (const [text, from, to] of [
    ['8888', '127.0.0.1:8888', '8888'],
    ['8080:8888', '127.0.0.1:8080', '8888'],
    ['0:8888', '127.0.0.1:0', '8888'],
    ['0.0.0.0:8080:8888', '0.0.0.0:8080', '8888'],
    ['[::1]:8080:8888', '[::1]:8080', '8888'],
    ['5432:db.internal:5433', '127.0.0.1:5432', 'db.internal:5433'],
    ['localhost:5432:[fe80::1]:5433', 'localhost:5432', '[fe80::1]:5433'],
    ['80:127.0.0.1:81', '127.0.0.1:80', '127.0.0.1:81'],
  ] as const) {
    it(`${text} leads from ${from} to ${to}`, () => assert.deepEqual(describeForward(parseForward(text)), {from, to}))
  }

  for (const text of ['', ':', '8080:', ':8080', '1:2:3', 'a', 'a:b', 'a:1', '1:a', '1:a:2:b', '65536', '8080:0', '-1:2', '1:65536', '1.5:2', '1:2:3:4:5', '::1:8080:8888', '[::1]8080:8888', '1:[::1:2', 'a b:1:2', '1::2', '00080000:1']) {
    it(`${JSON.stringify(text)} is none`, () => assert.throws(() => parseForward(text), (error: unknown) => error instanceof CgpuError && error.code === 'INVALID_PORT'))
  }

  it('are made of anything without a crash', () => {
    fc.assert(fc.property(fc.string({unit: fc.constantFrom(...':0123456789[]ab.% '.split(''))}), (text) => {
      try {
        const {local, remote} = parseForward(text)
        assert.ok(local.port >= 0 && local.port < 65_536 && remote.port > 0 && remote.port < 65_536 && remote.host !== '')
      } catch (error) {
        assert.ok(error instanceof CgpuError, String(error))
      }
    }))
  })

  it('are told from names', () => {
    assert.deepEqual(['8888', '1:2', 'trainer', 'gpu-1', '1a'].map(isForwardSpec), [true, true, false, false, false])
  })

  it('in reverse name the machine\'s first', () => {
    assert.deepEqual(parseReverse('9000:3000'), {local: {address: 'localhost', port: 3000}, remote: {host: '127.0.0.1', port: 9000}, reverse: true})
  })
})
