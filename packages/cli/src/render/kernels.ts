import type {KernelView} from '@cgpu/core/kernels/view'
import {formatMoment, formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {table, tableOptions, type TableOptions} from './table.ts'

const nameOf = ({name, path}: KernelView): string => name ?? (path ? sanitizeLine(path, 40) : '-')

/** On a narrow terminal less of each. */
export function kernelsTable(kernels: readonly KernelView[], now: number, options: TableOptions = tableOptions()): string {
  const narrow = options.width !== undefined && options.width < 60
  return table(['name', 'kernel', 'state', ...(narrow ? [] : ['last used', 'clients']), 'id'], kernels.map((kernel) => [
    nameOf(kernel), kernel.spec, kernel.state,
    ...(narrow ? [] : [kernel.lastActivityAt === null ? '' : formatRelative(Date.parse(kernel.lastActivityAt), now), kernel.connections === null ? '' : String(kernel.connections)]),
    kernel.id,
  ]), options)
}

/** Everything about one kernel, a line a fact. */
export function kernelFacts(kernel: KernelView, runtime: string): string {
  const rows: (readonly [string, string])[] = [
    ['name', kernel.name ?? '(not of cgpu)'],
    ['id', kernel.id],
    ['runtime', runtime],
    ['kernel', kernel.spec],
    ['language', kernel.language],
    ['state', kernel.state],
    ['last used', kernel.lastActivityAt === null ? '' : formatMoment(Date.parse(kernel.lastActivityAt))],
    ['clients', kernel.connections === null ? '' : String(kernel.connections)],
    ['started for', kernel.name === null && kernel.path !== null ? sanitizeLine(kernel.path, 200) : ''],
  ]
  return table([], rows.filter(([, value]) => value !== ''))
}
