import assert from 'node:assert/strict'
import type {AgentClient, FollowOptions} from '../agent/client.ts'
import {LogRecord} from '../agent/log.ts'
import {statusOf} from '../agent/models.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {RejoinedExecution, type RejoinOptions} from './rejoin.ts'

const displayed = (type: string, content: object): LogRecord => new LogRecord('display', 0, Buffer.from(JSON.stringify({type, content})), 1)
const broken = (ename: string): LogRecord => displayed('error', {ename, evalue: '', traceback: []})

/** A machine whose code ends, with this error, when `end` is called or its kernel is interrupted. */
function bench(failing?: string) {
  const asked: string[] = []
  const over = Promise.withResolvers<void>()
  let state = 'running'
  const end = (): void => {
    state = 'exited'
    over.resolve()
  }
  const status = (): ReturnType<typeof statusOf> => statusOf({id: 'it', kind: 'cell', state, exitCode: state === 'running' ? null : failing === undefined ? 0 : 1})
  const agent = {
    async status() {
      asked.push('status')
      return status()
    },
    async follow(_id: string, {onRecord}: FollowOptions) {
      await over.promise
      if (failing !== undefined) await onRecord(broken(failing))
      return status()
    },
  }
  // all that a rejoined execution uses of them
  const session = {
    record: {name: 'there'},
    agent: async () => agent as unknown as AgentClient,
    guard: (work: () => Promise<unknown>) => work(),
    server: async () => ({
      async interruptKernel(id: string) {
        asked.push(`interrupt ${id}`)
        end()
      },
    }),
    takeOver: async (id: string) => void asked.push(`take over ${id}`),
    shutdownKernel: async (id: string) => void asked.push(`shutdown ${id}`),
  } as unknown as RuntimeSession
  const rejoin = (options: Partial<RejoinOptions> = {}): RejoinedExecution => new RejoinedExecution(session, {
    id: 'it', startedAt: performance.now(), delivered: {stdoutBytes: 0, stderrBytes: 0, displays: 0}, kernel: {id: 'k', name: 'python3', own: false}, onEvent: () => undefined, ...options,
  })
  return {asked, end, rejoin}
}

describe('an execution that is followed by its log', () => {
  const timedOut = {code: 'EXEC_TIMEOUT', exit: 130, message: 'the code was interrupted after 0.02 s', category: 'code', details: {id: 'it'}}

  it('is interrupted when its time is over, and ends by that', async () => {
    const {asked, rejoin} = bench('KeyboardInterrupt')
    await assert.rejects(rejoin({timeoutMs: 20}).result, timedOut)
    assert.deepEqual(asked, ['status', 'interrupt k'])
  })

  it('ended by that as well when whoever sent it had interrupted it before', async () => {
    const {asked, end, rejoin} = bench('KeyboardInterrupt')
    const execution = rejoin({timeoutMs: 20, startedAt: performance.now() - 1000})
    end()
    await assert.rejects(execution.result, timedOut)
    // somebody else's code may run there now
    await execution.interrupt()
    assert.ok(!asked.some((one) => one.startsWith('interrupt')), asked.join())
  })

  const ends: [what: string, error: string | undefined, options: Partial<RejoinOptions>, status: string, exitStatus: number][] = [
    ['ended well', undefined, {}, 'ok', 0],
    ['ended well in spite of its time', undefined, {timeoutMs: 1, startedAt: -1000}, 'ok', 0],
    ['failed', 'ValueError', {}, 'error', 1],
    ['failed, which is not for its time', 'ValueError', {timeoutMs: 1, startedAt: -1000}, 'error', 1],
    ['was interrupted by nobody that we know of', 'KeyboardInterrupt', {timeoutMs: 60_000}, 'error', 1],
    ['was interrupted by Ctrl-C before', 'KeyboardInterrupt', {interrupted: true}, 'interrupted', 130],
    ['was interrupted by Ctrl-C before its time was over', 'KeyboardInterrupt', {interrupted: true, timeoutMs: 1, startedAt: -1000}, 'interrupted', 130],
  ]
  for (const [what, error, options, status, exitStatus] of ends) {
    it(`${what}: ${status}, ${exitStatus}`, async () => {
      const {end, rejoin} = bench(error)
      const execution = rejoin(options)
      end()
      const outcome = await execution.result
      assert.deepEqual([outcome.status, outcome.exitStatus, outcome.error?.name, outcome.kernel], [status, exitStatus, error, {id: 'k', name: 'python3'}])
    })
  }

  it('is interrupted by Ctrl-C', async () => {
    const {rejoin} = bench('KeyboardInterrupt')
    const execution = rejoin({timeoutMs: 60_000})
    await execution.interrupt()
    assert.equal((await execution.result).status, 'interrupted')
  })

  it('takes the kernel that was made for it along', async () => {
    const {asked, end, rejoin} = bench()
    const execution = rejoin({kernel: {id: 'mine', name: 'python3', own: true}})
    assert.deepEqual(asked, ['take over mine'])
    end()
    await execution.result
    assert.deepEqual(asked, ['take over mine', 'shutdown mine'])
  })
})
