import assert from 'node:assert/strict'
import {statusOf} from './models.ts'
import {agentProblem} from './problem.ts'

describe('a status from the machine', () => {
  it('keeps what it knows and is what it should be', () => {
    const told = {
      id: 'a', kind: 'job', state: 'exited', pid: 7, startedAt: 1, endedAt: 2, exitCode: 137, signal: 'SIGKILL', stdoutBytes: 3, stderrBytes: 4,
      logBytes: 5, droppedBytes: 6, cancelled: true, reason: 'oom', peakMemoryBytes: 8, peakGpuMemoryBytes: 9, diskFull: true, diskFreeBytes: 10,
      heartbeatAt: 11, attempt: 2, restarts: 1, argv: ['x'], cwd: '/', createdAt: 0, envNames: ['KEY'], maxRestarts: 3, resume: ['y'], checkpoint: '*',
      fingerprint: 'f',
    }
    assert.deepEqual(statusOf({...told, pgid: 7, unknown: {}}), told)
  })

  it('leaves out what is not', () => {
    const wrong = [
      {cancelled: false, diskFull: 'true'}, {cancelled: 1, reason: 1}, {reason: null, fingerprint: {}}, {peakMemoryBytes: '1', attempt: null},
      {argv: 'true', resume: {}}, {argv: [1], envNames: ['a', null]},
    ]
    for (const fields of wrong) assert.deepEqual(statusOf(fields), statusOf({}))
  })
})

describe('what the agent says went wrong', () => {
  it('names the place that was meant, not what is written beside it until it is whole', () => {
    for (const beside of ['.cgpu-0123456789ab.part', '.a b.csv.cgpu-0123456789ab.2.part']) {
      assert.equal(agentProblem({code: 'DENIED', message: `permission denied: /srv/it/${beside}`}).message, 'on the machine: permission denied: /srv/it')
    }
    assert.match(agentProblem({code: 'DENIED', message: 'permission denied: /srv/cgpu-notes.part'}).message, /cgpu-notes\.part$/)
  })
})
