import assert from 'node:assert/strict'
import {connect} from 'node:net'
import * as fc from 'fast-check'
import {startControl, type TestControl} from '../../../../test/helpers/control-plane.ts'

const paths = [
  '/tun/m/assign', '/tun/m/unassign/x', '/tun/m/assignments', '/tun/m/ccu-info', '/tun/m/runtime-proxy-token', '/tun/m/x/keep-alive/', '/tun/m/credentials-propagation/x',
  '/tun/m/x/api/sessions', '/v1/user-info', '/v1/assignments', '/v1/runtime-proxy-token', '/v1beta/subscription', '/v1beta/runtimes', '/v1beta/runtimes/x', '/v1beta/runtimespecs',
  '/v1/operations', '/v1/operations/x', '/v1/operations/x:wait', '/vscode/experiment-state', '/vscode/redirect', '/signup', '/notebooks/empty.ipynb',
  '/o/oauth2/v2/auth', '/o/oauth2/auth', '/o/oauth2/consent', '/token', '/revoke', '/tokeninfo', '/oauth2/v2/userinfo', '/emulator/consent', '/.well-known/openid-configuration', '/',
]
const names = [
  'nbh', 'variant', 'accelerator', 'shape', 'endpoint', 'port', 'authtype', 'dryrun', 'pageSize', 'pageToken', 'timeout', 'requestId', 'runtimeId', 'client_id', 'redirect_uri',
  'response_type', 'scope', 'code_challenge', 'grant_type', 'assertion', 'code', 'refresh_token', 'email', 'kind', 'key', 'csrf', 'access_token', '__proto__', 'constructor',
]
const value = fc.oneof(fc.string({unit: 'binary'}), fc.constantFrom('GPU', 'T4', 'NONE', 'n'.repeat(44), '8080', '-1', '1e99', 'code', 'refresh_token', 'authorization_code', 'toString', '200s', 'http://127.0.0.1:1/'))
const query = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), value), {maxLength: 6})
const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD')
const body = fc.oneof(
  fc.constant(undefined), fc.uint8Array({maxLength: 200}), fc.json(), query.map((fields) => new URLSearchParams(fields).toString()),
  fc.constantFrom('{"runtimeSpec":{"variant":"VARIANT_GPU","accelerator":"constructor"}}', '{"runtimeSpec":null}', '[]', '\u0000'))
const header = fc.constantFrom('', 'Bearer', 'Bearer  ', 'Basic Og==', 'Basic !!!', 'own')

describe('the control plane under hostile input', function () {
  this.timeout(60_000)
  let control: TestControl
  before(async () => { control = await startControl() })
  after(() => control.stop())

  it('answers every request with something other than 5xx', () => fc.assert(fc.asyncProperty(
    fc.constantFrom(...paths), fc.oneof(fc.constant(''), fc.webPath(), fc.constantFrom('/%', '/%00', '/..%2f..', '//', '/%ff', ':wait')), query, method, body, header, async (path, more, fields, verb, sent, authorization) => {
      const target = `${control.url}${path}${more}?${new URLSearchParams(fields).toString()}`
      const response = await fetch(target, {
        method: verb, redirect: 'manual',
        headers: {authorization: authorization === 'own' ? `Bearer ${control.token}` : authorization, 'x-colab-tunnel': 'Google', 'content-type': 'application/x-www-form-urlencoded'},
        ...(sent !== undefined && verb !== 'GET' && verb !== 'HEAD' && {body: sent as string}),
      })
      await response.arrayBuffer()
      assert.ok(response.status < 500, `${verb} ${target}: ${response.status}`)
    }), {numRuns: 500}))

  it('lives through requests that are hardly HTTP', () => fc.assert(fc.asyncProperty(fc.constantFrom(...paths), fc.uint8Array({maxLength: 60}), async (path, junk) => {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(control.url).port), '127.0.0.1', () => {
        socket.write(`GET ${path}?`)
        socket.write(junk)
        socket.end(' HTTP/1.1\r\nHost: x y z\r\n\r\n')
      })
      socket.on('error', () => undefined).on('close', () => resolve()).resume()
    })
    assert.equal((await control.call('/v1/user-info')).status, 200)
  }), {numRuns: 100}))

  it('escapes what it shows', () => fc.assert(fc.asyncProperty(fc.string().map((text) => `<script>${text}</script>"'`), async (text) => {
    const shown = [
      `/o/oauth2/v2/auth?${new URLSearchParams({client_id: text, redirect_uri: 'http://127.0.0.1:1/', response_type: 'code', scope: 'email', code_challenge: 'c'.repeat(43), code_challenge_method: 'S256', login_hint: 'me@example.com'}).toString()}`,
      `/vscode/redirect?${new URLSearchParams({code: text}).toString()}`, `/vscode/redirect?${new URLSearchParams({error: text}).toString()}`,
    ]
    for (const path of shown) assert.ok(!(await (await fetch(control.url + path)).text()).includes('<script'))
  }), {numRuns: 50}))
})
