import type {Usage} from '@cgpu/core/provider'
import {formatDuration, formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {table} from './table.ts'

const units = (amount: number): string => Number(amount.toFixed(2)).toString()

/** What an account has and uses, for people. */
export function usageTable(usage: Usage & {provider: string}, now: number): string {
  const {balance, hourlyRate, secondsLeft, runtimes, free} = usage
  const row = (key: string, value: string | undefined): [string, string][] => (value === undefined ? [] : [[key, value]])
  const refill = free?.refillsAt === undefined ? '' : `, more ${formatRelative(Date.parse(free.refillsAt), now)}`
  const rows: [string, string][] = [
    ['provider', usage.provider],
    ['account', usage.account.replace(/^google:/, '')],
    ['tier', usage.tier],
    ...row('balance', balance === undefined ? undefined : `${units(balance)} compute units`),
    ...row('free quota', free && `${units(free.remaining)} compute units${refill}`),
    ...row('runtimes', runtimes?.toString()),
    ...row('rate', hourlyRate === undefined ? undefined : `${units(hourlyRate)} compute units an hour`),
    ...row('lasts', secondsLeft === undefined ? undefined : `${formatDuration(secondsLeft * 1000)} at this rate`),
  ]
  return table([], rows.map(([key, value]) => [key, sanitizeLine(value)]))
}
