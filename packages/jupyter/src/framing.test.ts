import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {decode, encodeDefault, encodeV1} from './framing.ts'
import type {Outgoing} from './framing.ts'

const json = fc.dictionary(fc.string(), fc.jsonValue({maxDepth: 3}))
const message: fc.Arbitrary<Outgoing> = fc.record({
  channel: fc.constantFrom('shell', 'iopub', 'stdin', 'control'),
  header: fc.record({msg_id: fc.string({minLength: 1}), msg_type: fc.string({minLength: 1}), session: fc.string()}),
  parent_header: fc.record({msg_id: fc.string(), msg_type: fc.string()}),
  metadata: json,
  content: json,
  buffers: fc.array(fc.uint8Array({maxLength: 64}), {maxLength: 4}),
})

/** What JSON itself makes of it: -0 is 0, and so on. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const bytes = (buffers: readonly Uint8Array[]): string[] => buffers.map(each => Buffer.from(each).toString('hex'))

describe('framing', () => {
  for (const v1 of [true, false]) {
    const encode = (value: Outgoing): string | Uint8Array => (v1 ? encodeV1(value) : encodeDefault(value))
    const read = (frame: string | Uint8Array): ReturnType<typeof decode> => decode(typeof frame === 'string' ? Buffer.from(frame) : frame, typeof frame !== 'string', v1)

    it(`gives back what was put in, ${v1 ? 'v1' : 'default'}`, () => {
      fc.assert(fc.property(message, sent => {
        const got = read(encode(sent))
        assert.ok(got)
        assert.equal(got.channel, sent.channel)
        for (const part of ['header', 'parent_header', 'metadata', 'content'] as const) assert.deepEqual(plain(got[part]), plain(sent[part]))
        assert.deepEqual(bytes(got.buffers), bytes(sent.buffers))
      }))
    })

    it(`drops any broken frame without throwing, ${v1 ? 'v1' : 'default'}`, () => {
      fc.assert(fc.property(message, fc.nat(), fc.nat(255), fc.nat(), (sent, at, byte, cut) => {
        const frame = Buffer.from(encode(sent))
        frame[at % frame.length] = byte
        read(frame)
        read(frame.subarray(0, cut % frame.length))
      }))
      fc.assert(fc.property(fc.uint8Array({maxLength: 200}), frame => void read(frame)))
    })
  }

  it('reads a JSON frame of hostile shape as a message or not at all', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (a, b, c) => {
      const got = decode(Buffer.from(JSON.stringify({header: a, parent_header: b, content: c, channel: a})), false, false)
      if (got) assert.equal(typeof got.header.msg_id, 'string')
    }))
  })

  const header = {msg_id: 'a', msg_type: 'stream'}
  const cases: [string, object, string][] = [
    ['iopub for what has no channel', {header}, 'iopub'],
    ['shell for a reply without a channel', {header: {...header, msg_type: 'execute_reply'}}, 'shell'],
    ['stdin for an input request without a channel', {header: {...header, msg_type: 'input_request'}}, 'stdin'],
    ['iopub for a channel nobody knows', {header, channel: 'radio'}, 'iopub'],
    ['the given channel otherwise', {header, channel: 'control'}, 'control'],
  ]
  for (const [what, sent, channel] of cases) {
    it(`takes ${what}`, () => {
      assert.equal(decode(Buffer.from(JSON.stringify(sent)), false, false)?.channel, channel)
    })
  }

  for (const date of ['2026-11-22T10:24:16.795881Z', '2026-11-22T10:24:16.795881+00:00', 1795343056, null]) {
    it(`does not mind the date ${date}`, () => {
      const got = decode(Buffer.from(JSON.stringify({header: {...header, date}, parent_header: null, metadata: null, content: null})), false, false)
      assert.deepEqual([got?.header.msg_id, got?.parent_header, got?.content], ['a', {}, {}])
    })
  }

  it('refuses offsets that point outside of the frame, back, or into the head', () => {
    const frame = Buffer.from(encodeV1({channel: 'shell', header, parent_header: {}, metadata: {}, content: {}, buffers: []}))
    for (const [index, value] of [[1, 0n], [2, 1n << 60n], [3, 8n], [0, 1n << 62n], [0, 0n], [0, 1n]] as const) {
      const broken = Buffer.from(frame)
      broken.writeBigUInt64LE(value, 8 * index)
      assert.equal(decode(broken, true, true), null)
    }
  })

  it('survives deep nesting and a __proto__', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const got = decode(Buffer.from(`{"header":${JSON.stringify(header)},"content":{"x":${deep},"__proto__":{"polluted":1}}}`), false, false)
    assert.ok(got)
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })
})
