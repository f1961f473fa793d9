import assert from 'node:assert/strict'
import {JupyterError, type KernelConnection} from '@cgpu/jupyter'
import type {AgentClient, FollowOptions, JobStatus} from '../agent/client.ts'
import {LogRecord} from '../agent/log.ts'
import {agentProblem} from '../agent/problem.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {followLog, hasCode, withAgent} from './follow-log.ts'
import {interruptWhenLinked} from './interrupt.ts'

const dead = (): JupyterError => new JupyterError('KERNEL_DEAD', 'gone')
const record = (endOffset: number): LogRecord => new LogRecord('stdout', 0, new Uint8Array(), endOffset)
const ended = {id: 'a', state: 'exited'} as JobStatus // nothing else of it is looked at here

/** A session whose agents follow a log as the functions say, one agent after the other. */
function sessionOf(...agents: ((options: FollowOptions) => Promise<JobStatus>)[]): {session: RuntimeSession; used: () => number} {
  let used = 0
  const agent = async (): Promise<AgentClient> => {
    const follow = agents[Math.min(used++, agents.length - 1)]
    return {follow: async (_run: string, options: FollowOptions) => follow?.(options)} as unknown as AgentClient // all that followLog calls
  }
  return {session: {agent} as unknown as RuntimeSession, used: () => used} // as above
}

describe('followLog', () => {
  it('goes on with another agent from the last whole record', async () => {
    const offsets: (number | undefined)[] = []
    const {session} = sessionOf(
      async ({offset, onRecord}) => {
        offsets.push(offset)
        await onRecord(record(30))
        throw dead()
      },
      async ({offset}) => {
        offsets.push(offset)
        return ended
      },
    )
    assert.equal(await followLog(session, 'a', {offset: 13, onRecord: () => {}}), ended)
    assert.deepEqual(offsets, [13, 30])
  })

  it('does not count a record whose consumer failed', async () => {
    const {session} = sessionOf(async ({onRecord}) => {
      await onRecord(record(30))
      return ended
    })
    await assert.rejects(followLog(session, 'a', {offset: 0, onRecord: async () => Promise.reject(new Error('full'))}), /full/)
  })

  it('gives up on agents that die again and again without progress', async () => {
    const {session, used} = sessionOf(async () => Promise.reject(dead()))
    await assert.rejects(followLog(session, 'a', {offset: 0, onRecord: () => {}}), {code: 'KERNEL_DEAD'})
    assert.equal(used(), 3)
  })

  it('knows a run that the machine does not know', async () => {
    const missing = sessionOf(async () => Promise.reject(agentProblem({code: 'NOT_FOUND', message: 'no run a'})))
    assert.equal(await followLog(missing.session, 'a', {offset: 0, onRecord: () => {}}), undefined)
    const unknown = sessionOf(async () => ({...ended, state: 'unknown'}))
    assert.equal(await followLog(unknown.session, 'a', {offset: 0, onRecord: () => {}}), undefined)
  })
})

describe('withAgent', () => {
  it('repeats only what a dead kernel took with it', async () => {
    const {session, used} = sessionOf()
    const outcomes = [dead(), dead(), 'done']
    const work = async (): Promise<string> => {
      const next = outcomes.shift()
      if (typeof next === 'string') return next
      throw next ?? new Error('none left')
    }
    assert.equal(await withAgent(session, work), 'done')
    assert.equal(used(), 3)
    await assert.rejects(withAgent(session, async () => Promise.reject(new JupyterError('NETWORK', 'down'))), {code: 'NETWORK'})
    assert.equal(used(), 4)
  })

  it('tells codes only of Jupyter errors', () => {
    assert.ok(hasCode(dead(), 'KERNEL_DEAD'))
    assert.ok(!hasCode(Object.assign(new Error('x'), {code: 'KERNEL_DEAD'}), 'KERNEL_DEAD'))
    assert.ok(!hasCode(undefined, 'KERNEL_DEAD'))
  })
})

describe('interruptWhenLinked', () => {
  const connection = (interrupt: () => Promise<void>): KernelConnection => {
    const onLink = (listener: (state: string, detail: object) => void): (() => void) => {
      const timer = setImmediate(() => listener('connected', {}))
      return () => clearImmediate(timer)
    }
    return {interrupt, onLink} as unknown as KernelConnection // all that it calls
  }

  it('tries again while the network is down', async () => {
    let tries = 0
    await interruptWhenLinked(connection(async () => {
      if (++tries < 3) throw new JupyterError('NETWORK', 'down')
    }), () => true)
    assert.equal(tries, 3)
  })

  it('stops when the code is over, and passes other failures on', async () => {
    let wanted = true
    await interruptWhenLinked(connection(async () => {
      wanted = false
      throw new JupyterError('NETWORK', 'down')
    }), () => wanted)
    await assert.rejects(interruptWhenLinked(connection(async () => Promise.reject(new JupyterError('AUTH', 'no'))), () => true), {code: 'AUTH'})
  })
})
