import assert from 'node:assert/strict'
import type {Message} from '@cgpu/jupyter'
import fc from 'fast-check'
import {isRateNotice, OutputMerger} from './output.ts'

const message = (type: string, content: Record<string, unknown>): Message => ({
  channel: 'iopub', header: {msg_id: 'm', msg_type: type}, parent_header: {}, metadata: {}, content, buffers: [],
})
const stream = (name: string, text: string): Message => message('stream', {name, text})

describe('OutputMerger', () => {
  it('recognises the notice of the server, and not a program that quotes it later in a line', () => {
    assert.equal(isRateNotice(stream('stderr', 'IOPub data rate exceeded.\nThe Jupyter server will temporarily stop sending output\nto the client')), true)
    assert.equal(isRateNotice(stream('stderr', 'IOPub message rate exceeded.\n            The Jupyter server will temporarily stop sending output')), true)
    assert.equal(isRateNotice(stream('stdout', 'IOPub data rate exceeded.\nThe Jupyter server will temporarily stop sending output')), false)
    assert.equal(isRateNotice(stream('stderr', 'he said: IOPub data rate exceeded.')), false)
  })

  it('shows every byte once and in order, wherever the socket began to drop', () => {
    const piece = fc.record({name: fc.constantFrom('stdout', 'stderr'), text: fc.string({unit: 'binary', maxLength: 12})})
    fc.assert(
      fc.property(fc.array(piece, {maxLength: 30}), fc.nat(30), fc.nat(7), (pieces, cut, chop) => {
        const merger = new OutputMerger()
        const shown = {stdout: [] as number[], stderr: [] as number[]}
        const show = (out: ReturnType<OutputMerger['fromSocket']>): void => {
          if (out && out.type !== 'display') shown[out.type].push(...out.data)
        }
        const encoded = pieces.map(({name, text}) => ({name: name === 'stderr' ? 'stderr' as const : 'stdout' as const, data: new TextEncoder().encode(text), text}))
        for (const {name, text} of encoded.slice(0, cut)) show(merger.fromSocket(stream(name, text)))
        merger.switchToLog()
        show(merger.fromSocket(stream('stdout', 'late and not to be shown')))
        // the log holds the same bytes in records of other sizes
        for (const {name, data} of encoded) for (let at = 0; at < data.length; at += chop + 1) show(merger.bytesFromLog(name, data.subarray(at, at + chop + 1)))
        for (const name of ['stdout', 'stderr'] as const) {
          assert.deepEqual(shown[name], encoded.filter((p) => p.name === name).flatMap((p) => [...p.data]))
        }
      }),
    )
  })

  it('skips displays that the socket delivered', () => {
    const merger = new OutputMerger()
    assert.ok(merger.fromSocket(message('display_data', {data: {'text/plain': '1'}})))
    merger.switchToLog()
    assert.equal(merger.displayFromLog('display_data', {data: {'text/plain': '1'}}), null)
    const second = merger.displayFromLog('execute_result', {data: {'text/plain': '2'}, execution_count: 4})
    assert.deepEqual(second, {type: 'display', display: {kind: 'execute_result', data: {'text/plain': '2'}, metadata: {}, executionCount: 4}})
    assert.equal(merger.isComplete({stdoutBytes: 0, stderrBytes: 0, displays: 2}), true)
    assert.equal(merger.isComplete({stdoutBytes: 1, stderrBytes: 0, displays: 2}), false)
  })
})
