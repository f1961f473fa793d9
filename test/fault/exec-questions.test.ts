import assert from 'node:assert/strict'
import {Execution} from '@cgpu/core/execution/exec'
import type {KernelHost, RuntimeEndpoint} from '@cgpu/core/provider'
import type {Message} from '@cgpu/jupyter'
import {colabRequest} from '../helpers/colab-request.ts'
import {type OpenSession, type SessionBed, startSessionBed, Told} from '../helpers/session-bed.ts'

type Answer = NonNullable<RuntimeEndpoint['answerKernel']>

describe('questions of code on the machine', function () {
  this.timeout(60_000)
  let bed: SessionBed
  let told: Told
  const host: KernelHost = {secret: async () => ({exists: false, access: false})}
  const reply = (message: Message, data: unknown): object => ({type: 'colab_reply', colab_msg_id: message.metadata['colab_msg_id'], data})
  const start = async (code: string, answerKernel: Answer | undefined, given: KernelHost | undefined = host): Promise<OpenSession & {execution: Execution}> => {
    const opened = await bed.session()
    Object.assign(opened.session.endpoint, {answerKernel})
    return {...opened, execution: new Execution(opened.session, {code, onEvent: told.onEvent, host: given})}
  }

  before(async () => {
    bed = await startSessionBed()
  })
  beforeEach(() => {
    told = new Told()
  })
  afterEach(() => bed.reset())
  after(() => bed.stop())

  it('are answered while the code goes on printing', async () => {
    const answering = Promise.withResolvers<void>()
    const code = `import threading, time
def talk():
    for i in range(50): print(i, flush=True); time.sleep(0.002)
talker = threading.Thread(target=talk); talker.start()
${colabRequest('GetSecret', {key: 'A'})}
talker.join()`
    const {execution} = await start(code, async (message) => {
      // the answer waits for output that comes after the question: it holds nothing back
      await told.shows(/49\n/)
      answering.resolve()
      return reply(message, 1)
    })
    const {status} = await execution.result
    await answering.promise
    assert.equal(status, 'ok')
    assert.match(told.text, /"data": 1/)
    assert.deepEqual(told.numbers, Array.from({length: 50}, (_, index) => index))
  })

  it('are answered once, though the link was lost in between', async () => {
    let asked = 0
    const opened = await start(colabRequest('GetSecret', {key: 'A'}, {seconds: 30}), async (message) => {
      asked++
      const back = opened.link('connected')
      bed.chaos.rstAll()
      await back
      return reply(message, 'late')
    })
    const {status} = await opened.execution.result
    assert.deepEqual([status, asked], ['ok', 1])
    assert.match(told.text, /"data": "late"/)
  })

  it('are passed over without an answer, a provider or somebody to answer', async () => {
    const code = colabRequest('GetSecret', {key: 'A'}, {seconds: 0.3})
    for (const answer of [async () => undefined, undefined, () => Promise.reject(new Error('a bug'))]) {
      told = new Told()
      const {status} = await (await start(code, answer)).execution.result
      assert.deepEqual([status, told.text], ['ok', 'timeout\n'])
    }
    told = new Told()
    const opened = await bed.session()
    Object.assign(opened.session.endpoint, {answerKernel: async () => assert.fail('nobody answers')})
    assert.equal((await new Execution(opened.session, {code, onEvent: told.onEvent}).result).status, 'ok')
  })

  it('that a person was asked are withdrawn when the code is over', async () => {
    const withdrawn = Promise.withResolvers<unknown>()
    const consent: KernelHost['consent'] = ({signal}) =>
      new Promise((resolve) => {
        const withdraw = (): void => {
          withdrawn.resolve(true)
          resolve(false)
        }
        // on a busy machine the code may be over by the time that somebody is asked
        if (signal?.aborted) withdraw()
        else signal?.addEventListener('abort', withdraw)
      })
    const {execution} = await start(colabRequest('request_auth', {}, {seconds: 2}), async (message, {consent: ask}) => reply(message, await ask?.({message: '', url: ''})), {...host, consent})
    assert.equal((await execution.result).status, 'ok')
    assert.equal(await withdrawn.promise, true)
  })
})
