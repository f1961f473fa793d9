import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type {Channel, ExecuteOptions, ExecuteResult, Message} from './contract.ts'
import {JupyterError} from './errors.ts'
import {Execution} from './execution.ts'

const message = (channel: Channel, msg_type: string, content: Record<string, unknown> = {}): Message => ({
  channel, header: {msg_id: Math.random().toString(36), msg_type}, parent_header: {msg_id: 'x'}, metadata: {}, content, buffers: [],
})
const reply = (status = 'ok', more: Record<string, unknown> = {}): Message => message('shell', 'execute_reply', {status, ...more})
const busy = message('iopub', 'status', {execution_state: 'busy'})
const idle = message('iopub', 'status', {execution_state: 'idle'})
const print = (text: string): Message => message('iopub', 'stream', {name: 'stdout', text})
const interrupted = reply('error', {ename: 'KeyboardInterrupt', evalue: '', traceback: []})

class Run {
  readonly calls: string[] = []
  readonly execution: Execution
  error: unknown
  #result: ExecuteResult | undefined

  constructor(options: ExecuteOptions = {}) {
    this.execution = new Execution('x', options, {
      sendInput: async value => void this.calls.push(`input ${value}`),
      interrupt: async () => void this.calls.push('interrupt'),
      confirm: () => void this.calls.push('confirm'),
      stalled: () => void this.calls.push('stalled'),
    })
    this.execution.promise.then(result => (this.#result = result), (error: unknown) => (this.error = error))
  }

  get result(): ExecuteResult | undefined {
    return this.#result
  }

  async see(...messages: Message[]): Promise<this> {
    for (const each of messages) await this.execution.handle(each)
    // the promise's own callbacks
    await new Promise(resolve => setImmediate(resolve))
    return this
  }
}

describe('an execution', () => {
  it('is over at reply and idle, in either order, and not before', async () => {
    for (const order of [[reply(), idle], [idle, reply()]]) {
      const run = await new Run().see(busy, order[0] ?? idle)
      assert.deepEqual([run.result], [undefined])
      await run.see(order[1] ?? idle)
      assert.deepEqual([run.result?.status, run.result?.replyLost, run.result?.started], ['ok', false, true])
    }
  })

  it('hands on every output once and in order, whatever else arrives', async () => {
    const noise = fc.constantFrom(busy, message('iopub', 'from_the_future'), message('control', 'odd_reply'), message('stdin', 'odd'), message('shell', 'odd_reply'))
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof(noise, fc.string().map(print))), fc.boolean(), async (messages, idleFirst) => {
      const seen: Message[] = []
      const run = new Run({onOutput: each => void seen.push(each)})
      await run.see(...messages, ...(idleFirst ? [idle, reply()] : [reply(), idle]), print('late'))
      assert.deepEqual(seen, messages.filter(each => each.channel === 'iopub' && each.header.msg_type !== 'status'))
      assert.equal(run.result?.status, 'ok')
    }))
  })

  it('takes success from the reply, not from error outputs', async () => {
    const run = await new Run().see(message('iopub', 'error', {ename: 'E'}), reply(), idle)
    assert.deepEqual([run.result?.status, run.result?.error], ['ok', undefined])
  })

  for (const [given, wanted] of [['aborted', 'aborted'], ['abort', 'aborted'], ['error', 'error'], ['strange', 'error']] as const) {
    it(`reads the reply status ${given} as ${wanted}`, async () => {
      assert.equal((await new Run().see(reply(given), idle)).result?.status, wanted)
    })
  }

  it('finishes at idle alone after a new session, as unknown', async () => {
    const run = await new Run().see(busy)
    run.execution.gap('new-session')
    await run.see(idle)
    assert.deepEqual([run.result?.status, run.result?.replyLost, run.result?.started], ['unknown', true, true])
  })

  it('knows of an error though the reply was lost', async () => {
    const run = await new Run().see(message('iopub', 'error', {ename: 'ValueError', evalue: 'no', traceback: ['a', 1, 'b']}))
    run.execution.gap('new-session')
    await run.see(idle)
    assert.deepEqual([run.result?.status, run.result?.error], ['error', {name: 'ValueError', value: 'no', traceback: ['a', 'b']}])
  })

  it('does not end while held, and ends when released', async () => {
    const run = new Run()
    run.execution.held = true
    run.execution.gap('reconnected')
    await run.see(reply(), idle)
    assert.equal(run.result, undefined)
    run.execution.release()
    assert.equal((await run.see()).result?.status, 'ok')
  })

  it('asks where an interrupt comes from that nobody here asked for', async () => {
    const run = await new Run().see(interrupted, idle)
    assert.deepEqual([run.calls, run.result], [['confirm'], undefined])
    run.execution.confirm()
    assert.equal((await run.see()).result?.error?.name, 'KeyboardInterrupt')
  })

  it('believes an interrupt that was asked for', async () => {
    const run = new Run()
    run.execution.interruptAsked = true
    await run.see(interrupted, idle)
    assert.deepEqual([run.calls, run.result?.status], [[], 'error'])
  })

  it('is concluded with what was seen: nothing, idle, or the reply', async () => {
    const nothing = new Run()
    nothing.execution.conclude()
    assert.deepEqual([(await nothing.see()).result?.status, nothing.result?.started], ['unknown', false])
    const replied = await new Run().see(reply())
    replied.execution.conclude()
    assert.deepEqual([(await replied.see()).result?.status, replied.result?.replyLost], ['ok', false])
  })

  it('that never started is lost when the kernel was restarted meanwhile', async () => {
    const run = new Run()
    run.execution.restart = new JupyterError('KERNEL_RESTARTED', 'restarted')
    run.execution.conclude()
    await run.see()
    assert.equal(run.error, run.execution.restart)
  })

  it('answers input requests, and interrupts the kernel when it cannot', async () => {
    const request = message('stdin', 'input_request', {prompt: '? ', password: true})
    const run = await new Run({onInput: async (prompt, password) => `${prompt}${password}`}).see(request)
    assert.deepEqual(run.calls, ['input ? true'])
    const failing = await new Run({onInput: async () => Promise.reject(new Error('no terminal'))}).see(request)
    assert.deepEqual([failing.calls, String(failing.error)], [['interrupt'], 'Error: no terminal'])
  })

  it('fails with what a consumer of output throws, at once or later', async () => {
    for (const onOutput of [() => { throw new Error('full') }, async () => Promise.reject(new Error('full'))]) {
      assert.equal(String((await new Run({onOutput}).see(print('x'))).error), 'Error: full')
    }
  })
})
