import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {agreeingBrowser} from './agreeing-browser.ts'
import {type ColabBench, colabBench} from './colab-bench.ts'
import {type Workbench, workbench} from './workbench.ts'

interface Status {
  state: string
  pid: number
  executions: number
  running: number
  memoryBytes: number
  /** absent when it is stopped */
  sessions?: {runtime: string; running: number}[]
}

/** For tests that expect the daemon to have done it: on a machine under load no command goes without it. */
export const patience = {CGPU_DAEMON_MS: '10000'}

/** What there is to know of the daemon of a bench. */
export interface DaemonView {
  status(): Promise<Status>
  /** starts it and returns its pid */
  start(env?: Record<string, string>): Promise<number>
  record(): Promise<{pid: number; token: string; socket: string; build: string}>
}

/** A workbench whose commands use a daemon; with a local runtime `there`. */
export type DaemonBed = Workbench & DaemonView

export async function daemonBed(): Promise<DaemonBed> {
  const bench = withDaemon(await workbench())
  const made = await bench.cli(['runtime', 'create', '--name', 'there'])
  assert.equal(made.status, 0, made.stderr)
  return bench
}

/** The same with an emulated Colab, and somebody who is signed in there: a token of the environment is not given to the daemon. */
export async function colabDaemonBed(...options: Parameters<typeof colabBench>): Promise<ColabBench & DaemonView> {
  const bench = withDaemon(await colabBench(...options))
  delete bench.home.env['CGPU_TOKEN']
  bench.home.env['BROWSER'] = await agreeingBrowser(bench.home.path)
  const signedIn = await bench.cli(['auth', 'login', '--client-config', bench.emulator.clientConfig])
  assert.equal(signedIn.status, 0, signedIn.stderr)
  return bench
}

function withDaemon<B extends Workbench>(bench: B): B & DaemonView {
  // one that has no time for 300 ms would be passed by: only where that is looked at
  Object.assign(bench.home.env, {CGPU_DAEMON: 'on', CGPU_DAEMON_MS: '3000'})
  bench.onRemove(() => bench.cli(['daemon', 'stop']))
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
