import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {type Workbench, workbench} from './workbench.ts'

interface Status {
  state: string
  pid: number
  executions: number
  running: number
  memoryBytes: number
  sessions: {runtime: string; running: number}[]
}

/** A workbench whose commands use a daemon; with a local runtime `there`. */
export interface DaemonBed extends Workbench {
  status(): Promise<Status>
  /** starts it and returns its pid */
  start(env?: Record<string, string>): Promise<number>
  record(): Promise<{pid: number; token: string; socket: string; build: string}>
}

export async function daemonBed(): Promise<DaemonBed> {
  const bench = await workbench()
  Object.assign(bench.home.env, {CGPU_DAEMON: 'on'})
  bench.onRemove(() => bench.cli(['daemon', 'stop']))
  const made = await bench.cli(['runtime', 'create', '--name', 'there'])
  assert.equal(made.status, 0, made.stderr)
  return {
    ...bench,
    status: () => bench.data<Status>(['daemon', 'status']),
    start: async (env = {}) => {
      const {status, stdout, stderr} = await bench.cli(['daemon', 'start', '--json'], {env})
      const log = await readFile(join(bench.home.dataDir, 'state/daemon/daemon.log'), 'utf8').catch(String)
      assert.equal(status, 0, `${stdout}${stderr}${log}`)
      return (JSON.parse(stdout) as {data: {pid: number}}).data.pid // our own command's answer
    },
    // our own daemon wrote it
    record: async () => JSON.parse(await readFile(join(bench.home.dataDir, 'state/daemon/daemon.json'), 'utf8')) as {pid: number; token: string; socket: string; build: string},
  }
}
