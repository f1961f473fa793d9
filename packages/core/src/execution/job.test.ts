import assert from 'node:assert/strict'
import type {AgentClient, FollowOptions} from '../agent/client.ts'
import {LogRecord} from '../agent/log.ts'
import {statusOf} from '../agent/models.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {followJob} from './job.ts'

describe('followJob', () => {
  it('tells a restart of the program from a gap in its log', async () => {
    const notices = [
      {kind: 'restart', bytes: 0, attempt: 2, exitCode: 3, signal: null},
      {kind: 'restart', bytes: 0, attempt: 3, exitCode: 137, signal: 'SIGKILL'},
      {kind: 'restart'},
      {kind: 'disk-full', bytes: 7},
      {kind: 'limit', bytes: 8},
      {},
    ]
    const agent = {
      async follow(id: string, {onRecord}: FollowOptions) {
        for (const notice of notices) await onRecord(new LogRecord('notice', 0, Buffer.from(JSON.stringify(notice)), 1))
        return statusOf({id, state: 'exited', exitCode: 0})
      },
    }
    // all that followJob uses of them
    const session = {agent: async () => agent as unknown as AgentClient} as unknown as RuntimeSession
    const told: unknown[] = []
    await followJob(session, 'a', {onEvent: event => void told.push(event)})
    assert.deepEqual(told, [
      ['JOB_RESTARTED', 'the program ended with status 3; attempt 2 begins'],
      ['JOB_RESTARTED', 'the program was ended by SIGKILL; attempt 3 begins'],
      ['JOB_RESTARTED', 'the program ended with status unknown; attempt unknown begins'],
      ['LOG_GAP', '7 bytes of output could not be logged: the disk of the machine is full'],
      ['LOG_GAP', '8 bytes of output went over the limit of the log and was not kept'],
      ['LOG_GAP', 'some output is missing in the log'],
    ].map(([code, message]) => ({type: 'notice', code, message})))
  })
})
