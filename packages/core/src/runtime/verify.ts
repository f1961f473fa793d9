import {errors} from '../errors.ts'
import type {Accelerator, RuntimeSpec} from '../provider.ts'
import {sameAccelerator} from './spec.ts'

/** An accelerator as the machine itself reports it. */
export interface Device {
  kind: string
  name: string
  memoryBytes?: number
}

export interface Verified {
  accelerator: Accelerator
  /** false: it is another one than was asked for */
  asAsked: boolean
}

/** What a machine really has, against what was asked for and what its provider says that it gave. */
export function verify(wanted: RuntimeSpec['accelerator'], claimed: Accelerator, devices: readonly Device[]): Verified {
  if (wanted.kind === 'cpu') return {accelerator: claimed, asAsked: true}
  const device = devices.find((one) => one.kind === wanted.kind && serves(wanted, claimed, one))
  if (device) return {accelerator: {...claimed, name: device.name, ...memoryOf(device), available: true}, asAsked: true}
  const [other] = devices
  if (!other) return {accelerator: {id: 'cpu', kind: 'cpu', name: 'CPU', available: true}, asAsked: false}
  return {accelerator: {id: idOf(other.name), kind: other.kind === 'tpu' ? 'tpu' : 'gpu', name: other.name, ...memoryOf(other), available: true}, asAsked: false}
}

export function mismatch(wanted: RuntimeSpec['accelerator'], has: Accelerator): Error {
  const asked = wanted.kind === 'cpu' ? 'cpu' : (wanted.model ?? wanted.kind)
  const found = has.kind === 'cpu' ? `no ${wanted.kind}` : has.name
  return errors.quota(`the machine has ${found}, not the ${asked} that was asked for; it was released`, {
    code: 'ACCELERATOR_MISMATCH', category: 'capacity', fix: 'try again, or take what there is: --allow-downgrade', details: {wanted: asked, has: has.name},
  })
}

/** Machines call some models by other names than their provider: the claim is believed where it names this device. */
function serves(wanted: RuntimeSpec['accelerator'], claimed: Accelerator, device: Device): boolean {
  if (wanted.kind === 'cpu') return true
  const {kind} = wanted
  const has: Accelerator = {id: '', kind, name: device.name, available: true}
  if (sameAccelerator(wanted, has)) return true
  return sameAccelerator(wanted, claimed) && [claimed.name, ...(claimed.aliases ?? [])].some((model) => sameAccelerator({kind, model}, has))
}

const memoryOf = (device: Device): {memoryBytes?: number} => (device.memoryBytes === undefined ? {} : {memoryBytes: device.memoryBytes})

const idOf = (name: string): string => name.toLowerCase().replaceAll(/\b(nvidia|tesla)\b/g, ' ').match(/[a-z0-9]+/g)?.join('-') ?? 'unknown'
