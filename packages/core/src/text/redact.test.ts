import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {Redactor} from './redact.ts'

const secret = fc.oneof(fc.string({minLength: 8, maxLength: 16}), fc.array(fc.constantFrom('a', 'b'), {minLength: 8, maxLength: 11}).map(parts => parts.join('')))

describe('Redactor', () => {
  const token = 'p@ss/w0rd+"quoted" ä'

  for (const [how, text] of [
    ['as it is', `x${token}y`],
    ['URL-encoded', `?token=${encodeURIComponent(token)}&`],
    ['URL-encoded in lower case', encodeURIComponent(token).replaceAll(/%../g, hex => hex.toLowerCase())],
    ['in JSON', JSON.stringify({token})],
    ['in base64', Buffer.from(token).toString('base64')],
    ['in a Basic header', `Basic ${Buffer.from(`user:${token}`).toString('base64')}`],
    ['in base64 with one more before it', Buffer.from(`u:${token}`).toString('base64url')],
  ] as const) {
    it(`finds a secret ${how}`, () => {
      const shown = new Redactor([token]).redact(text)
      assert.ok(shown.includes('[redacted]'), shown)
      assert.ok(!shown.includes(token) && !shown.includes('w0rd'))
    })
  }

  it('leaves short values and other text alone', () => {
    assert.equal(new Redactor(['short', '']).redact('a short text'), 'a short text')
    assert.equal(new Redactor().redact('text'), 'text')
    assert.equal(new Redactor(['\ud800aaaaaaaa']).redact('text'), 'text')
  })

  it('finds what was added later', () => {
    const redactor = new Redactor()
    assert.equal(redactor.redact('12345678'), '12345678')
    redactor.add('12345678')
    assert.equal(redactor.redact('12345678'), '[redacted]')
  })

  it('never lets a secret through, however the text is cut, and shows the same as for the whole text', () => {
    const part = fc.oneof(fc.string({maxLength: 6}), fc.constant('\0'), fc.array(fc.constantFrom('a', 'b'), {maxLength: 8}).map(list => list.join('')))
    fc.assert(fc.property(fc.array(secret, {minLength: 1, maxLength: 3}), fc.array(fc.oneof(part, fc.nat(2)), {maxLength: 8}), fc.array(fc.nat(), {maxLength: 10}), (secrets, parts, places) => {
      const text = parts.map(one => (typeof one === 'number' ? (secrets[one] ?? '') : one)).join('')
      const redactor = new Redactor(secrets)
      const stream = redactor.stream()
      const at = [0, ...places.map(place => place % (text.length + 1)), text.length].sort((a, b) => a - b)
      const shown = at.slice(1).map((end, index) => stream.write(text.slice(at[index], end))).join('') + stream.end()
      assert.equal(shown, redactor.redact(text))
      for (const one of secrets) if (!'[redacted]'.includes(one)) assert.ok(!shown.split('[redacted]').some(piece => piece.includes(one)))
    }), {numRuns: 5_000})
  }).timeout(60_000)

  it('holds back no more than it must', () => {
    const stream = new Redactor(['abcdefgh']).stream()
    assert.equal(stream.write('xabc'), 'x')
    assert.equal(stream.write('x'), 'abcx')
    assert.equal(stream.write('abcdefgh'), '[redacted]')
    assert.equal(stream.write('abcd'), '')
    assert.equal(stream.end(), 'abcd')
  })
})
