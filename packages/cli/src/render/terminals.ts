import {formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {shellLine} from '@cgpu/core/text/quote'
import type {TerminalItem} from '../terminal/item.ts'
import {table} from './table.ts'

export function terminalsTable(items: readonly TerminalItem[], now: number): string {
  return table(['name', 'state', 'clients', 'opened', 'runs', 'command'], items.map(({name, state, clients, createdAt, foreground, argv}) => [
    name, state, String(clients), formatRelative(Date.parse(createdAt), now), sanitizeLine(foreground ?? '', 30), sanitizeLine(shellLine(argv), 60),
  ]))
}
