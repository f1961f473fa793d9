import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {CgpuError} from '@cgpu/core/errors'
import {GrantRefused, readGrant} from './grant.ts'
import type {WireAnswer} from './wire.ts'

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): WireAnswer =>
  ({host: 'oauth2.googleapis.com', status, headers: {'content-type': 'application/json; charset=utf-8', ...headers}, text: typeof body === 'string' ? body : JSON.stringify(body)})

describe('answers of a token endpoint', () => {
  it('are read as Google writes them', () => {
    const body = {access_token: 'ya29.a0', expires_in: 3599, refresh_token: '1//0g', scope: 'openid https://www.googleapis.com/auth/colaboratory', token_type: 'Bearer', id_token: 'x.y.z'}
    assert.deepEqual(readGrant(answer(200, body)), {accessToken: 'ya29.a0', expiresIn: 3599, refreshToken: '1//0g', scopes: ['openid', 'https://www.googleapis.com/auth/colaboratory']})
  })

  it('may leave out what has a default, and give numbers as text', () => {
    assert.deepEqual(readGrant(answer(200, {access_token: 'a'})), {accessToken: 'a', expiresIn: 3600})
    assert.equal(readGrant(answer(200, {access_token: 'a', expires_in: '120'})).expiresIn, 120)
  })

  it('refuse with a reason', () => {
    const refused = {error: 'invalid_grant', error_description: 'reauth related error\u001b[31m', error_subtype: 'invalid_rapt'}
    assert.throws(() => readGrant(answer(400, refused, {date: 'Sun, 22 Nov 2026 13:00:00 GMT'})), (error: unknown) => {
      assert.ok(error instanceof GrantRefused)
      assert.deepEqual([error.reason, error.subtype, error.description, error.serverTime], ['invalid_grant', 'invalid_rapt', 'reauth related error\\x1b[31m', Date.UTC(2026, 10, 22, 13)])
      return true
    })
  })

  it('either are a grant, refuse, or are no answer of Google, whatever is sent', () => {
    const json = fc.json({maxDepth: 3})
    const near = fc.record({
      access_token: fc.oneof(fc.string(), fc.integer(), fc.constant(null)), expires_in: fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(null)),
      refresh_token: fc.oneof(fc.string(), fc.anything()), scope: fc.oneof(fc.string(), fc.integer()), token_type: fc.oneof(fc.constant('Bearer'), fc.string()),
      error: fc.oneof(fc.string(), fc.integer()),
    }, {requiredKeys: []}).map((one) => JSON.stringify(one))
    fc.assert(
      fc.property(fc.integer({min: 100, max: 599}), fc.oneof(json, near, fc.string()), fc.constantFrom('application/json', 'text/html', ''), (status, text, type) => {
        try {
          const grant = readGrant(answer(status, text, {'content-type': type}))
          assert.equal(status, 200)
          assert.match(grant.accessToken, /^[\x21-\x7e]+$/)
          assert.ok(grant.expiresIn > 0 && grant.expiresIn <= 31 * 86_400)
          assert.ok(grant.refreshToken === undefined || /^[\x21-\x7e]+$/.test(grant.refreshToken))
        } catch (error) {
          if (error instanceof GrantRefused) assert.ok(status >= 400 && status < 500)
          else assert.ok(error instanceof CgpuError && error.exit === 69, String(error))
        }
      }),
      {numRuns: 3000},
    )
  })
})
