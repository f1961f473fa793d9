import assert from 'node:assert/strict'
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Writable} from 'node:stream'
import type {ScheduleView} from '@cgpu/core/schedule/view'
import {processesOf} from '../contract/processes-of.ts'
import {cgpuBin, startCgpu} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'
import {create, ended, scheduleBed} from '../helpers/schedule-bed.ts'
import {assertRefused, until} from '../helpers/workbench.ts'

describe('schedules and daemons', function () {
  this.timeout(180_000)

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
      // unless it has noticed, on a machine that took so long
      if (processesOf(bench.home.path).includes(pid)) process.kill(pid, 'SIGTERM')
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

  it('go on without the daemon, and when who runs them is killed; then they are lost, the next one runs, and gets the signals', async () => {
    const {bench, show, shows} = await scheduleBed()
    try {
      // a command that says what it is and ends only when it is told to: not when somebody writes, or nobody reads
      const stay = `import {Command} from ${JSON.stringify(import.meta.resolve('@oclif/core'))}\nexport default class Stay extends Command {\n  async run() { this.log('here'); setInterval(() => undefined, 1e6); await new Promise(() => undefined) }\n}\n`
      await linkPlugin(bench.home, [{name: 'cgpu-stay', commands: {stay}}])
      await create(bench, ['long', '--every', '1s', '--', 'stay'])
      const first = await shows('long', ({runs}) => runs.some(({reason}) => reason === 'running'))
      // its number is not 1 where a time passed before this one was begun
      const {run: number, pid: runner} = first.runs.find(({state}) => state === 'running') ?? assert.fail()
      assert.ok(runner !== null)
      const refused = async (): Promise<void> => {
        await Promise.all(['run', 'rm'].map(async (verb) => assertRefused(await bench.cli(['schedule', verb, 'long']), 72)))
      }
      await refused()
      const follower = startCgpu(['schedule', 'logs', 'long', '--run', String(number), '-f'], {home: bench.home})
      const followed = once(follower, 'close')
      let printed = ''
      follower.stdout?.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
      await until(() => printed === 'here\n', () => printed)
      await bench.data(['daemon', 'stop'])
      assert.equal((await show('long')).runs.find(({state}) => state === 'running')?.pid, runner)
      process.kill(runner, 'SIGKILL')
      const left = await shows('long', ({runs}) => runs.some(({run, pid}) => run === number && pid !== runner))
      const command = left.runs.find(({run}) => run === number)?.pid ?? assert.fail('its command counts as the run')
      await refused()
      process.kill(command, 'SIGKILL')
      await shows('long', ({runs}) => runs.some(({run, state}) => run === number && state === 'lost'))
      assert.deepEqual(await followed, [0, null], printed)
      await bench.data(['daemon', 'start'])
      const second = await shows('long', ({runs}) => runs.some(({run, state}) => run > number && state === 'running'))
      const next = second.runs.find(({state}) => state === 'running') ?? assert.fail()
      // whether its command has been started by now or not
      process.kill(next.pid ?? assert.fail(), 'SIGTERM')
      await bench.data(['schedule', 'pause', 'long'])
      const over = await shows('long', ({runs}) => runs.find(({run}) => run === next.run)?.state !== 'running')
      assert.equal(over.runs.find(({run}) => run === next.run)?.exitStatus, 143, 'the signal is passed on to the command')
      for (const {state, pid} of (await show('long')).runs) if (state === 'running') process.kill(pid ?? assert.fail(), 'SIGTERM')
    } finally {
      await bench.remove()
    }
  })

  it('begin their command when it is written down that it runs, and not without', async () => {
    const {bench} = await scheduleBed({CGPU_DAEMON: 'off'})
    try {
      const held = (): ChildProcess => spawn(process.execPath, ['--', cgpuBin, 'config', 'get', 'provider'], {
        cwd: bench.home.cwd, env: {...bench.home.env, CGPU_GATE_FD: '3'}, stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
      })
      const all = [held(), held()]
      const [go, never] = all.map(({stdio: [, , , gate]}) => gate as Writable) // by its stdio
      const ended = Promise.all(all.map(async (child) => {
        let printed = ''
        child.stdout?.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
        return [...(await once(child, 'close')), printed] as unknown[]
      }))
      never?.destroy()
      go?.end('go')
      assert.deepEqual(await ended, [[0, null, 'local\n'], [70, null, '']])
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
