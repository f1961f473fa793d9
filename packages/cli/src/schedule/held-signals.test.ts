import assert from 'node:assert/strict'
import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {RunLog} from '@cgpu/core/schedule/log'
import type {Schedule} from '@cgpu/core/schedule/record'
import {execute} from './execute.ts'
import {HeldSignals} from './held-signals.ts'

/** As if it had come to this process; only what listens hears of it. */
const comes = (name: 'SIGTERM' | 'SIGHUP'): void => void process.emit(name, name)

describe('signals to who runs a schedule', () => {
  let signals: HeldSignals
  beforeEach(() => void (signals = new HeldSignals(false)))
  afterEach(() => signals.release())
  const child = (): {told: unknown[]; kill: (name?: NodeJS.Signals | number) => boolean} => {
    const told: unknown[] = []
    return {told, kill: (name) => told.push(name) > 0}
  }

  it('are passed on to the command, also one that came while it was being started', () => {
    comes('SIGTERM')
    const one = child()
    signals.passTo(one)
    comes('SIGHUP')
    assert.deepEqual(one.told, ['SIGTERM', 'SIGHUP'])
  })

  it('are nobody\'s before and after: who listens is asked again', () => {
    const before = process.listenerCount('SIGTERM')
    signals.release()
    assert.equal(process.listenerCount('SIGTERM'), before - 1)
  })

  it('end a run whose command was not started yet, with the status of one that they end', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-signals-'))
    try {
      const schedule = {argv: ['no-such-command'], cwd: folder} as unknown as Schedule // all that is looked at
      const log = new RunLog(join(folder, '1.log'))
      comes('SIGTERM')
      const status = await execute(schedule, {log, shown: false, signals, begun: () => assert.fail('nothing is started')})
      assert.equal(log.end(), undefined)
      assert.deepEqual([status, await readFile(join(folder, '1.log'), 'utf8')], [143, 'error: ended by SIGTERM before the command was started\n'])
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })
})
