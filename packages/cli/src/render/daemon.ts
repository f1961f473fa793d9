import {formatBytes, formatDuration} from '@cgpu/core/text/format'
import type {DaemonState} from '@cgpu/daemon/control'
import {table} from './table.ts'

/** How the daemon is, for people. */
export function daemonTable(daemon: DaemonState, now: number): string {
  if (daemon.state !== 'running') return table([], [['state', daemon.state], ['why', daemon.why], ...(daemon.pid === undefined ? [] : [['process', String(daemon.pid)]])])
  const {pid, version, startedAt, memoryBytes, cpuSeconds, sessions, running, executions, tasks, socket} = daemon
  const session = ({runtime, running: busy, idleSeconds}: (typeof sessions)[number]): string => `${runtime} (${busy > 0 ? `${busy} running` : `unused for ${formatDuration(idleSeconds * 1000)}`})`
  return table([], [
    ['state', 'running'], ['process', String(pid)], ['version', version], ['up', formatDuration(now - Date.parse(startedAt))],
    ['memory', formatBytes(memoryBytes)], ['processor', `${cpuSeconds.toFixed(1)} s`],
    ['sessions', sessions.length === 0 ? 'none' : sessions.map(session).join(', ')],
    ['work', `${running} running, ${executions} since it started`],
    ...(tasks.length === 0 ? [] : [['tasks', tasks.map(({name, state}) => `${name} (${state})`).join(', ')]]),
    ['socket', socket],
  ])
}
