import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {SealedHome} from './cli.ts'
import {linkPlugin} from './plugin.ts'

/** What a hook was told. */
export interface Told {
  event: string
  pid: number
  request?: {id: string; kind: string; runtime: {name: string}; argv: string[]; envNames: string[]}
  outcome?: {status: string; exitStatus?: number}
}

/** A plugin that notes what it is asked, adds variables, and vetoes or dawdles when it is told to. */
export interface MovePlugin {
  told(): Told[]
  /** from now on it forbids every execution, or no more */
  veto(on: boolean): void
  /** The next command that made a machine gives itself this signal, or its parent, and is held for as long as a hook may take. This tells whether it was. */
  hold(signal: 'SIGTERM' | 'SIGKILL', whom?: 'itself' | 'its parent'): () => boolean
}

export async function linkMovePlugin(home: SealedHome): Promise<MovePlugin> {
  const [log, veto, hold, held] = ['told', 'veto', 'hold', 'held'].map((name) => join(home.path, name)) as [string, string, string, string]
  const note = (event: string): string => `const {appendFileSync, existsSync, readFileSync, renameSync} = await import('node:fs')
const {request, outcome} = options
appendFileSync(${JSON.stringify(log)}, JSON.stringify({event: '${event}', pid: process.pid, request, outcome}) + '\\n')\n`
  await linkPlugin(home, [{name: 'cgpu-watch', hooks: {
    'runtime:before-create': note('runtime:before-create'),
    'runtime:after-create': `${note('runtime:after-create')}if (existsSync(${JSON.stringify(hold)})) {
  renameSync(${JSON.stringify(hold)}, ${JSON.stringify(held)})
  const [signal, whom] = readFileSync(${JSON.stringify(held)}, 'utf8').split(' of ')
  process.kill(whom === 'itself' ? process.pid : process.ppid, signal)
  await new Promise((resolve) => setTimeout(resolve, 1900))
}`,
    'execution:before': `${note('execution:before')}if (existsSync(${JSON.stringify(veto)})) return {veto: 'not now'}
return {env: {FROM_PLUGIN: 'plugin', SHARED: 'plugin'}}`,
    'execution:after': note('execution:after'),
  }}])
  return {
    told: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Told) : []), // written by the hooks above
    veto: (on) => (on ? writeFileSync(veto, '') : rmSync(veto)),
    hold(signal, whom = 'itself') {
      rmSync(held, {force: true})
      writeFileSync(hold, `${signal} of ${whom}`)
      return () => existsSync(held)
    },
  }
}
