import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {sanitizeText, TerminalFilter} from './terminal.ts'

/** Text full of what terminals act on, whole and in pieces. */
const hostile = fc.array(fc.oneof(
  fc.string({unit: 'binary', maxLength: 6}),
  fc.constantFrom('\u001b', '\u001b[', '\u001b[31m', '\u001b[0m', '\u001b[38;5;1m', '\u001b[2K', '\u001b[6n', '\u001b[?25l', '\u001b[>4;1m', '\u001b]52;c;aGk=\u0007', '\u001b]0;t\u001b\\',
    '\u009d52;c;eA==\u009c', '\u009b31m', '\u001bP+q544e\u001b\\', '\u001b_a\u001b\\', '\u001b^p\u001b\\', '\u001b(0', '\u001bc', '\0', '\b\b', '\r', '\n', '\t', '\u202e', '\u2066', '\u007f', '[', 'm', ';', '31', '\ud800', '\udc00', '🙂'),
), {maxLength: 12}).map(parts => parts.join(''))

/** A text cut into chunks at any places. */
const cut = <T extends {slice: (from: number, to: number) => T; length: number}>(whole: T, places: number[]): T[] => {
  const at = [0, ...places.map(place => place % (whole.length + 1)), whole.length].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => whole.slice(at[index] ?? 0, end))
}

const filtered = (chunks: (string | Uint8Array)[]): string => {
  const filter = new TerminalFilter()
  return chunks.map(chunk => filter.write(chunk)).join('') + filter.end()
}

describe('TerminalFilter', () => {
  it('lets nothing pass but text, SGR, \\r, \\n and \\t', () => {
    fc.assert(fc.property(hostile, text => {
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      const rest = filtered([text]).replaceAll(/\u001b\[[\d;:]*m/g, '')
      // eslint-disable-next-line no-control-regex -- as above
      assert.doesNotMatch(rest, /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
    }), {numRuns: 20_000})
  }).timeout(60_000)

  it('does not mind where text is cut', () => {
    fc.assert(fc.property(hostile, fc.array(fc.nat(), {maxLength: 8}), (text, places) => {
      assert.equal(filtered(cut(text, places)), filtered([text]))
    }), {numRuns: 20_000})
  }).timeout(60_000)

  it('does not mind where bytes are cut, valid or not', () => {
    const bytes = fc.oneof(hostile.map(text => new TextEncoder().encode(text)), fc.uint8Array({maxLength: 40}),
      fc.array(fc.constantFrom(0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x99, 0x82, 0xc3, 0xff, 0xed, 0xa0, 0x41, 0x1b, 0x5b), {maxLength: 12}).map(list => Uint8Array.from(list)))
    fc.assert(fc.property(bytes, fc.array(fc.nat(), {maxLength: 8}), (whole, places) => {
      // TextDecoder is the judge of what invalid bytes become; StringDecoder would fail here
      const expected = filtered([new TextDecoder('utf-8', {ignoreBOM: true}).decode(whole)])
      assert.equal(filtered(cut(whole, places)), expected)
    }), {numRuns: 20_000})
  }).timeout(60_000)

  it('leaves harmless text as it is', () => {
    fc.assert(fc.property(fc.string({unit: 'grapheme'}), text => {
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      if (!/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(text)) assert.equal(filtered([text]), text)
    }))
  })

  for (const [what, text, expected] of [
    ['a clipboard write (OSC 52)', 'a\u001b]52;c;aGk=\u0007b', 'a␛]52;c;aGk=␇b'],
    ['the same with 8 bits', 'a\u009d52;c;aGk=\u009cb', 'a\ufffd52;c;aGk=\ufffdb'],
    ['a hyperlink', '\u001b]8;;http://x\u001b\\t', '␛]8;;http://x␛\\t'],
    ['DCS, APC and PM', '\u001bPq\u001b\\\u001b_a\u001b^p', '␛Pq␛\\␛_a␛^p'],
    ['a reset', '\u001bc', '␛c'],
    ['a question whose answer would be typed', 'a\u001b[6nb', 'ab'],
    ['cursor moves', 'a\u001b[2J\u001b[Hb', 'ab'],
    ['private SGR look-alikes', '\u001b[>4;2m\u001b[?1m', ''],
    ['NUL, DEL, bell and form feed', '\0\u007f\u0007\f', '␀␡␇␌'],
    ['text that would run backwards', 'a\u202eb\u2066', 'a\ufffdb\ufffd'],
    ['backspaces of a progress bar', 'step 1\b\b\b\b\b\b\rstep 2', 'step 1\rstep 2'],
    ['a sequence without end', `\u001b[${'1;'.repeat(60)}`, `␛[${'1;'.repeat(60)}`],
    ['an escape at the end', 'a\u001b', 'a␛'],
  ] as const) {
    it(`makes ${what} inert`, () => assert.equal(sanitizeText(text), expected))
  }

  it('passes colours and ends them', () => {
    assert.equal(filtered(['\u001b[1;31mred']), '\u001b[1;31mred\u001b[0m')
    assert.equal(filtered(['\u001b[31mred\u001b[0m']), '\u001b[31mred\u001b[0m')
    assert.equal(filtered(['\u001b[31mred\u001b[m']), '\u001b[31mred\u001b[m')
  })

  it('does not wait for more where nothing is cut', () => {
    const filter = new TerminalFilter()
    assert.equal(filter.write(Buffer.from('größe')), 'größe')
    assert.equal(filter.write(Buffer.from([0xe2, 0x82])), '')
    assert.equal(filter.write(Buffer.from([0xac])), '€')
    assert.equal(filter.write('a\u001b[3'), 'a')
    assert.equal(filter.write('1mb'), '\u001b[31mb')
  })

  it('is fast on plain output', () => {
    const chunk = Buffer.from('epoch 12: loss 0.1234 accuracy 0.98765 step 1200 of 50000\n'.repeat(1200))
    const filter = new TerminalFilter()
    const rounds = 600
    // of its own time: others may have the processor meanwhile
    const started = process.cpuUsage()
    for (let round = 0; round < rounds; round++) filter.write(chunk)
    const rate = (chunk.length * rounds) / process.cpuUsage(started).user
    // measured 600 MB/s alone on the machine; the bound leaves room for a busy one
    assert.ok(rate > 60, `${rate.toFixed(0)} MB/s`)
  })
})
