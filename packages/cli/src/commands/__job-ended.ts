import {errors} from '@cgpu/core/errors'
import type {JobEnd} from '@cgpu/core/runtime/options'
import {isObject} from '@cgpu/core/state/json'
import {CgpuCommand, fire, type JobInfo, jobMeasured, outcomeOf} from '@cgpu/plugin-sdk'
import {readStdin} from '../input.ts'
import {notebookEnded} from '../notebook-ended.ts'

/** Tells plugins that a job is over, for the daemon, which has none: {job, end} comes on stdin. */
export default class JobEnded extends CgpuCommand<void> {
  static override hidden = true
  static override summary = 'tell plugins that a job is over'

  async run(): Promise<void> {
    const told: unknown = JSON.parse(await readStdin(64 * 1024))
    if (!isObject(told) || !isObject(told['job']) || !isObject(told['end'])) throw errors.usage('no job is told', {code: 'USAGE', fix: 'this command is the daemon\'s'})
    const {job, end} = told as unknown as {job: JobInfo; end: JobEnd} // the daemon is of this build
    const outcome = outcomeOf(end)
    await fire(this, 'job:ended', {job, outcome})
    await notebookEnded(this, job.id, outcome.exitStatus)
    await jobMeasured(this, job, end, outcome)
  }
}
