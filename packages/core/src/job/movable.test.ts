import assert from 'node:assert/strict'
import {CgpuError} from '../errors.ts'
import {movedTo, movesLeft, refuseMove} from './movable.ts'
import type {JobRecord, JobSeen} from './record.ts'

const seen: JobSeen = {at: '2026-11-28T17:00:00.000Z', state: 'running', exitStatus: null, signal: null, startedAt: 1, endedAt: null, stdoutBytes: 3, stderrBytes: 4}
const request = {cwd: '/w', command: ['true'], include: [], packages: [], outputs: [], envNames: ['A'], secretNames: []}
const job = (more: Partial<JobRecord> = {}): JobRecord => ({
  id: 'a-001', createdAt: '2026-11-28T16:00:00.000Z', runtime: {id: 'colab-1', name: 'first', provider: 'colab'}, releases: false,
  request: {...request, restarts: {max: 2}}, spec: {provider: 'colab', settings: {}}, fingerprint: 'f', detached: true, outputDir: '/w', remoteCwd: '/content', seen, ...more,
})

describe('a job whose machine is gone', () => {
  const may: [string, Partial<JobRecord>][] = [
    ['was running', {}],
    ['was moved before and has restarts left', {moves: 1}],
    ['used its restarts on tries of the daemon', {moves: 3, failedMoves: 2}],
    ['counts as lost', {seen: {...seen, state: 'lost'}, settledAt: seen.at}],
  ]
  for (const [what, more] of may) it(`may go on elsewhere when it ${what}`, () => refuseMove(job(more)))

  const refused: [string, Partial<JobRecord>, string, number][] = [
    ['ended', {seen: {...seen, state: 'exited', exitStatus: 0}}, 'JOB_OVER', 72],
    ['was ended with its machine', {seen: {...seen, state: 'lost', reason: 'cancelled'}, settledAt: seen.at}, 'JOB_OVER', 72],
    ['was started without --max-restarts', {request}, 'NOT_RESTARTABLE', 64],
    ['never began', {remoteCwd: undefined as never}, 'JOB_NOT_BEGUN', 72],
    ['has used its restarts, some in vain', {moves: 4, failedMoves: 2}, 'NO_RESTARTS_LEFT', 71],
    ['has used its restarts', {moves: 2}, 'NO_RESTARTS_LEFT', 71],
  ]
  for (const [what, more, code, exit] of refused) {
    it(`stays when it ${what}`, () => assert.throws(() => refuseMove(job(more)), (error) => error instanceof CgpuError && error.code === code && error.exit === exit && error.fix !== undefined))
  }

  it('goes on as one that nobody follows, whose machine is released after it', () => {
    const {seen: _, ...before} = job({moves: 1, detached: false})
    const moved = movedTo(job({moves: 1, detached: false, collectedAt: seen.at, settledAt: seen.at}), {id: 'colab-2', name: 'second', provider: 'colab'}, {remoteCwd: '/root', envNames: ['A', 'B']})
    assert.deepEqual(moved, {
      ...before, runtime: {id: 'colab-2', name: 'second', provider: 'colab'}, remoteCwd: '/root', request: {...before.request, envNames: ['A', 'B']}, detached: true, releases: true, moves: 2,
    })
    assert.equal(movesLeft(moved), 0)
  })
})
