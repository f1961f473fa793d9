import assert from 'node:assert/strict'
import fc from 'fast-check'
import {append} from '../run/outputs.ts'
import {keptOf} from './kept.ts'
import {keptData} from './large-data.ts'
import type {MimeBundle, Notebook, Output} from './model.ts'
import {notebookText} from './write.ts'

const notebookOf = (outputs: Output[]): Notebook => ({cells: [{cell_type: 'code', id: 'a', source: '', metadata: {}, execution_count: 1, outputs}], metadata: {}, nbformat: 4, nbformat_minor: 5})
const stream = (text: string): Output => ({output_type: 'stream', name: 'stdout', text})
const long = `${'ab'.repeat(50)}\n`.repeat(500)

describe('outputs that are kept as they will be written', () => {
  it('are written as they would be from memory, wherever a stream is cut', () => {
    const piece = fc.string({unit: fc.constantFrom('a', '\n', '\r', '\u2028', '\u001C', '"', '😀', '\uD83D', '\uDE00')})
    fc.assert(fc.property(fc.nat(2), fc.array(piece, {minLength: 1}), (begin, pieces) => {
      const outputs: Output[] = []
      const first = ['', long, 'ab'.repeat(20_000)][begin] ?? ''
      for (const text of [first, ...pieces]) append(outputs, stream(text))
      const text = [first, ...pieces].join('')
      assert.ok(notebookText(notebookOf(outputs)) === notebookText(notebookOf([stream(text)])))
      assert.deepEqual(outputs, [stream(text)])
    }), {numRuns: 40})
  })

  it('of megabytes go to the disk and come back as they were', () => {
    const outputs: Output[] = []
    const lines = Array.from({length: 30_000}, (_, n) => `línea ${n} 😀\r\n`)
    for (let at = 0; at < lines.length; at += 999) append(outputs, stream(lines.slice(at, at + 999).join('')))
    assert.ok(outputs[0] && keptOf(outputs[0], 'text'))
    assert.deepEqual(outputs, [stream(lines.join(''))])
    assert.equal(notebookText(notebookOf(outputs)), notebookText(notebookOf([stream(lines.join(''))])))
  })

  it('are as they were when the writing of them began', () => {
    const outputs = [stream('')]
    append(outputs, stream(long))
    const [output] = outputs
    assert.ok(output)
    const before = notebookText(notebookOf([stream(long)]))
    const chunks = keptOf(output, 'text')?.chunks()[Symbol.iterator]()
    let text: string = chunks?.next().value ?? ''
    append(outputs, stream('later'))
    for (let next = chunks?.next(); next && !next.done; next = chunks?.next()) text += next.value
    assert.ok(before.includes(`"text": ${text}\n`))
    assert.deepEqual(outputs, [stream(`${long}later`)])
  })

  it('may be data of any type, and be replaced', () => {
    const data: MimeBundle = {'text/plain': 'small', 'text/html': long, 'image/png': 'A'.repeat(100_000), 'application/json': {z: Array.from({length: 20_000}, (_, n) => n), a: [{}]}, 'application/x+json': {a: 1}}
    const display = (of: MimeBundle): Output => ({output_type: 'display_data', data: of, metadata: {}})
    const bundle = keptData(data)
    assert.deepEqual(Object.keys(data).filter((mime) => keptOf(bundle, mime)), ['text/html', 'image/png', 'application/json'])
    assert.equal(notebookText(notebookOf([display(bundle)])), notebookText(notebookOf([display(data)])))
    assert.deepEqual(bundle, data)
    bundle['text/html'] = 'other'
    assert.equal(notebookText(notebookOf([display(bundle)])), notebookText(notebookOf([display({...data, 'text/html': 'other'})])))
  })
})
