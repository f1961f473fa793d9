import assert from 'node:assert/strict'
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {ScheduleView} from '@cgpu/core/schedule/view'
import {processesOf} from '../contract/processes-of.ts'
import {linkPlugin} from '../helpers/plugin.ts'
import {create, ended, scheduleBed} from '../helpers/schedule-bed.ts'
import {assertRefused, until} from '../helpers/workbench.ts'

describe('schedules and daemons', function () {
  this.timeout(60_000)

  it('are not run twice by two daemons', async () => {
    const {bench, shows, daemonLog} = await scheduleBed()
    try {
      await create(bench, ['tick', '--every', '1s', '--', 'config', 'path'])
      await shows('tick', ended(1))
      const place = join(bench.home.dataDir, 'state', 'daemon')
      const {pid} = JSON.parse(readFileSync(join(place, 'daemon.json'), 'utf8')) as {pid: number} // our own daemon wrote it
      // the first one does not notice for half a minute that it is not the one any more
      for (const name of ['daemon.json', 'daemon.lock']) rmSync(join(place, name))
      const other = await bench.data<{pid: number; started: boolean}>(['daemon', 'start'])
      assert.ok(other.started && other.pid !== pid)
      const {runs} = await shows('tick', ended(5))
      process.kill(pid, 'SIGTERM')
      const due = runs.filter(({state}) => state !== 'skipped').map(({dueAt}) => dueAt)
      assert.equal(new Set(due).size, due.length)
      const started = [...daemonLog().matchAll(/schedule tick: started process/g)].length
      assert.ok(started > due.length, `both tried (${started} for ${due.length})`)
      await until(() => !processesOf(bench.home.path).includes(pid), () => 'it does not end')
    } finally {
      await bench.remove()
    }
  })

  it('keep it from ending while one is enabled', async () => {
    const {bench, shows} = await scheduleBed({CGPU_DAEMON_IDLE: '200', CGPU_DAEMON_TASKS_MS: '500'})
    try {
      await create(bench, ['tick', '--every', '1s', '--', 'config', 'path'])
      await shows('tick', ended(2))
      const {pid} = await bench.data<{pid: number}>(['daemon', 'status'])
      assert.equal((await bench.data<{started: boolean; pid: number}>(['daemon', 'start'])).pid, pid)
      await bench.data(['schedule', 'pause', 'tick'])
      // who asks it keeps it
      await until(() => !processesOf(bench.home.path).includes(pid), () => 'it stays')
    } finally {
      await bench.remove()
    }
  })

  it('that missed times while there was none run once, or not at all, as they are told', async () => {
    const {bench, shows, folder} = await scheduleBed({CGPU_DAEMON: 'off'})
    try {
      for (const missed of ['run', 'skip']) {
        await create(bench, [missed, '--every', '1d', '--missed', missed, '--', 'config', 'path'])
        const path = join(folder, `${missed}.json`)
        const file = JSON.parse(readFileSync(path, 'utf8')) as {schedule: ScheduleView & {doneUntil: string}} // our own record
        const ago = new Date(Date.now() - 9.5 * 86_400_000).toISOString()
        writeFileSync(path, JSON.stringify({...file, schedule: {...file.schedule, createdAt: ago, doneUntil: ago}}))
      }
      await bench.data(['daemon', 'start'])
      const late = await shows('run', ended(1))
      assert.deepEqual(late.runs.map(({run, state, reason}) => [run, state, reason]), [[2, 'exited', null], [1, 'skipped', 'missed']])
      const skipped = await shows('skip', ({runs}) => runs.length > 0)
      assert.deepEqual(skipped.runs.map(({state, reason, startedAt}) => [state, reason, startedAt]), [['skipped', 'missed', null]])
      assert.equal(Date.parse(skipped.runs[0]?.lastDueAt ?? '') - Date.parse(skipped.runs[0]?.dueAt ?? ''), 8 * 86_400_000)
      assert.match((await bench.cli(['schedule', 'list'])).stdout, /missed/)
    } finally {
      await bench.remove()
    }
  })

  it('know the commands of plugins, also of those without a manifest', async () => {
    const {bench, show} = await scheduleBed({CGPU_DAEMON: 'off'})
    try {
      const sing = `import {Command} from ${JSON.stringify(import.meta.resolve('@oclif/core'))}\nexport default class Sing extends Command {\n  async run() { this.log('la la') }\n}\n`
      await linkPlugin(bench.home, [{name: 'cgpu-sing', commands: {sing}}])
      assertRefused(await bench.cli(['schedule', 'create', 'song', '--every', '1d', '--', 'sign']), 64)
      await create(bench, ['song', '--every', '1d', '--', 'sing'])
      const {status, stdout, stderr} = await bench.cli(['schedule', 'run', 'song'])
      assert.deepEqual([status, stdout], [0, 'la la\n'], stderr)
      assert.equal((await show('song')).lastRun?.state, 'exited')
    } finally {
      await bench.remove()
    }
  })

  it('whose folder is gone say so', async () => {
    const {bench, show} = await scheduleBed({CGPU_DAEMON: 'off'})
    try {
      const gone = join(bench.home.path, 'gone')
      mkdirSync(gone)
      await create(bench, ['gone', '--every', '1d', '--', 'config', 'path'], {cwd: gone})
      rmSync(gone, {recursive: true})
      assertRefused(await bench.cli(['schedule', 'run', 'gone']), 66)
      assert.equal((await show('gone')).lastRun?.exitStatus, 66)
      assert.match((await bench.cli(['schedule', 'logs', 'gone'])).stdout, /^error: the folder .*gone is gone\n$/)
    } finally {
      await bench.remove()
    }
  })
})
