import assert from 'node:assert/strict'
import {once} from 'node:events'
import {readdirSync, statSync} from 'node:fs'
import {join} from 'node:path'
import type {ScheduleView} from '@cgpu/core/schedule/view'
import {outputSchemas} from '../../packages/core/src/schema/zod.ts'
import {envelope, startCgpu} from '../helpers/cli.ts'
import {create, ended, scheduleBed, type ScheduleBed} from '../helpers/schedule-bed.ts'
import {assertRefused, type Workbench} from '../helpers/workbench.ts'

describe('schedules', function () {
  this.timeout(150_000)
  let bed: ScheduleBed
  let bench: Workbench
  before(async () => {
    bed = await scheduleBed()
    ;({bench} = bed)
  })
  after(() => bench.remove())

  it('run their command again and again, in their folder, by a daemon that is started for them', async () => {
    const created = await bench.cli(['schedule', 'create', 'tick', '--every', '1s', '--', 'config', 'get', 'provider'])
    assert.equal(created.status, 0, created.stderr)
    assert.match(created.stdout, /^tick runs next at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(.+\)\n$/)
    const {runs, cwd, argv, createdAt} = await bed.shows('tick', ended(2))
    assert.deepEqual([cwd, argv], [bench.home.cwd, ['config', 'get', 'provider']])
    for (const {dueAt, startedAt} of runs) {
      assert.equal((Date.parse(dueAt ?? '') - Date.parse(createdAt)) % 1000, 0, 'counted from when it was made')
      // on a machine that is busy one may be skipped
      assert.ok(startedAt === null || Date.parse(startedAt) >= Date.parse(dueAt ?? ''), 'not early')
    }
    const run = runs.findLast(({state}) => state === 'exited') ?? assert.fail()
    assert.equal(run.exitStatus, 0)
    assert.equal((await bench.cli(['schedule', 'logs', 'tick', '--run', String(run.run)])).stdout, 'local\n')
    const table = (await bench.cli(['schedule', 'list'])).stdout
    assert.match(table, /^name +when +next +last run +ended +command\ntick +every 1s +.*config get provider\n$/)
    // the first one is another where the daemon came too late for it
    assert.match((await bench.cli(['schedule', 'show', 'ti'])).stdout, new RegExp(`\\n${run.run} +\\d{4}-.* ok\\n`))
  })

  it('do nothing while they are paused', async () => {
    await bench.data(['schedule', 'pause', 'tick'])
    // a run that goes on is not the newest where a time was passed over meanwhile
    const paused = await bed.shows('tick', ({runs}) => runs.every(({state}) => state !== 'running'))
    assert.deepEqual([paused.state, paused.nextAt], ['paused', null])
    await create(bench, ['witness', '--every', '1s', '--', 'config', 'path'])
    await bed.shows('witness', ended(2))
    assert.deepEqual((await bed.show('tick')).runs, paused.runs)
    const before = Date.now()
    assert.equal((await bench.data<ScheduleView>(['schedule', 'resume', 'tick'])).state, 'enabled')
    const {runs} = await bed.shows('tick', ended(paused.runs.filter(({state}) => state === 'exited').length + 1))
    assert.ok(Date.parse(runs[0]?.dueAt ?? '') > before - 1000, 'nothing is made up for')
    await bed.remove('tick', 'witness')
    assert.deepEqual(await bench.data(['schedule', 'list']), [])
    assert.deepEqual(readdirSync(bed.folder).filter((name) => !name.startsWith('.')), [])
  })

  it('tell of a command that fails, with its status and what it said', async () => {
    await create(bench, ['fails', '--every', '1s', '--', 'runtime', 'show', 'nobody'])
    const {runs} = await bed.shows('fails', ended(1))
    const run = runs.findLast(({state}) => state === 'exited') ?? assert.fail()
    assert.equal(run.exitStatus, 66)
    assert.match((await bench.cli(['schedule', 'logs', 'fails', '--run', String(run.run)])).stdout, /^error: there is no runtime "nobody"\nfix: /)
    assert.match((await bench.cli(['schedule', 'list'])).stdout, /failed \(66\)|running|went on|missed/)
    await bed.remove('fails')
  })

  it('can be run by hand, with the streams and the status of the command', async () => {
    await create(bench, ['hand', '--cron', '0 3 1 1 *', '--timezone', 'Europe/Berlin', '--', 'runtime', 'show', 'nobody'])
    const ran = await bench.cli(['schedule', 'run', 'hand'])
    assert.deepEqual([ran.status, ran.stdout], [66, ''])
    assert.match(ran.stderr, /^error: there is no runtime "nobody"\nfix: /)
    const told = await bench.cli(['schedule', 'run', 'hand', '--json'])
    assert.deepEqual([told.status, envelope(told).error.code, envelope(told).error.fix], [66, 'PROGRAM_FAILED', 'cgpu schedule logs hand --run 2'])
    const shown = await bed.show('hand')
    assert.deepEqual(shown.runs.map(({run, dueAt, exitStatus}) => [run, dueAt, exitStatus]), [[2, null, 66], [1, null, 66]])
    assert.match(shown.nextAt ?? '', /^\d{4}-01-01T02:00:00\.000Z$/)
    const {schedule, scheduleRun} = await outputSchemas()
    schedule.strict().parse((await bench.data<unknown[]>(['schedule', 'list']))[0])
    for (const run of shown.runs) scheduleRun.strict().parse(run)
  })

  it('run by hand are over when nobody reads on', async () => {
    await create(bench, ['endless', '--every', '1d', '--', 'daemon', 'logs', '--follow', '--tail', '1'])
    const child = startCgpu(['schedule', 'run', 'endless'], {home: bench.home})
    const over = once(child, 'exit')
    await once(child.stdout ?? assert.fail(), 'data')
    child.stdout?.destroy()
    // the log goes on, by the schedule that follows: a run whose output nobody reads meets that
    await create(bench, ['noise', '--every', '1s', '--', 'config', 'path'])
    assert.deepEqual(await over, [0, null])
    await bed.shows('endless', ended(1))
    await bench.data(['schedule', 'pause', 'noise'])
  })

  it('run each time once, however many runners try', async () => {
    // so near that the daemon does not take it for the work of a clock that was wrong
    await create(bench, ['once', '--every', '1h', '--', 'config', 'path'])
    const due = (await bed.show('once')).nextAt ?? ''
    const all = await Promise.all(Array.from({length: 4}, () => bench.cli(['schedule', 'run', 'once', '--due', due])))
    assert.deepEqual(all.map(({status, stdout, stderr}) => [status, stdout, stderr]), all.map(() => [0, '', '']))
    const {runs} = await bed.show('once')
    assert.deepEqual(runs.map(({state, dueAt}) => [state, dueAt]), [['exited', due]])
    assertRefused(await bench.cli(['schedule', 'run', 'onc', '--due', 'x']), 64)
    // one that is gone is not taken for another whose name begins so
    assert.equal((await bench.cli(['schedule', 'run', 'onc', '--due', new Date(Date.now() + 3e8).toISOString()])).status, 0)
    assert.equal((await bed.show('once')).runs.length, 1)
  })

  it('are refused in two lines when they could not work', async () => {
    await create(bench, ['there', '--every', '1d', '--', 'config', 'path'])
    const cases: [args: string[], status: number][] = [
      [['create', 'there', '--every', '1d', '--', 'config', 'path'], 72], [['create', 'A b', '--every', '1d', '--', 'config', 'path'], 64],
      [['create', '../up', '--every', '1d', '--', 'config', 'path'], 64], [['create', 'x', '--', 'config', 'path'], 64], [['create', 'x', '--every', '1d'], 64],
      [['create', 'x', '--every', '1d', 'config', 'path'], 64], [['create', 'x', '--every', '1d', '--', 'confg', 'path'], 64],
      [['create', 'x', '--every', '1d', '--cron', '@daily', '--', 'config', 'path'], 64], [['create', 'x', '--cron', '99 * * * *', '--', 'config', 'path'], 64],
      [['create', 'x', '--cron', '@daily', '--timezone', 'Mars/Base', '--', 'config', 'path'], 64], [['create', 'x', '--every', '1d', '--missed', 'maybe', '--', 'config', 'path'], 64],
      [['create', 'x', '--every', '1d', '--', 'run', '--detahc', 'x.py'], 64], [['create', 'x', '--every', '1d', '--', 'secret', 'set', 'A'], 64], [['create', '--every', '1d', '--', 'config', 'path'], 64],
      [['show', 'nobody'], 66], [['run', 'nobody'], 66], [['logs', 'nobody'], 66], [['logs', 'there'], 66], [['logs', 'there', '--run', '7'], 66], [['pause', 'nobody'], 66],
      [['resume', 'nobody'], 66], [['rm', 'nobody'], 66], [['rm'], 64], [['show'], 64],
    ]
    for (const [args, status] of cases) assertRefused(await bench.cli(['schedule', ...args]), status, args.join(' '))
    assert.equal((await bench.cli(['schedule', 'show', 'x'])).status, 66, 'none was made')
  })

  it('say once that a variable comes from elsewhere, and that nobody runs them where the daemon is off', async () => {
    const warned = await bench.cli(['schedule', 'create', 'vars', '--every', '1d', '--', 'run', '-e', 'TOKEN', '-e', 'EPOCHS=3', 'train.py'])
    assert.equal(warned.stderr.split('\n').filter((line) => line.startsWith('warning: ')).length, 1, warned.stderr)
    assert.match(warned.stderr, /^warning: TOKEN will come from the environment of the daemon/)
    const off = await bench.cli(['schedule', 'create', 'off', '--every', '1d', '--', 'config', 'path'], {env: {CGPU_DAEMON: 'off'}})
    assert.match(off.stderr, /^warning: the daemon is off, and it runs schedules: cgpu daemon start$/m)
  })

  it('keep what they know for their owner', () => {
    if (process.platform === 'win32') return
    for (const name of readdirSync(bed.folder, {recursive: true, encoding: 'utf8'})) {
      const {mode} = statSync(join(bed.folder, name))
      assert.equal(mode & 0o077, 0, name)
    }
  })
})
