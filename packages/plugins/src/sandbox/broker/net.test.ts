import assert from 'node:assert/strict'
import {hostAllowed, isInward} from './net.ts'

describe('hosts of a plugin', () => {
  const cases: [url: string, patterns: string[], allowed: boolean, named: boolean][] = [
    ['https://api.example.com/x', ['api.example.com'], true, true], ['https://API.example.com', ['api.EXAMPLE.com'], true, true],
    ['https://api.example.com:8443', ['api.example.com'], false, false], ['https://api.example.com:8443', ['api.example.com:8443'], true, true],
    ['https://a.example.com', ['*.example.com'], true, false], ['https://example.com', ['*.example.com'], false, false],
    ['https://evil-example.com', ['*.example.com'], false, false], ['https://api.example.com.evil.org', ['api.example.com'], false, false],
    ['http://127.0.0.1:99', ['*'], true, false], ['http://127.0.0.1:99', ['127.0.0.1:99'], true, true], ['http://[::1]:5/', ['::1:5'], true, true], ['http://x.org', [], false, false],
  ]
  for (const [url, patterns, allowed, named] of cases) {
    it(`${patterns.join(' ') || 'nothing'} ${allowed ? 'allows' : 'does not allow'} ${url}`, () => assert.deepEqual(hostAllowed(new URL(url), patterns), {allowed, named}))
  }

  it('are not this computer, its network, or where clouds keep keys', () => {
    const inward = ['127.0.0.1', '127.9.9.9', '0.0.0.0', '10.1.2.3', '172.20.0.1', '192.168.1.1', '169.254.169.254', '100.100.100.200', '::1', '::', 'fe80::1', 'fd00:ec2::254', '::ffff:127.0.0.1', '::ffff:7f00:1', 'nonsense']
    for (const address of inward) assert.ok(isInward(address), address)
    for (const address of ['93.184.215.14', '8.8.8.8', '2606:2800:21f:cb07:6820:80da:af6b:8b2c']) assert.ok(!isInward(address), address)
  })
})
