import {errors} from '@cgpu/core/errors'
import {leftOf} from '@cgpu/core/schedule/store'
import {ScheduleCommand} from '../../schedule-command.ts'

/** Removes schedules, with the output of their runs. */
export default class ScheduleRm extends ScheduleCommand<{name: string}[]> {
  static override description = 'What their runs printed goes, too. History and jobs stay.'
  static override examples = [{command: '<%= config.bin %> schedule rm nightly', description: 'it runs no more'}]
  static override seeAlso = ['schedule pause', 'schedule list']
  static override strict = false
  static override summary = 'remove schedules'
  static override usage = 'schedule rm NAME…'

  async run(): Promise<{name: string}[]> {
    const {argv} = await this.parse(ScheduleRm)
    if (argv.length === 0) throw errors.usage('remove which schedule?', {code: 'SCHEDULE_REQUIRED', fix: 'cgpu schedule rm NAME; see the names: cgpu schedule list'})
    const {schedules} = this
    const removed: {name: string}[] = []
    for (const query of argv) {
      const {name} = await schedules.find(String(query))
      // under its lock: a run that goes on would write into what is removed
      if ((await schedules.alone(name, () => this.#remove(name))) === 'busy') throw runGoesOn(name)
      removed.push({name})
      this.log(`removed ${name}`)
    }
    return removed
  }

  async #remove(name: string): Promise<void> {
    const schedule = await this.schedules.get(name)
    // whoever ran it was killed, its command goes on
    if (schedule && leftOf(schedule)) throw runGoesOn(name)
    await this.schedules.remove(name)
  }
}

function runGoesOn(name: string): Error {
  return errors.conflict(`a run of ${name} goes on`, {code: 'SCHEDULE_RUNNING', retryable: true, fix: `when it is to end: cgpu schedule show ${name}`, details: {name}})
}
