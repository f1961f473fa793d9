import type {Accelerator, RuntimeSpec} from '@cgpu/core/provider'
import {errors} from '@cgpu/core/errors'
import {didYouMean} from '@cgpu/core/text/closest'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {Assignment, Models, Shape, UserInfo, Variant, Wish} from './api/api.ts'

const GiB = 1024 ** 3

/** What is known of Colab's models; others are shown by their name. Memory is that of one card or of the TPU's chips. */
const models: Record<string, {name: string; memoryBytes: number; aliases?: string[]}> = {
  T4: {name: 'T4', memoryBytes: 16 * GiB},
  P100: {name: 'P100', memoryBytes: 16 * GiB},
  V100: {name: 'V100', memoryBytes: 16 * GiB},
  L4: {name: 'L4', memoryBytes: 24 * GiB},
  A100: {name: 'A100', memoryBytes: 40 * GiB},
  G4: {name: 'G4', memoryBytes: 96 * GiB, aliases: ['RTX PRO 6000']},
  H100: {name: 'H100', memoryBytes: 80 * GiB},
  V28: {name: 'TPU v2-8', memoryBytes: 64 * GiB, aliases: ['v2-8']},
  V5E1: {name: 'TPU v5e-1', memoryBytes: 16 * GiB, aliases: ['v5litepod-1', 'v5e-1']},
  V6E1: {name: 'TPU v6e-1', memoryBytes: 32 * GiB, aliases: ['v6e-1']},
}

/** These come with high memory whether it is asked for or not (protocol notes, 3.2). */
const highMemoryAlways = new Set(['L4', 'H100', 'G4', 'V28', 'V5E1', 'V6E1'])

export function acceleratorFor(model: string, variant: Variant): Accelerator {
  if (model === 'NONE') return {id: 'cpu', kind: 'cpu', name: 'CPU', available: true}
  const known = Object.hasOwn(models, model) ? models[model] : undefined
  const id = model.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return {id, kind: variant === 'TPU' ? 'tpu' : 'gpu', name: sanitizeLine(model, 40), ...known, available: true}
}

/** What this account may use, then what it may not, and why. */
export function acceleratorsOf(info: UserInfo): Accelerator[] {
  const each = (list: Models): Accelerator[] => list.flatMap(({variant, models: names}) => names.map((name) => acceleratorFor(name, variant)))
  const reason = `not part of the ${info.tier} plan`
  return [acceleratorFor('NONE', 'CPU'), ...each(info.eligible), ...each(info.ineligible).map((one) => ({...one, available: false, reason}))]
}

/** `v5e-1`, `V5E1` and `tpu v5e1` are the same. */
const plain = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '').replace(/^(?:NVIDIA|TPU)(?=.)/, '')

/**
 * The wish in Colab's words. `info` is asked for only where it matters. Throws ACCELERATOR_UNAVAILABLE or
 * HIGH_RAM_UNAVAILABLE (68) for what this account may not use, before anything is assigned.
 */
export async function wishFor(spec: RuntimeSpec, key: string, info: () => Promise<UserInfo>): Promise<Wish> {
  const {accelerator, highRam = false, image} = spec
  const more = {key, highMemory: highRam, ...(image === undefined ? {} : {image})}
  if (accelerator.kind === 'cpu' && !highRam) return {...more, variant: 'CPU', accelerator: 'NONE'}
  const may = await info()
  if (accelerator.kind === 'cpu') {
    if (!paying(may)) throw highRamUnavailable()
    return {...more, variant: 'CPU', accelerator: 'NONE'}
  }
  const variant = accelerator.kind === 'gpu' ? 'GPU' : 'TPU'
  const names = may.eligible.filter((one) => one.variant === variant).flatMap((one) => one.models)
  const model = accelerator.model === undefined ? names[0] : names.find((name) => plain(name) === plain(accelerator.model ?? ''))
  if (model === undefined) throw accelerationRefused(accelerator.kind, accelerator.model, may)
  if (highRam && !paying(may) && !highMemoryAlways.has(model)) throw highRamUnavailable()
  return {...more, variant, accelerator: model}
}

/** This account may not use it, or there is no such thing: what it may use instead. */
export function accelerationRefused(kind: 'gpu' | 'tpu', model: string | undefined, info: UserInfo, said?: string): Error {
  const wanted = model === undefined ? `a ${kind.toUpperCase()}` : `${kind.toUpperCase()} ${sanitizeLine(model, 40)}`
  const all = acceleratorsOf(info)
  const may = all.filter((one) => one.available && one.kind !== 'cpu')
  const known = model === undefined ? undefined : all.find((one) => plain(one.id) === plain(model))
  const why = said ? ` (${said})` : model !== undefined && !known ? ', which Colab does not know' : ''
  const list = may.length === 0 ? 'a CPU only' : may.map((one) => one.id).join(', ')
  const guess = model === undefined || known ? undefined : didYouMean(model, may.map((one) => one.id))
  const first = may.find((one) => one.kind === kind) ?? may[0]
  return errors.quota(`this account may not use ${wanted}${why}; it may use ${list}`, {
    code: 'ACCELERATOR_UNAVAILABLE',
    fix: guess ?? (first ? `--${first.kind} ${first.id}; all of them: cgpu runtime accelerators` : 'leave the accelerator flag out, or buy compute units: cgpu usage'),
    details: {tier: info.tier, available: ['cpu', ...may.map((one) => one.id)]},
  })
}

/** High memory by choice is for those who pay: by a plan, or as they go. */
function paying({tier, balance = 0}: UserInfo): boolean {
  return tier !== 'free' || balance > 0
}

function highRamUnavailable(): Error {
  return errors.quota('the free plan has no high-memory machines', {code: 'HIGH_RAM_UNAVAILABLE', fix: 'leave --high-ram out, or buy compute units: cgpu usage'})
}

/** What is wrong with the machine that was given; undefined: it is what was asked for. */
export function mismatch(wish: Wish, got: Pick<Assignment, 'accelerator' | 'variant'> & {shape: Shape}): Error | undefined {
  if (got.accelerator !== wish.accelerator) {
    const [asked, has] = [acceleratorFor(wish.accelerator, wish.variant).name, acceleratorFor(got.accelerator, got.variant).name]
    return errors.quota(`Colab gave a machine with ${has} where ${asked} was asked for; it was released`, {
      code: 'ACCELERATOR_MISMATCH', category: 'capacity', retryable: true, fix: 'try again later, or take what there is: --allow-downgrade',
      details: {asked: wish.accelerator, got: got.accelerator},
    })
  }
  if (wish.highMemory && got.shape === 'standard' && !highMemoryAlways.has(got.accelerator)) {
    return errors.quota('Colab gave a machine without high memory; it was released', {
      code: 'HIGH_RAM_UNAVAILABLE', category: 'capacity', retryable: true, fix: 'try again later, or leave --high-ram out',
    })
  }
}
