import type {Accelerator} from '@cgpu/core/provider'
import type {Runtime} from '@cgpu/core/runtime/record'
import {formatBytes, formatDuration, formatMoment, formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {table, tableOptions} from './table.ts'
import {displayWidth} from './terminal.ts'

const accelerator = (one: Accelerator): string => (one.kind === 'cpu' ? 'cpu' : one.name)

const marks = (one: Runtime): string => (one.ephemeral ? ' (for one run)' : '') + (one.origin === 'foreign' ? ' (opened in a browser)' : '')

const ofAccount = (one: Runtime): string => one.account?.replace(/^google:/, '') ?? ''

/** Compute units an hour, as its table shows them. */
const perHour = (one: Runtime): string => (one.hourlyRate === undefined ? '' : String(Number(one.hourlyRate.toFixed(2))))

export function runtimesTable(runtimes: Runtime[], now: number, options = tableOptions()): string {
  const columns: [title: string, value: (one: Runtime) => string, optional?: boolean][] = [
    ['', (one) => (one.isDefault ? '*' : '')],
    ['name', (one) => one.name],
    ['provider', (one) => one.provider],
    ['account', ofAccount, true],
    ['accelerator', (one) => sanitizeLine(accelerator(one.accelerator))],
    ['state', (one) => sanitizeLine(one.state + marks(one))],
    ['units/h', perHour, true],
    ['created', (one) => formatRelative(Date.parse(one.createdAt), now)],
    ['ends unused', (one) => (one.lease ? formatRelative(Date.parse(one.lease.until), now) : ''), true],
  ]
  // what no runtime has needs no column
  const shown = columns.filter(([, value, optional]) => !optional || runtimes.some((one) => value(one) !== ''))
  const drawn = (chosen: typeof shown, width: number | undefined): string =>
    table(chosen.map(([title]) => title), runtimes.map((one) => chosen.map(([, value]) => value(one))), {...options, width})
  const {width} = options
  // in a narrow terminal the provider goes before names and addresses are cut
  const tight = width !== undefined && drawn(shown, undefined).split('\n').some((line) => displayWidth(line) > width)
  const alike = runtimes.every((one) => one.provider === runtimes[0]?.provider)
  return drawn(tight && alike ? shown.filter(([title]) => title !== 'provider') : shown, width)
}

export function describeRuntime(runtime: Runtime): string {
  return `${runtime.name}  ${runtime.provider}  ${sanitizeLine(accelerator(runtime.accelerator))}  ${sanitizeLine(runtime.state)}`
}

export function runtimeDetails(runtime: Runtime, now: number): string {
  const {accelerator: has, lease} = runtime
  const row = (key: string, value: string | undefined): [string, string][] => (value === undefined ? [] : [[key, value]])
  const at = (time: string): string => `${formatMoment(Date.parse(time))} (${formatRelative(Date.parse(time), now)})`
  const rows: [string, string][] = [
    ['name', runtime.name],
    ['id', runtime.id],
    ['provider', runtime.provider],
    ...row('account', ofAccount(runtime) || undefined),
    ['state', runtime.state],
    ['accelerator', (has.memoryBytes === undefined ? has.name : `${has.name}, ${formatBytes(has.memoryBytes)}`) + (runtime.verifiedAt === undefined ? '' : ', as seen on the machine')],
    ['url', runtime.url],
    ['created', at(runtime.createdAt)],
    ...row('costs', runtime.hourlyRate === undefined ? undefined : `${perHour(runtime)} compute units an hour`),
    ...row('releases itself', lease && `after ${formatDuration(lease.seconds * 1000)} without use, not before ${at(lease.until)}`),
    ...row('taken away', runtime.idleTimeoutSeconds === undefined ? undefined : `after ${formatDuration(runtime.idleTimeoutSeconds * 1000)} without use`),
    ...row('ends', runtime.expiresAt === undefined ? undefined : `${at(runtime.expiresAt)} at the latest`),
    ['checked', runtime.checkedAt === null ? `not reachable: ${runtime.problem ?? 'unknown'}` : 'just now'],
    ...row('belongs to', runtime.ephemeral ? 'one run, released with it' : runtime.origin === 'foreign' ? 'a browser, see cgpu runtime adopt' : undefined),
  ]
  return table([], rows.map(([key, value]) => [key, sanitizeLine(value)]))
}

export function acceleratorsTable(accelerators: Accelerator[]): string {
  return table(
    ['id', 'kind', 'name', 'memory', 'available'],
    accelerators.map((one) => [
      sanitizeLine(one.id), one.kind, sanitizeLine(one.name), one.memoryBytes === undefined ? '' : formatBytes(one.memoryBytes),
      one.available ? 'yes' : `no${one.reason ? `: ${sanitizeLine(one.reason)}` : ''}`,
    ]),
  )
}
