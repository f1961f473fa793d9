import type {RemoteListener} from '@cgpu/core/ports/listeners'
import type {ForwardView} from '@cgpu/core/ports/record'
import {formatBytes, formatRelative} from '@cgpu/core/text/format'
import {table} from './table.ts'

export function forwardLine({from, to}: {from: string; to: string}, runtime: string, reverse = false): string {
  if (reverse) return `${from} of ${runtime} -> ${to}`
  return `${from} -> ${to.includes(':') ? `${to} by ${runtime}` : `${runtime}:${to}`}`
}

export function forwardsTable(forwards: readonly ForwardView[], now: number): string {
  return table(['id', 'ports', 'runtime', 'state', 'open', 'sent', 'received', 'pid', 'since'], forwards.map((one) => [
    one.id, one.forwards.map(({local, remote, reverse}) => (reverse ? `${local} <- ${remote}` : `${local} -> ${remote}`)).join(', '), one.runtime,
    one.reason === null ? one.state : `${one.state}: ${one.reason}`, String(one.open), formatBytes(one.bytesSent), formatBytes(one.bytesReceived),
    String(one.pid), formatRelative(Date.parse(one.createdAt), now),
  ]))
}

export function listenersTable(listeners: readonly RemoteListener[]): string {
  return table(['port', 'address', 'program', 'pid'], listeners.map(({port, addresses, program, pid}) => [
    String(port), addresses.join(' '), program === '' ? '-' : program, pid === null ? '-' : String(pid),
  ]))
}
