import {spawn} from 'node:child_process'
import {createInterface} from 'node:readline'
import {step} from '@cgpu/core/schedule/plan'
import type {Schedule} from '@cgpu/core/schedule/record'
import {ScheduleStore} from '@cgpu/core/schedule/store'
import {timesOf} from '@cgpu/core/schedule/when'
import type {OwnTask} from '@cgpu/daemon'
import {cliProgram} from './program.ts'

export interface RunSchedulesOptions {
  state: string
  env: NodeJS.ProcessEnv
  /** a timer does not count the time that a machine slept, nor that its clock was changed: no longer without a look */
  everyMs?: number | undefined
}

/** A runner that has not claimed its time until then is given up, and another one is started. */
const claimLimitMs = 60_000
const shortestMs = 20

/** Starts `cgpu schedule run` for what is due, as processes that outlive the daemon. */
export function runSchedules({state, env, everyMs = 5_000}: RunSchedulesOptions): OwnTask {
  const starting = new Map<string, {due: number; at: number}>()
  /** until when a record says that nothing is due: to ask a calendar is what a look costs */
  const quiet = new Map<string, {record: string; from: number; until: number}>()
  return {
    name: 'schedules',
    run: async (signal, {log}) => {
      const store = new ScheduleStore(state, log)
      let againMs = everyMs
      let enabled = 0
      for (const schedule of await store.list()) {
        if (signal.aborted) break
        if (!schedule.enabled) continue
        enabled++
        try {
          const next = await look(schedule, store, log)
          if (next !== undefined) againMs = Math.min(againMs, Math.max(shortestMs, next - Date.now()))
        } catch (error) {
          log(`schedule ${schedule.name}: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
      return {state: enabled > 0 ? 'busy' : 'idle', againMs}
    },
  }

  async function look(schedule: Schedule, store: ScheduleStore, log: (line: string) => void): Promise<number | undefined> {
    const {name, when, createdAt, doneUntil} = schedule
    const record = JSON.stringify([when, createdAt, doneUntil])
    const known = quiet.get(name)
    const before = Date.now()
    if (known?.record === record && known.from <= before && before < known.until) return known.until
    quiet.delete(name)
    const times = await timesOf(schedule)
    const running = (await store.running(schedule)) !== undefined
    const now = Date.now()
    const planned = step(schedule, times, now, running)
    // decided again on what is there under its lock
    if (planned.schedule) await store.update(name, (old) => step(old, times, now, running).schedule)
    const {start} = planned
    const begun = starting.get(name)
    if (start === undefined && !planned.schedule && planned.next !== undefined) quiet.set(name, {record, from: now, until: planned.next})
    if (start !== undefined && (begun?.due !== start || now - begun.at > claimLimitMs || now < begun.at)) {
      starting.set(name, {due: start, at: now})
      startRunner(name, start, log)
    }
    return planned.next
  }

  function startRunner(name: string, due: number, log: (line: string) => void): void {
    const child = spawn(process.execPath, [...cliProgram(), 'schedule', 'run', name, '--due', new Date(due).toISOString()], {
      cwd: state, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'], windowsHide: true,
    })
    child.on('error', (error) => log(`schedule ${name}: ${error.message}`))
    child.on('close', (status, how) => log(`schedule ${name}: the run ended ${how === null ? `with status ${status}` : `by ${how}`}`))
    if (child.pid !== undefined) log(`schedule ${name}: started process ${child.pid}`)
    createInterface({input: child.stderr}).on('line', (line) => log(`schedule ${name}: ${line}`))
    child.unref()
  }
}
