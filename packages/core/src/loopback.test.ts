import assert from 'node:assert/strict'
import {isLoopback} from './loopback.ts'

describe('a host', () => {
  it('is this computer only as an address or by its one name', () => {
    for (const host of ['localhost', 'LOCALHOST', 'localhost.', '::1', '[::1]', '127.0.0.1', '127.9.2.3']) assert.ok(isLoopback(host), host)
    for (const host of ['', 'localhost.example.com', '0.0.0.0', '::', '::1.example', '[::2]', '128.0.0.1', '127.0.0.1.example.com', '192.168.0.1']) assert.ok(!isLoopback(host), host)
  })
})
