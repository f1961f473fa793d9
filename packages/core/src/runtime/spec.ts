import {errors} from '../errors.ts'
import type {Accelerator, RuntimeProvider, RuntimeSpec} from '../provider.ts'

/** What `--gpu`, `--tpu`, `--cpu`, `--high-ram`, `--image` say, as given. */
export interface SpecFlags {
  gpu?: string | undefined
  tpu?: string | undefined
  cpu?: boolean | undefined
  highRam?: boolean | undefined
  image?: string | undefined
}

const model = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** The accelerator that flags ask for; undefined when they say nothing. Throws USAGE for contradictions and odd names. */
export function requestedAccelerator(flags: SpecFlags): RuntimeSpec['accelerator'] | undefined {
  const asked = [flags.gpu !== undefined && '--gpu', flags.tpu !== undefined && '--tpu', flags.cpu === true && '--cpu'].filter((one) => one !== false)
  if (asked.length > 1) {
    throw errors.usage(`${asked.join(' and ')} exclude each other`, {code: 'USAGE', fix: `give one of ${asked.join(', ')}`})
  }
  if (flags.cpu) return {kind: 'cpu'}
  for (const kind of ['gpu', 'tpu'] as const) {
    const name = flags[kind]
    if (name === undefined) continue
    if (!model.test(name)) {
      throw errors.usage(`--${kind} ${JSON.stringify(name).slice(0, 80)} is not the name of an accelerator`, {
        code: 'INVALID_ACCELERATOR', fix: 'cgpu runtime accelerators',
      })
    }
    return name === 'any' ? {kind} : {kind, model: name.toLowerCase()}
  }
  return undefined
}

/** Refuses what the provider says it cannot do, before anything is created or spent. */
export function refuseUnsupported(provider: RuntimeProvider, spec: Omit<RuntimeSpec, 'name'>): void {
  const {capabilities: can, id} = provider
  const missing = (what: string, fix: string): never => {
    throw errors.usage(`${id} ${what}`, {code: 'CAPABILITY_MISSING', fix, details: {provider: id}})
  }
  if (!can.create) missing('does not make runtimes', 'cgpu runtime add URL --token-stdin')
  if (!can.accelerators && spec.accelerator.kind !== 'cpu') missing(`has no ${spec.accelerator.kind.toUpperCase()}s to choose from`, 'leave the accelerator flag out')
  if (!can.highRam && spec.highRam) missing('has no high-memory machines', 'leave --high-ram out')
  if (!can.image && spec.image !== undefined) missing('has no images to choose from', 'leave --image out')
}

/** Does a machine with `has` serve what was asked for? */
export function sameAccelerator(wanted: RuntimeSpec['accelerator'], has: Accelerator): boolean {
  if (wanted.kind !== has.kind) return wanted.kind === 'cpu'
  if (wanted.kind === 'cpu' || wanted.model === undefined) return true
  // whole words: an L4 is no L40S, an A10 no A100
  const words = (text: string): string => ` ${text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ')} `
  return words(has.id) === words(wanted.model) || words(has.name).includes(words(wanted.model))
}
