import assert from 'node:assert/strict'
import type {HookHost} from './fire.ts'
import {withExecution} from './hooks.ts'
import {jobMeasured} from './measure.ts'
import {callRegistered} from './registered-call.ts'
import type {Measurement, MetricSink} from './registration-types.ts'

function hostOf(...sinks: [name: string, sink: MetricSink][]): HookHost & {warnings: string[]} {
  const warnings: string[] = []
  const runHook = async (event: string) => ({failures: [], successes: event === 'metric-sink:register' ? sinks.map(([name, sink], at) => ({plugin: {name: `plugin-${at}`}, result: {name, sink}})) : []})
  return {config: {runHook: runHook as unknown as HookHost['config']['runHook']}, warn: (message) => warnings.push(message), warnings}
}

const request = {id: 'r1', kind: 'run' as const, runtime: {id: '1', name: 'there', provider: 'local'}, argv: ['secret-in-argv'], envNames: []}

describe('metric sinks', () => {
  const told: Measurement[] = []
  beforeEach(() => void told.splice(0))
  const host = () => hostOf(['mine', (one) => void told.push(one)])

  it('are given what was measured of an execution, and nothing of what ran', async () => {
    await withExecution(host(), request, {}, async () => ({exitStatus: 3, durationMs: 12, stdoutBytes: 5, peakMemoryBytes: 1000, peakGpuMemoryBytes: NaN, env: 'x'}), (end) => end)
    const [{at, ...rest} = {at: ''}] = told
    assert.ok(Math.abs(Date.now() - Date.parse(at)) < 10_000)
    assert.deepEqual(rest, {id: 'r1', kind: 'run', runtime: request.runtime, status: 'error', exitStatus: 3, durationMs: 12, stdoutBytes: 5, peakMemoryBytes: 1000})
  })

  it('learn of failures, and of no execution that did not end', async () => {
    await assert.rejects(withExecution(host(), request, {}, async () => { throw new TypeError('no') }))
    assert.deepEqual(told.map(({status, exitStatus}) => [status, exitStatus]), [['error', undefined]])
    await withExecution(host(), request, {}, async () => 'left', () => undefined)
    assert.equal(told.length, 1)
  })

  it('learn of a job that was left running when it ends', async () => {
    await jobMeasured(host(), {id: 'j', runtime: request.runtime}, {exitStatus: 0, durationMs: 9, peakGpuMemoryBytes: 7}, {status: 'ok', exitStatus: 0})
    const [{at: _, ...rest} = {at: ''}] = told
    assert.deepEqual(rest, {id: 'j', kind: 'job', runtime: request.runtime, status: 'ok', exitStatus: 0, durationMs: 9, peakGpuMemoryBytes: 7})
  })

  it('that throw become a warning, and the others are told all the same', async () => {
    const bad = hostOf(['bad', () => { throw new Error('boom\u001b[2J') }], ['nothing', () => { throw undefined }], ['good', (one) => void told.push(one)])
    assert.equal(await withExecution(bad, request, {}, async () => 'result'), 'result')
    assert.deepEqual(bad.warnings, ['the metric sink "bad" of plugin plugin-0 failed: boom\\x1b[2J', 'the metric sink "nothing" of plugin plugin-1 failed: undefined'])
    assert.equal(told.length, 1)
  })

  it('of one name stop an execution before it runs, and are a warning at the end of a job', async () => {
    const two = hostOf(['same', () => undefined], ['same', () => undefined])
    let ran = false
    await assert.rejects(withExecution(two, request, {}, async () => void (ran = true)), {code: 'METRIC_SINK_CLASH', exit: 72, message: /plugin-0 and plugin-1/})
    assert.equal(ran, false)
    await jobMeasured(two, {id: 'j', runtime: request.runtime}, {}, {status: 'ok'})
    assert.deepEqual(two.warnings, ['plugin-0 and plugin-1 both bring a metric sink "same": neither is given measurements'])
  })
})

describe('what a plugin registered', () => {
  it('is given up after a while, and told so', async () => {
    let signal: AbortSignal | undefined
    await assert.rejects(callRegistered(hostOf(), 'metric-sink:register', (given) => {
      signal = given
      return new Promise(() => {})
    }, 20), {message: 'timed out after 20 ms'})
    assert.equal(signal?.aborted, true)
  })

  it('writes nothing into the command\'s result, and does not end it', async () => {
    const host = hostOf()
    await assert.rejects(callRegistered(host, 'metric-sink:register', () => {
      process.stdout.write('into the result')
      process.exit(3)
    }), {message: /process\.exit\(3\) was called/})
    assert.match(host.warnings.join(), /wrote to stdout in metric-sink:register/)
  })
})
