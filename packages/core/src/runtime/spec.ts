import {errors} from '../errors.ts'
import type {Accelerator, RuntimeProvider, RuntimeSpec} from '../provider.ts'
import {didYouMean} from '../text/closest.ts'

/** What `--gpu`, `--tpu`, `--cpu`, `--high-ram`, `--image` say, as given. */
export interface SpecFlags {
  gpu?: string | undefined
  tpu?: string | undefined
  cpu?: boolean | undefined
  highRam?: boolean | undefined
  image?: string | undefined
}

const model = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const mostRungs = 16

/**
 * The accelerators that flags ask for, the first choice first (`--gpu a100,l4`); empty when they say nothing. Throws USAGE
 * for contradictions and odd names.
 */
export function requestedAccelerators(flags: SpecFlags): RuntimeSpec['accelerator'][] {
  const asked = [flags.gpu !== undefined && '--gpu', flags.tpu !== undefined && '--tpu', flags.cpu === true && '--cpu'].filter((one) => one !== false)
  if (asked.length > 1) {
    throw errors.usage(`${asked.join(' and ')} exclude each other`, {code: 'USAGE', fix: `give one of ${asked.join(', ')}`})
  }
  if (flags.cpu) return [{kind: 'cpu'}]
  for (const kind of ['gpu', 'tpu'] as const) {
    const names = flags[kind]?.split(',').map((name) => name.trim().toLowerCase())
    if (names === undefined) continue
    const wrong = names.length > mostRungs ? names.join(',') : names.find((name) => !model.test(name))
    if (wrong !== undefined) {
      throw errors.usage(`--${kind} ${JSON.stringify(wrong).slice(0, 80)} is not the name of an accelerator`, {
        code: 'INVALID_ACCELERATOR', fix: `cgpu runtime accelerators; several are separated by commas, ${mostRungs} at most`,
      })
    }
    return [...new Set(names)].map((name) => (name === 'any' ? {kind} : {kind, model: name}))
  }
  return []
}

/** Refuses names that the provider does not know, before any of the others is tried. Throws ACCELERATOR_UNAVAILABLE (68). */
export function refuseUnknown(rungs: readonly RuntimeSpec['accelerator'][], known: readonly Accelerator[]): void {
  for (const rung of rungs) {
    if (rung.kind === 'cpu' || rung.model === undefined || known.some((one) => sameAccelerator(rung, one))) continue
    const ids = known.filter((one) => one.kind === rung.kind).map((one) => one.id.toLowerCase())
    throw errors.quota(`there is no ${rung.kind.toUpperCase()} "${rung.model}"`, {
      code: 'ACCELERATOR_UNAVAILABLE', fix: didYouMean(rung.model, ids) ?? (ids.length > 0 ? `one of: ${ids.join(', ')}` : 'cgpu runtime accelerators'),
      details: {known: ids},
    })
  }
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
  const model = words(wanted.model)
  return words(has.id) === model || [has.name, ...(has.aliases ?? [])].some((name) => words(name).includes(model))
}
