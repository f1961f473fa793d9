import {errors} from '../errors.ts'
import {didYouMean} from '../text/closest.ts'
import {parseLength, unitMs} from '../text/length.ts'
import {sanitizeLine} from '../text/line.ts'
import type {When} from './record.ts'

const longestSeconds = 366 * 86_400

export interface WhenTexts {
  cron?: string | undefined
  every?: string | undefined
  timezone?: string | undefined
}

/** The times of a schedule; ms since 1970. */
export interface Times {
  /** the first one after `after`; undefined: there is none any more */
  next(after: number): number | undefined
  /** the last one after `after` and not after `until` */
  last(after: number, until: number): number | undefined
}

/** Checks what was typed. Throws INVALID_SCHEDULE, INVALID_CRON, INVALID_TIMEZONE or INVALID_DURATION (64). */
export async function parseWhen({cron, every, timezone}: WhenTexts, now: number): Promise<When> {
  if ((cron === undefined) === (every === undefined)) {
    throw errors.usage(cron === undefined ? 'when is it to run?' : 'it runs either by --cron or by --every', {code: 'INVALID_SCHEDULE', fix: 'give --cron "0 3 * * *" or --every 6h'})
  }
  if (every !== undefined) {
    if (timezone !== undefined) throw errors.usage('--every has no time zone', {code: 'INVALID_SCHEDULE', fix: 'leave out --timezone, or use --cron'})
    return {everySeconds: parseEvery(every)}
  }
  const when = {cron: (cron ?? '').trim().replaceAll(/\s+/g, ' '), timezone: timezone === undefined ? localZone() : checkZone(timezone)}
  const times = await cronTimes(when)
  if (times.next(now) === undefined) throw invalidCron(when.cron, 'its day never comes')
  return when
}

/** The times of a record. `createdAt`: what `--every` counts from. */
export async function timesOf({when, createdAt}: {when: When; createdAt: string}): Promise<Times> {
  return 'cron' in when ? cronTimes(when) : everyTimes(when.everySeconds * 1000, Date.parse(createdAt))
}

function parseEvery(given: string): number {
  const seconds = (parseLength(given) ?? 0) / 1000
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= longestSeconds) return seconds
  throw errors.usage(`${shown(given)} is not how often something can run`, {code: 'INVALID_DURATION', fix: 'give such as 90s, 15m, 6h, 1d, 2w or 1h30m; a second at least, a year at most'})
}

/** As a person would write it back: `6h`, `1d12h`. */
export function everyText(everySeconds: number): string {
  let rest = everySeconds * 1000
  return Object.entries(unitMs).toReversed().map(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count === 0 ? '' : `${count}${unit}`
  }).join('')
}

function everyTimes(every: number, from: number): Times {
  const next = (after: number): number => from + every * Math.max(1, Math.floor((after - from) / every) + 1)
  return {
    next,
    last: (after, until) => {
      const count = Math.floor((until - from) / every)
      const at = from + every * count
      return count >= 1 && at > after ? at : undefined
    },
  }
}

async function cronTimes({cron, timezone}: {cron: string; timezone: string}): Promise<Times> {
  // croner takes an ISO time too, and fields for seconds and years
  if (!/^@[a-z]+$/i.test(cron) && (cron.split(' ').length !== 5 || cron.includes(':'))) throw invalidCron(cron, 'it has not five fields')
  const {Cron} = await import('croner')
  let times: InstanceType<typeof Cron>
  try {
    times = new Cron(cron, {timezone, mode: '5-part', paused: true})
  } catch (error) {
    throw invalidCron(cron, sanitizeLine(error instanceof Error ? error.message.replace(/^CronPattern: /, '').replace(/\.$/, '') : '', 120))
  }
  const next = (after: number): number | undefined => times.nextRun(new Date(after))?.getTime()
  return {
    next,
    last: (after, until) => {
      const [before] = times.previousRuns(1, new Date(until + 1))
      return before && before.getTime() > after ? before.getTime() : undefined
    },
  }
}

const shown = (given: string): string => JSON.stringify(sanitizeLine(given, 60))

function invalidCron(cron: string, why: string): Error {
  return errors.usage(`${shown(cron)} is not a cron expression: ${why}`, {
    code: 'INVALID_CRON', fix: 'give minute, hour, day, month and day of the week, such as "0 3 * * *" or "*/15 9-17 * * 1-5", or @daily, @hourly, @weekly, @monthly',
  })
}

const localZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

function checkZone(zone: string): string {
  try {
    const {timeZone} = new Intl.DateTimeFormat('en', {timeZone: zone}).resolvedOptions()
    // some have two names: the one that was typed stays
    return timeZone.toLowerCase() === zone.toLowerCase() ? timeZone : zone
  } catch (error) {
    throw errors.usage(`there is no time zone ${shown(zone)}`, {
      code: 'INVALID_TIMEZONE', fix: didYouMean(zone, Intl.supportedValuesOf('timeZone')) ?? 'give one such as Europe/Berlin, America/New_York or UTC', cause: error,
    })
  }
}
