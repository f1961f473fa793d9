import assert from 'node:assert/strict'
import type {Cgpu} from '@cgpu/core/cgpu'
import type {ClientContext} from './context.ts'
import {type DaemonTask, TaskRunner} from './tasks.ts'

const here = (name = 'a'): ClientContext => ({cwd: '/', env: {CGPU_PROFILE: name}, process: {}})
// tasks of these tests do not look at it
const open = async (): Promise<Cgpu> => ({}) as Cgpu

/** A task whose runs wait until the test ends them. */
function handTask(): {task: DaemonTask; runs: PromiseWithResolvers<'idle' | 'busy'>[]; began: (count: number) => Promise<void>} {
  const runs: PromiseWithResolvers<'idle' | 'busy'>[] = []
  let wake = Promise.withResolvers<void>()
  return {
    runs,
    task: {
      name: 'follow', everyMs: 5,
      run: () => {
        const run = Promise.withResolvers<'idle' | 'busy'>()
        runs.push(run)
        wake.resolve()
        return run.promise
      },
    },
    began: async (count) => {
      while (runs.length < count) {
        wake = Promise.withResolvers()
        await wake.promise
      }
    },
  }
}

describe('tasks of the daemon', () => {
  it('of its own run without anybody\'s environment, when they say, and when they are named', async () => {
    const states = ['busy', 'busy', 'idle'] as const
    let runs = 0
    let ran = Promise.withResolvers<void>()
    const own = {name: 'schedules', run: async () => {
      ran.resolve()
      return {state: states[runs++] ?? ('idle' as const), againMs: runs === 1 ? 1 : 1e8}
    }}
    const {task, runs: others} = handTask()
    const runner = new TaskRunner({tasks: [task], own: [own], open, log: () => undefined})
    const next = async (): Promise<void> => {
      await ran.promise
      ran = Promise.withResolvers()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const keep = setInterval(() => undefined, 50)
    runner.start()
    await next()
    await next()
    assert.equal(runner.busy, true)
    runner.poke(undefined, 'schedules')
    await next()
    clearInterval(keep)
    assert.deepEqual([runs, runner.busy, runner.status().map(({name, state}) => [name, state])], [3, false, [['schedules', 'idle']]])
    runner.poke(here(), 'schedules')
    assert.equal(others.length, 0, 'the environment of who asked is not worked in')
    await runner.stop()
    runner.poke(undefined, 'schedules')
    assert.equal(runs, 4)
  })

  it('run when they are poked, and again after their time', async () => {
    const {task, runs, began} = handTask()
    const runner = new TaskRunner({tasks: [task], open, log: () => undefined})
    assert.equal(runner.busy, false)
    runner.poke(here())
    await began(1)
    assert.equal(runner.busy, true)
    runs[0]?.resolve('busy')
    // unref'd timers do not keep a test alive: wait for the second run by poking never, only by time
    const keep = setInterval(() => undefined, 50)
    await began(2)
    clearInterval(keep)
    assert.equal(runner.status()[0]?.state, 'busy')
    assert.equal(runner.busy, true)
    const stopped = runner.stop()
    runs[1]?.resolve('idle')
    await stopped
  })

  it('run once more when they are poked while they run, and never twice at once', async () => {
    const {task, runs, began} = handTask()
    const runner = new TaskRunner({tasks: [{...task, everyMs: 1e8}], open, log: () => undefined})
    runner.poke(here())
    await began(1)
    runner.poke(here(), 'follow')
    runner.poke(here(), 'another')
    assert.equal(runs.length, 1)
    runs[0]?.resolve('idle')
    await began(2)
    runs[1]?.resolve('idle')
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([runs.length, runner.busy, runner.status()[0]?.state], [2, false, 'idle'])
    await runner.stop()
  })

  it('run for each environment apart, and one that fails is told of and tried again', async () => {
    const lines: string[] = []
    const seen: string[] = []
    const runner = new TaskRunner({
      tasks: [{name: 'bad', everyMs: 1e8, run: () => Promise.reject(new Error('no luck'))}],
      open: async (context) => {
        seen.push(context.env['CGPU_PROFILE'] ?? '')
        return open()
      },
      log: (line) => lines.push(line),
    })
    runner.poke(here('a'))
    runner.poke(here('b'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(seen, ['a', 'b'])
    assert.deepEqual(lines, ['task bad failed: no luck', 'task bad failed: no luck'])
    assert.deepEqual(runner.status().map(({state}) => state), ['failed', 'failed'])
    await runner.stop()
  })
})
