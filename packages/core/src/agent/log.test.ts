import assert from 'node:assert/strict'
import fc from 'fast-check'
import {CgpuError} from '../errors.ts'
import {LogDecoder, type LogRecord} from './log.ts'

const names = ['stdout', 'stderr', 'display', 'notice'] as const

function encode(stream: number, time: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt8(stream, 0)
  header.writeUInt32LE(payload.length, 1)
  header.writeDoubleLE(time, 5)
  return Buffer.concat([header, payload])
}

function cut(bytes: Buffer, sizes: number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

const entry = fc.record({stream: fc.integer({min: 1, max: 4}), time: fc.double({noNaN: true}), payload: fc.uint8Array({maxLength: 60})})

describe('the log decoder', () => {
  it('gives the same records however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(entry), fc.array(fc.integer({min: 1, max: 40}), {minLength: 1}), (entries, sizes) => {
        const bytes = Buffer.concat(entries.map(each => encode(each.stream, each.time, each.payload)))
        const decoder = new LogDecoder(1000)
        const found: LogRecord[] = []
        for (const piece of cut(bytes, sizes)) {
          for (const record of decoder.push(piece)) found.push(record)
        }
        assert.equal(found.length, entries.length)
        let end = 1000
        for (const [i, record] of found.entries()) {
          const expected = entries[i]
          assert.ok(expected)
          end += 13 + expected.payload.length
          assert.equal(record.stream, names[expected.stream - 1])
          assert.ok(Object.is(record.time, expected.time))
          assert.deepEqual(Buffer.from(record.payload), Buffer.from(expected.payload))
          assert.equal(record.endOffset, end)
        }
        assert.equal(decoder.offset, end)
        assert.equal(decoder.position, end)
      }),
    )
  })

  it('resumes at the last whole record after a cut', () => {
    fc.assert(
      fc.property(fc.array(entry, {minLength: 1}), fc.nat(), (entries, at) => {
        const bytes = Buffer.concat(entries.map(each => encode(each.stream, each.time, each.payload)))
        const lost = at % bytes.length
        const decoder = new LogDecoder()
        const found = [...decoder.push(bytes.subarray(0, lost))]
        assert.equal(decoder.position, lost)
        decoder.rewind()
        found.push(...decoder.push(bytes.subarray(decoder.offset)))
        assert.deepEqual(found.map(record => Buffer.from(record.payload)), entries.map(each => Buffer.from(each.payload)))
      }),
    )
  })

  it('takes streams that it does not know as data', () => {
    const [record] = new LogDecoder().push(encode(9, 0, Buffer.from('x')))
    assert.equal(record?.stream, 'stream-9')
  })

  it('refuses a length that no log has', () => {
    assert.throws(() => [...new LogDecoder().push(Buffer.alloc(13, 0xff))], (error: unknown) => error instanceof CgpuError && error.code === 'LOG_DAMAGED')
  })

  it('reads displays and notices, also broken ones', () => {
    const read = (payload: string): LogRecord => {
      const [record] = new LogDecoder().push(encode(3, 0, Buffer.from(payload)))
      assert.ok(record)
      return record
    }
    assert.deepEqual(read('{"type":"display_data","content":{"a":1}}').display(), {type: 'display_data', content: {a: 1}})
    assert.deepEqual(read('{"kind":"gap","bytes":7}').notice(), {kind: 'gap', bytes: 7})
    assert.deepEqual(read('{"kind":"restart","bytes":0,"attempt":2,"exitCode":137,"signal":"SIGKILL"}').notice(), {
      kind: 'restart', bytes: 0, attempt: 2, exitCode: 137, signal: 'SIGKILL',
    })
    assert.deepEqual(read('{"kind":"restart","attempt":"2","exitCode":null,"signal":null}').notice(), {kind: 'restart'})
    for (const broken of ['', '{', '[]', 'null', '"text"', '{"type":1,"content":[]}', '{"kind":{}}']) {
      assert.deepEqual(read(broken).display(), {type: '', content: {}})
      assert.deepEqual(read(broken).notice(), {kind: ''})
    }
  })
})
