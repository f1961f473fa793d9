import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {ScheduleRunView, ScheduleView} from '@cgpu/core/schedule/view'
import {until, type Workbench, workbench} from './workbench.ts'

export type Shown = ScheduleView & {runs: ScheduleRunView[]}

/** A workbench whose commands use a daemon, and what there is to know of its schedules. */
export interface ScheduleBed {
  bench: Workbench
  folder: string
  show: (name: string) => Promise<Shown>
  daemonLog: () => string
  /** as soon as no run goes on */
  remove: (...names: string[]) => Promise<void>
  /** waits until the schedule's runs are as wanted */
  shows: (name: string, wanted: (shown: Shown) => boolean) => Promise<Shown>
}

export async function scheduleBed(env: Record<string, string> = {}): Promise<ScheduleBed> {
  const bench = await workbench()
  Object.assign(bench.home.env, {CGPU_DAEMON: 'on', ...env})
  bench.onRemove(() => bench.cli(['daemon', 'stop']))
  const state = join(bench.home.dataDir, 'state')
  const show = (name: string): Promise<Shown> => bench.data<Shown>(['schedule', 'show', name])
  const daemonLog = (): string => {
    try {
      return readFileSync(join(state, 'daemon', 'daemon.log'), 'utf8')
    } catch {
      return 'no log'
    }
  }
  return {
    bench, show, daemonLog, folder: join(state, 'schedules'),
    remove: async (...names) => {
      // one that is due each second has hardly a moment without a run
      for (const name of names) assert.equal((await bench.cli(['schedule', 'pause', name])).status, 0)
      for (const name of names) await until(async () => (await bench.cli(['schedule', 'rm', name])).status === 0, daemonLog)
    },
    shows: async (name, wanted) => {
      let last: Shown | undefined
      // each run starts three processes, and a busy machine passes over times
      await until(async () => wanted(last = await show(name)), () => `${JSON.stringify(last?.runs)}\n${daemonLog()}`, 60_000)
      return last ?? assert.fail()
    },
  }
}

/** `--json` behind the command would be the command's own. */
export async function create(bench: Workbench, args: readonly string[], options: {cwd?: string} = {}): Promise<void> {
  const {status, stderr} = await bench.cli(['schedule', 'create', ...args], options)
  assert.equal(status, 0, stderr)
}

/** So many runs are over. */
export const ended = (count: number) => ({runs}: Shown): boolean => runs.filter(({state}) => state === 'exited').length >= count
