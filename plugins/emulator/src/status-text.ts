import type {EmulatorStatus} from '@cgpu/emulator'
import {table} from './table.ts'

const clockTime = (iso: string): string => iso.slice(0, 19).replace('T', ' ')

function ahead(seconds: number): string {
  if (seconds < 1) return 'real time'
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3600), Math.floor((seconds % 3600) / 60)]
  const parts = [days && `${days}d`, hours && `${hours}h`, minutes && `${minutes}m`, seconds % 60 && `${seconds % 60}s`].filter(Boolean)
  return `${parts.join('')} ahead`
}

/** What `emulator status` prints. */
export function statusText(status: EmulatorStatus): string {
  const {accounts, assignments, faults, sites, script} = status
  const frozen = sites.filter((one) => one.frozen).map((one) => one.site)
  const facts = [
    ['url', status.url], ['admin', status.adminUrl], ['process', String(status.pid)], ['folder', status.folder], ['client config', status.clientConfig],
    ['scenario', `${status.scenario}${status.about === undefined ? '' : ` (${status.about})`}`], ['seed', status.seed],
    ...(status.mode === 'emulate' ? [] : [['mode', status.mode]]),
    ['clock', `${clockTime(status.clock.now)} UTC, ${ahead(status.clock.aheadSeconds)}`],
    ...(status.machines === undefined ? [] : [['machines', status.machines]]),
    ['requests', String(status.requests)],
    ...(status.timeline > 0 ? [['to come', `${status.timeline} steps of the scenario`]] : []),
    ...(script.length > 0 ? [['next assigns', script.map((one) => (typeof one === 'string' ? one : one.accelerator)).join(', ')]] : []),
    ...(frozen.length > 0 ? [['frozen', frozen.join(', ')]] : []),
  ]
  const width = Math.max(...facts.map(([name = '']) => name.length))
  const people = table(['account', 'tier', 'units', 'free units', 'per hour', 'runtimes'], accounts.map((one) => [
    one.denylisted ? `${one.email} (denied)` : one.email, one.tier, String(one.balance), String(one.free.remaining), String(one.hourlyRate), `${one.assignments} of ${one.maxAssignments}`,
  ]))
  const machines = table(['runtime', 'account', 'accelerator', 'url', 'idle at'], assignments.map((one) => [
    one.endpoint, one.account, one.accelerator + (one.realAccelerator === one.accelerator ? '' : ` (really ${one.realAccelerator})`), one.url, clockTime(one.idleAt),
  ]))
  const troubles = table(['fault', 'on', 'what', 'struck'], faults.map((one) => [one.id, JSON.stringify(one.match), JSON.stringify(one.do), String(one.struck)]))
  return [
    facts.map(([name = '', value = '']) => `${name.padEnd(width)}  ${value}`).join('\n'),
    people,
    ...(assignments.length > 0 ? [machines] : []),
    ...(faults.length > 0 ? [troubles] : []),
  ].join('\n\n')
}
