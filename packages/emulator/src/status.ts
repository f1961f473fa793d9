import type {Site} from './contract.ts'
import type {ActiveFault} from './faults/faults.ts'
import type {WorldStatus} from './world/world.ts'

/** All that an emulator says of itself. Times are ISO 8601 of its clock. */
export interface EmulatorStatus extends Omit<WorldStatus, 'now'> {
  url: string
  adminUrl: string
  pid: number
  folder: string
  /** OAuth client file for `cgpu auth login --client-config` */
  clientConfig: string
  mode: 'emulate' | 'record' | 'replay'
  seed: string
  scenario: string
  about?: string
  startedAt: string
  /** how far it was moved ahead of real time */
  clock: {now: string; aheadSeconds: number}
  /** what its machines are, once there was one: `namespaces`, or `folders` and why */
  machines?: string
  faults: ActiveFault[]
  /** steps of the scenario that are still to come */
  timeline: number
  sites: {site: Site; connections: number; frozen: boolean}[]
  /** that it was sent so far */
  requests: number
}
