import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {JobStatus} from '../agent/client.ts'
import type {RuntimeRecord} from '../runtime/record.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {Jobs} from './jobs.ts'
import type {JobRecord} from './record.ts'
import {JobStore} from './store.ts'
import {viewOfRecord} from './view.ts'

const record: JobRecord = {
  id: 'a', createdAt: '2026-11-28T16:00:00.000Z', runtime: {id: 'r', name: 'first', provider: 'local'}, releases: false, fingerprint: 'a', detached: true, outputDir: '/w',
  request: {cwd: '/w', command: ['true'], include: [], packages: [], outputs: [], envNames: [], secretNames: []}, spec: {provider: 'local', settings: {}},
  seen: {at: '2026-11-28T16:10:00.000Z', state: 'exited', exitStatus: 0, signal: null, startedAt: Date.parse('2026-11-28T16:05:00.000Z') / 1000, endedAt: Date.parse('2026-11-28T16:06:00.000Z') / 1000, stdoutBytes: 0, stderrBytes: 0},
}

describe('a job as commands show it', () => {
  it('ran from its start on the machine, not from when that was asked for', () => {
    const {createdAt, endedAt, machineGone} = viewOfRecord(record, true)
    assert.deepEqual([createdAt, endedAt, machineGone], ['2026-11-28T16:05:00.000Z', '2026-11-28T16:06:00.000Z', true])
    const {seen: _, ...never} = record
    assert.deepEqual([viewOfRecord(never, false).createdAt, viewOfRecord(never, false).machineGone], [record.createdAt, undefined])
  })

  it('is no cell, nor what the machine cannot tell of', async () => {
    const status = (id: string, kind: string, state: string): Partial<JobStatus> => ({id, kind, state, exitCode: null, signal: null, startedAt: 1, endedAt: null, stdoutBytes: 0, stderrBytes: 0, droppedBytes: 0, logBytes: 0})
    const runs = [status('job', 'job', 'running'), status('cell', 'cell', 'exited'), status('torn', 'job', 'unknown')]
    const session = {agent: async () => ({runs: async () => runs}), guard: (work: () => Promise<unknown>) => work(), close: async () => undefined} as unknown as RuntimeSession // what is asked of it
    const runtime = {id: 'r', name: 'first', provider: 'local', origin: 'created'} as RuntimeRecord // what is looked at
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-view-'))
    try {
      const jobs = new Jobs({store: new JobStore(folder), runtimes: {remembered: async () => [runtime], select: () => assert.fail(), keep: () => assert.fail(), release: () => assert.fail()}, connect: async () => session})
      assert.deepEqual((await jobs.list()).map(({id, state}) => [id, state]), [['job', 'running']])
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })
})
