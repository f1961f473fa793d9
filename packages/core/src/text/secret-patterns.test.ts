import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {maskSecrets} from './secret-patterns.ts'

const chars = (alphabet: string, minLength: number, maxLength: number) => fc.string({unit: fc.constantFrom(...alphabet.split('')), minLength, maxLength})
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const word = `${letters}0123456789`
const long = chars(word, 24, 60)
const url = `${word}_-`

/** Each shape: what is planted, and the part of it that must not be left. */
const shapes: Record<string, fc.Arbitrary<{text: string; secret: string}>> = {
  'Google access token': long.map((x) => ({text: `ya29.${x}`, secret: x})),
  'Google refresh token': chars(url, 30, 60).map((x) => ({text: `1//0${x}`, secret: x})),
  'OAuth client secret': long.map((x) => ({text: `GOCSPX-${x}`, secret: x})),
  'GitHub token': fc.tuple(fc.constantFrom('p', 'o', 'u', 's', 'r'), long).map(([kind, x]) => ({text: `gh${kind}_${x}`, secret: x})),
  'GitHub fine-grained token': chars(`${word}_`, 30, 60).map((x) => ({text: `github_pat_${x}`, secret: x})),
  'Hugging Face token': long.map((x) => ({text: `hf_${x}`, secret: x})),
  'OpenAI key': chars(url, 24, 60).map((x) => ({text: `sk-${x}`, secret: x})),
  'AWS key id': chars('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16, 16).map((x) => ({text: `AKIA${x}`, secret: x})),
  'bearer token': long.map((x) => ({text: `Bearer ${x}`, secret: x})),
  'authorization header': long.map((x) => ({text: `Authorization: Basic ${x}`, secret: x})),
  'JWT': fc.tuple(long, long, long).map(([a, b, c]) => ({text: `eyJ${a}.${b}.${c}`, secret: b})),
  'token=': chars(url, 3, 40).map((x) => ({text: `token=${x}`, secret: `token=${x}`})),
  'variable': chars(url, 3, 40).map((x) => ({text: `HF_TOKEN="${x} ${x}"`, secret: x.length > 8 ? x : `"${x}`})),
  'password=': chars(url, 3, 40).map((x) => ({text: `db_password=${x}`, secret: `password=${x}`})),
  'JSON field': chars(url, 3, 40).map((x) => ({text: `{"api_key": "${x}"}`, secret: `"${x}"`})),
  'YAML field': long.map((x) => ({text: `password: ${x}7`, secret: x})),
  'URL': fc.tuple(chars(letters, 1, 10), chars(`${url}@:!`, 8, 40)).map(([user, x]) => ({text: `https://${user}:${x}@example.com/path`, secret: x})),
}

/** Text around it, which a space or a line break keeps apart from it. */
const around = fc.tuple(fc.string({maxLength: 80}), fc.constantFrom(' ', '\n', '\t'))

describe('maskSecrets', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    it(`takes a ${name} out of any text`, () => {
      fc.assert(fc.property(around, shape, around, ([before, gap], {text, secret}, [after, then]) => {
        fc.pre(!before.includes(secret) && !after.includes(secret))
        const shown = maskSecrets(before + gap + text + then + after)
        assert.ok(!shown.includes(secret), shown)
      }))
    })
  }

  it('takes a private key out, whole or cut off', () => {
    const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ=='
    for (const end of ['\n-----END PRIVATE KEY-----\n', '', '\n-----END RSA']) assert.doesNotMatch(maskSecrets(`a\n-----BEGIN PRIVATE KEY-----\n${body}${end}`), /MIIE|BKcw/)
    assert.doesNotMatch(maskSecrets(JSON.stringify({key: `-----BEGIN PRIVATE KEY-----\n${body}`})), /MIIE|BKcw/)
  })

  it('leaves hashes, ids and plain text as they are', () => {
    const hex = (length: number) => chars('0123456789abcdef', length, length)
    const plain = fc.oneof(hex(40), hex(64), fc.uuid(), fc.ulid(), fc.ipV4(), fc.date({noInvalidDate: true}).map((one) => one.toISOString()), chars(`${letters} .,;-_/()\n`, 0, 80))
    const sayings = /token|password|passwd|passphrase|secret|credential|key|cookie|authorization|bearer/i
    fc.assert(fc.property(fc.array(plain), (parts) => {
      const text = parts.join(' ')
      fc.pre(!sayings.test(text) && !/\b(sk-|hf_|gh._|xox|glpat-)/.test(text))
      assert.equal(maskSecrets(text), text)
    }), {numRuns: 1000})
  })

  for (const text of [
    'no new token for gpu-t4 yet: 503', 'max_tokens=100', 'cgpu runtime add URL --token-stdin < FILE', 'Bearer certificates', 'the password is wrong', 'secret: not found',
    'https://example.com/a@b?x=1', 'git@github.com:owner/repo.git', 'task-forward-compatible-name', 'risk-assessment-of-something-long', 'hf_hub_download', 'GET /api/kernels 200 1234 B 5 ms',
    'ws > shell execute_request 512 B', 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '0mibv3k2q7', 'cgpu exec --secret HF_TOKEN -f train.py',
  ]) it(`leaves "${text}" alone`, () => assert.equal(maskSecrets(text), text))

  it('changes nothing the second time', () => {
    for (const text of ['token=abc', 'https://a:b@c/', '{"password": "x y"}', 'Authorization: Bearer abcdefgh123', 'Cookie: a=b; c=d']) assert.equal(maskSecrets(maskSecrets(text)), maskSecrets(text))
  })

  it('is quick with long text that almost matches', () => {
    const started = process.cpuUsage()
    for (const part of ['a', 'token', '://a', '-----BEGIN PRIVATE KEY-----', 'Bearer ', 'eyJ', 'sk-', '"', 'password: ']) maskSecrets(part.repeat(300_000 / part.length))
    const ms = process.cpuUsage(started).user / 1000
    assert.ok(ms < 3000, `${ms} ms`)
  })
})
