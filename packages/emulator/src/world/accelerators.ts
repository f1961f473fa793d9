import type {Variant} from '../contract.ts'

interface Model {
  variant: Variant
  /** compute units an hour, standard and high memory; plausible, not Google's price list */
  rate: number
  highMemRate: number
  /** there is no standard shape: protocol notes, 3.2 */
  highMemOnly?: boolean
}

const models: Record<string, Model> = {
  NONE: {variant: 'DEFAULT', rate: 0.07, highMemRate: 0.15},
  T4: {variant: 'GPU', rate: 1.2, highMemRate: 1.36},
  P100: {variant: 'GPU', rate: 1.5, highMemRate: 1.7},
  V100: {variant: 'GPU', rate: 4.1, highMemRate: 4.3},
  K80: {variant: 'GPU', rate: 0.8, highMemRate: 1},
  L4: {variant: 'GPU', rate: 2.2, highMemRate: 2.2, highMemOnly: true},
  A100: {variant: 'GPU', rate: 5.4, highMemRate: 7.5},
  H100: {variant: 'GPU', rate: 9, highMemRate: 9, highMemOnly: true},
  G4: {variant: 'GPU', rate: 4.5, highMemRate: 4.5, highMemOnly: true},
  V28: {variant: 'TPU', rate: 1.76, highMemRate: 1.76, highMemOnly: true},
  V5E1: {variant: 'TPU', rate: 3, highMemRate: 3, highMemOnly: true},
  V6E1: {variant: 'TPU', rate: 5, highMemRate: 5, highMemOnly: true},
}

/** Undefined: no such accelerator. */
export function modelOf(accelerator: string): Model | undefined {
  return Object.hasOwn(models, accelerator) ? models[accelerator] : undefined
}

/** Compute units an hour; an unknown accelerator, which only a scenario gives, costs as a T4. */
export function rateOf(accelerator: string, highMem: boolean): number {
  const model = modelOf(accelerator) ?? {rate: 1.2, highMemRate: 1.36}
  return highMem ? model.highMemRate : model.rate
}
