import {CgpuError} from '../errors.ts'
import {markOf, markSelf} from '../state/self.ts'
import {began, begin, claim, finish, skip} from './plan.ts'
import type {Schedule} from './record.ts'
import type {RunLog} from './log.ts'
import {leftOf, type ScheduleStore} from './store.ts'
import {timesOf} from './when.ts'

export interface RunScheduleOptions {
  store: ScheduleStore
  name: string
  /** the time that it is run for; absent: by hand */
  due?: number | undefined
  /** runs the command to its end, tells its pid when it has begun, and resolves to its exit status */
  execute: (schedule: Schedule, log: RunLog, begun: (pid: number) => Promise<void>) => Promise<number>
  onWarning: (message: string) => void
  now?: () => number
}

/** `busy`: a run goes on. `claimed`: somebody else had this time, or the schedule is paused or gone. */
export type RanSchedule = {schedule: Schedule; run: number; exitStatus: number} | 'busy' | 'claimed'

/** The one way to run a schedule: one run at a time, each due time once, however many processes try. */
export async function runSchedule(options: RunScheduleOptions): Promise<RanSchedule> {
  const {store, name, due, now = Date.now} = options
  const schedule = await store.get(name)
  if (!schedule) return 'claimed'
  const times = await timesOf(schedule)
  const ran = await store.alone(name, async () => {
    // whoever ran it was killed, its command was not
    const before = await store.get(name)
    if (before && leftOf(before)) return 'busy'
    const by = {now: now(), process: markSelf()}
    const begun = await store.update(name, (old) => (due === undefined ? begin(old, by) : claim(old, times, due, by)))
    const run = begun?.runs[0]?.run
    return begun && run !== undefined ? follow(begun, run, options) : 'claimed'
  })
  if (ran === 'busy' && due !== undefined) await store.update(name, (old) => (old.enabled ? skip(old, times, due, 'running') : undefined))
  return ran
}

async function follow(begun: Schedule, run: number, {store, name, execute, onWarning, now = Date.now}: RunScheduleOptions): Promise<RanSchedule> {
  let exitStatus = 70 // of a bug in here: the run is over all the same
  try {
    const log = store.openLog(name, run)
    try {
      exitStatus = await execute(begun, log, async (pid) => void (await store.update(name, (old) => began(old, run, markOf(pid)))))
    } catch (error) {
      if (error instanceof CgpuError) {
        exitStatus = error.exit
        log.write(Buffer.from(`error: ${error.message}\n`))
      }
      throw error
    } finally {
      const problem = log.end()
      if (problem) onWarning(`the output of run ${run} is not kept to its end: ${problem.message}`)
    }
  } finally {
    await store.update(name, (old) => finish(old, run, {now: now(), exitStatus}))
  }
  return {schedule: (await store.get(name)) ?? begun, run, exitStatus}
}
