import {randomBytes} from 'node:crypto'
import type {HookHost} from '@cgpu/plugin-sdk'
import {isAddress, openPlace} from '../addresses/address.ts'
import type {Again} from '../again/again.ts'
import {readNotebook} from '../format/read.ts'
import {askedPlugins} from '../hooks/ask.ts'
import {type Performed, type PerformOptions, withoutRunning} from '../run/perform.ts'
import {prepare, type Prepared, type PrepareFlags} from '../run/prepare.ts'
import type {Reporter} from '../run/report.ts'
import {Saver} from '../run/save.ts'
import {refuseOutside, type TravelFlags} from '../travel/travel.ts'
import {type DetachedRun, startDetached} from './start.ts'

export interface DetachOptions extends Pick<PerformOptions, 'cellTimeoutMs' | 'timeoutMs' | 'startTimeoutMs' | 'output'> {
  flags: PrepareFlags & PerformOptions['flags'] & TravelFlags
  dataDir: string
  reporter: Reporter
  /** asks plugins */
  host: HookHost
  /** what the executed copy says to run, where that is asked for */
  againOf: (prepared: Prepared) => Promise<Again | undefined>
}

/** Leaves a notebook running; what is wrong is told before a machine is needed. `performed`: nothing had to run, and the copy is written. Throws CANNOT_WRITE (73), VETOED (75), and what `prepare` and `startDetached` do. */
export async function detachRun(path: string, {flags, output, dataDir, reporter, host, againOf, ...limits}: DetachOptions): Promise<{started: DetachedRun; performed?: undefined} | {performed: Performed; parameters: Record<string, unknown>}> {
  const token = randomBytes(6).toString('hex')
  const asked = await askedPlugins(host, {id: token, detached: true, notebook: openPlace(path), output: openPlace(output)})
  const work = async () => {
    for (const pattern of flags.fetch ?? []) refuseOutside(pattern)
    const prepared = await prepare(path, flags, (message) => void host.warn(message), asked && ((given, of) => asked.parameters(given, of)), (one) => readNotebook(one, host))
    const {notebook, parameters} = prepared
    const saver = isAddress(output) ? await writableAddress(output, host) : await Saver.open(output, notebook)
    const again = await againOf(prepared)
    if (again?.idle) {
      const started = performance.now()
      const nothing = () => withoutRunning(again, {notebook, saver, reporter, durationSeconds: () => (performance.now() - started) / 1000})
      return {performed: await (asked ? asked.told(nothing) : nothing()), parameters}
    }
    return {started: await startDetached(path, prepared, {...limits, flags, output, dataDir, token, travel: flags, again})}
  }
  return asked ? asked.started(work) : work()
}

/** Looks whether it can be written, as far as that can be told before. */
async function writableAddress(address: string, host: HookHost): Promise<undefined> {
  await (await import('../addresses/remote-copy.ts')).RemoteCopy.open({address, host})
}
