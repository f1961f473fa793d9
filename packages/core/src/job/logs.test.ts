import assert from 'node:assert/strict'
import fc from 'fast-check'
import {LogRecord, type LogStream} from '../agent/log.ts'
import {type LogFilter, type LogPiece, LogView, Tail} from './logs.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (pieces: readonly LogPiece[]): string => Buffer.concat(pieces.map(({data}) => data)).toString('utf8')

let offset = 0
const record = (stream: LogStream, data: string | Uint8Array, time = 1_000): LogRecord => {
  const payload = typeof data === 'string' ? bytes(data) : data
  return new LogRecord(stream, time, payload, (offset += 13 + payload.length))
}

function shown(filter: LogFilter, records: readonly LogRecord[]): LogPiece[] {
  const view = new LogView(filter)
  return [...records.flatMap((one) => view.push(one)), ...view.end()]
}

describe('what is shown of a log', () => {
  it('is every byte of both streams, as it is', () => {
    const pieces = shown({}, [record('stdout', 'a\n'), record('stderr', 'b'), record('stdout', new Uint8Array([0xff, 0x00])), record('display', '{}'), record('notice', '{}')])
    assert.deepEqual(pieces.map(({stream, data}) => [stream, [...data]]), [['stdout', [97, 10]], ['stderr', [98]], ['stdout', [255, 0]]])
  })

  it('is one stream, or a time, when that is asked for', () => {
    const records = [record('stdout', 'one\n', 10), record('stderr', 'two\n', 20), record('stdout', 'three\n', 30)]
    assert.equal(textOf(shown({stream: 'stderr'}, records)), 'two\n')
    assert.equal(textOf(shown({since: 20}, records)), 'two\nthree\n')
    assert.equal(textOf(shown({since: 11, until: 29}, records)), 'two\n')
    const view = new LogView({until: 29})
    assert.deepEqual(records.map((one) => view.isPast(one)), [false, false, true])
  })

  it('is the lines that match, also those that came in pieces', () => {
    const records = [record('stdout', 'loss 0.'), record('stderr', 'warn'), record('stdout', '5\nstep 2\nlo'), record('stderr', 'ing loss\n'), record('stdout', 'ss 0.4')]
    assert.equal(textOf(shown({search: /loss/u}, records)), 'loss 0.5\nwarning loss\nloss 0.4')
  })

  it('has the time of the first byte before each line', () => {
    const records = [record('stdout', 'a', 0.5), record('stdout', 'b\nc\n', 61)]
    assert.equal(textOf(shown({timestamps: true}, records)), '1970-01-01T00:00:00.500Z ab\n1970-01-01T00:01:01.000Z c\n')
  })

  it('is found in text of any kind, with or without a carriage return', () => {
    const line = 'größe 1\r\n😀 loss\nloss größe\r\n\n'
    assert.equal(textOf(shown({search: /größe$|^😀|^$/u}, [record('stdout', line)])), '😀 loss\nloss größe\r\n\n')
    assert.equal(textOf(shown({search: /^b$/u}, [record('stdout', 'a\r\nb\r\nbb\nb')])), 'b\r\nb')
  })

  it('comes in one piece a record, however many lines that has', () => {
    const lines = 'a loss\n'.repeat(10_000)
    for (const filter of [{timestamps: true}, {search: /loss/u}, {search: /loss/u, timestamps: true}]) assert.equal(shown(filter, [record('stdout', lines), record('stderr', lines)]).length, 2)
  })

  it('keeps bytes that are no text', () => {
    const line = new Uint8Array([0xff, 0xfe, 0x80, 0x0a])
    const [only] = shown({search: /./u}, [record('stdout', line)])
    assert.deepEqual(Buffer.from(only?.data ?? []), Buffer.from(line))
  })

  it('shows a line that never ends in pieces, with one time', () => {
    const big = new Uint8Array(700_000).fill(0x61)
    const pieces = shown({timestamps: true}, [record('stdout', big), record('stdout', big), record('stdout', big)])
    const text = textOf(pieces)
    assert.equal(text.length, 2_100_000 + '1970-01-01T00:16:40.000Z '.length)
    assert.equal(text.split('Z ').length, 2)
  })

  it('loses and changes nothing, however it was cut', () => {
    fc.assert(fc.property(fc.uint8Array({maxLength: 200}), fc.array(fc.integer({min: 1, max: 20}), {maxLength: 30}), (data, cuts) => {
      const records: LogRecord[] = []
      let at = 0
      for (const cut of [...cuts, data.length]) {
        records.push(record('stdout', data.subarray(at, at + cut)))
        at += cut
      }
      const all = Buffer.concat(shown({search: /(?:)/u}, records).map((piece) => piece.data))
      assert.deepEqual([...all], [...data])
    }))
  })
})

describe('the tail of a log', () => {
  const tailOf = (lines: number, records: readonly LogRecord[]): string => {
    const tail = new Tail(lines)
    for (const piece of shown({}, records)) tail.push(piece)
    return textOf(tail.take())
  }

  it('is its last lines, in the order in which they ended', () => {
    const records = [record('stdout', 'a\nb\n'), record('stderr', 'x'), record('stdout', 'c\nd'), record('stderr', 'y\n')]
    assert.equal(tailOf(3, records), 'c\nxy\nd')
    assert.equal(tailOf(0, records), '')
    assert.equal(tailOf(99, records), 'a\nb\nc\nxy\nd')
  })

  it('is what a shell would say, whatever the lines', () => {
    fc.assert(fc.property(fc.array(fc.stringMatching(/^[a-z\n]{0,12}$/), {maxLength: 20}), fc.integer({min: 0, max: 8}), (chunks, lines) => {
      const all = chunks.join('')
      const whole = all.split(/(?<=\n)/).filter((line) => line !== '')
      assert.equal(tailOf(lines, chunks.map((chunk) => record('stdout', chunk))), lines === 0 ? '' : whole.slice(-lines).join(''))
    }))
  })

  it('is the same when many lines come at once, in both streams', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.stringMatching(/^[ab\n]{0,30}$/)), {maxLength: 12}), fc.integer({min: 0, max: 4}), (chunks, lines) => {
      const tail = new Tail(lines)
      const [held, ended]: [Record<string, string>, string[]] = [{}, []]
      for (const [err, text] of chunks) {
        const stream = err ? 'stderr' : 'stdout'
        tail.push({stream, data: bytes(text)})
        const whole = `${held[stream] ?? ''}${text}`.split(/(?<=\n)/)
        held[stream] = whole.at(-1)?.endsWith('\n') === false ? (whole.pop() ?? '') : ''
        ended.push(...whole)
      }
      const all = [...ended, held['stdout'] ?? '', held['stderr'] ?? ''].filter((line) => line !== '')
      assert.equal(textOf(tail.take()), lines === 0 ? '' : all.slice(-lines).join(''))
    }))
  })

  it('keeps few lines of very many', () => {
    const tail = new Tail(2)
    for (let i = 0; i < 50_000; i++) tail.push({stream: 'stdout', data: bytes(`${i}\n`)})
    assert.equal(textOf(tail.take()), '49998\n49999\n')
  })
})
