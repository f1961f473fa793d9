import {string} from '@oclif/core/args'
import {resolveSettings} from '@cgpu/core/config/resolve'
import type {Schedule} from '@cgpu/core/schedule/record'
import {ScheduleStore} from '@cgpu/core/schedule/store'
import {type ScheduleView, viewOf} from '@cgpu/core/schedule/view'
import {timesOf} from '@cgpu/core/schedule/when'
import {type Dirs, resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {leaveToDaemon} from './daemon/start-later.ts'

/** The name of a schedule that there is. */
export const scheduleArg = string({description: 'name of the schedule, or a unique beginning of it', required: true})

/** The base of `cgpu schedule …`. */
export abstract class ScheduleCommand<T = unknown> extends CgpuCommand<T> {
  static override standalone = true

  protected get dirs(): Dirs {
    const {configDir, dataDir, cacheDir} = this.config
    return resolveDirs(process.env, {configDir, dataDir, cacheDir})
  }

  protected get schedules(): ScheduleStore {
    return new ScheduleStore(this.dirs.state, (message) => void this.warn(message))
  }

  protected async view(schedule: Schedule): Promise<ScheduleView> {
    const [times, running] = await Promise.all([timesOf(schedule), this.schedules.running(schedule)])
    return viewOf(schedule, {times, now: Date.now(), running})
  }

  /** Has the daemon look at what changed, and starts it where none runs; says so where nobody will. */
  protected async tellDaemon(): Promise<void> {
    const {dirs} = this
    const settings = await resolveSettings({env: process.env, cwd: process.cwd(), configDir: dirs.config, onWarning: (message) => void this.warn(message)})
    if (!(await leaveToDaemon(dirs, settings, {task: 'schedules'}))) this.warn('the daemon is off, and it runs schedules: cgpu daemon start')
  }
}
