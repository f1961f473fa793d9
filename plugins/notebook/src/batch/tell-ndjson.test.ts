import assert from 'node:assert/strict'
import type {KernelMessage} from '@cgpu/plugin-sdk'
import {outputSchemas} from '../../../../packages/core/src/schema/zod.ts'
import {someOutcomes} from '../../../../test/helpers/notebook-outcomes.ts'
import {NdjsonTeller} from './tell-ndjson.ts'

const message = (type: string, content: Record<string, unknown>): KernelMessage => ({channel: 'iopub', type, parent: '', content, metadata: {}, buffers: []})

describe('the events of a batch', () => {
  it('are those of every command, each with the id of its run, and every run that started ends', async () => {
    const lines: string[] = []
    const teller = new NdjsonTeller((text) => lines.push(text))
    const {outcomes: [good, failed, , skipped]} = someOutcomes()
    assert.ok(good && failed && skipped)
    teller.begun(3)
    teller.ended(skipped)
    const begin = ({run}: typeof good): void => {
      const reporter = teller.reporterOf(run)
      reporter.started({id: 'the kernel\'s', runtime: 'a', kernel: 'python3'})
      reporter.cell({type: 'begin', index: 0, position: 1, total: 2})
      for (const one of [message('stream', {name: 'stderr', text: 'é\n'}), message('display_data', {data: {'text/plain': '1'}, metadata: {}}), message('status', {})]) reporter.message(0, one)
    }
    begin(good)
    begin(failed)
    teller.again(good)
    teller.ended(failed)
    begin(good)
    teller.ended(good)
    teller.over({status: 'error', exitStatus: 3, durationSeconds: 1, error: {code: 'BATCH_FAILED', message: 'no'}})
    teller.over({status: 'error', exitStatus: 70, durationSeconds: 0})
    const {streamEvent} = await outputSchemas()
    const events = lines.join('').trim().split('\n').map((line) => streamEvent.parse(JSON.parse(line)))
    assert.deepEqual(events.map(({seq}) => seq), events.map((_, index) => index))
    const batch = events[0]?.id
    const runs = [...new Set(events.map(({id}) => id))].filter((id) => id !== batch)
    assert.equal(runs.length, 3)
    assert.deepEqual(runs.map((id) => events.flatMap((event) => (event.id === id ? [event.type] : []))), runs.map(() => ['started', 'progress', 'stderr', 'display', 'finished']))
    assert.deepEqual(events.flatMap((event) => (event.type === 'started' ? [[event.notebook, event.output]] : [])), [['a.ipynb', 'a.out.ipynb'], ['b.ipynb', 'runs/javascript:"b".ipynb'], ['a.ipynb', 'a.out.ipynb']])
    assert.deepEqual(events.flatMap((event) => (event.type === 'notice' ? [[event.code, event.id === batch]] : [])), [['RUN_SKIPPED', true], ['RUN_AGAIN', true]])
    assert.deepEqual(events.flatMap((event) => (event.type === 'finished' && event.id === batch ? [event.exitStatus] : [])), [3])
  })
})
