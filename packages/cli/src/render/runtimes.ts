import type {Accelerator} from '@cgpu/core/provider'
import type {Runtime} from '@cgpu/core/runtime/record'
import {formatBytes, formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {table} from './table.ts'

const accelerator = (one: Accelerator): string => (one.kind === 'cpu' ? 'cpu' : one.name)

export function runtimesTable(runtimes: Runtime[], now: number): string {
  return table(
    ['', 'name', 'provider', 'accelerator', 'state', 'created'],
    runtimes.map((one) => [
      one.isDefault ? '*' : '',
      one.name,
      one.provider,
      sanitizeLine(accelerator(one.accelerator)),
      sanitizeLine(one.state + (one.ephemeral ? ' (for one run)' : '')),
      formatRelative(Date.parse(one.createdAt), now),
    ]),
  )
}

export function describeRuntime(runtime: Runtime): string {
  return `${runtime.name}  ${runtime.provider}  ${sanitizeLine(accelerator(runtime.accelerator))}  ${sanitizeLine(runtime.state)}`
}

export function runtimeDetails(runtime: Runtime, now: number): string {
  const {accelerator: has} = runtime
  const rows: [string, string][] = [
    ['name', runtime.name],
    ['id', runtime.id],
    ['provider', runtime.provider],
    ['state', runtime.state],
    ['accelerator', has.memoryBytes === undefined ? has.name : `${has.name}, ${formatBytes(has.memoryBytes)}`],
    ['url', runtime.url],
    ['created', `${runtime.createdAt} (${formatRelative(Date.parse(runtime.createdAt), now)})`],
    ['checked', runtime.checkedAt === null ? `not reachable: ${runtime.problem ?? 'unknown'}` : 'just now'],
    ...(runtime.ephemeral ? ([['belongs to', 'one run, released with it']] satisfies [string, string][]) : []),
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
