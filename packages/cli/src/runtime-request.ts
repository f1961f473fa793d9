import type {Cgpu} from '@cgpu/core/cgpu'
import type {RuntimeSpec} from '@cgpu/core/provider'
import type {CreateRequest, MakeOptions, WantedProvider} from '@cgpu/core/runtime/options'
import {requestedAccelerators} from '@cgpu/core/runtime/spec'
import {parseTimeLimit} from '@cgpu/core/text/time-limit'

export interface RuntimeWish extends Pick<CreateRequest, 'provider' | 'spec' | 'others' | 'leaseSeconds' | 'needsLease'>, Pick<MakeOptions, 'waitMs' | 'allowDowngrade'> {
  /** empty: any provider's runtime will do, `provider` is only where a new one would come from */
  wanted: WantedProvider
  /** what would do, the first choice first; empty: nothing in particular was asked for */
  accelerators: RuntimeSpec['accelerator'][]
}

/** The machine that flags, environment, project file and config together ask for. */
export function runtimeWish(cgpu: Cgpu): RuntimeWish {
  const {settings} = cgpu
  const accelerators = requestedAccelerators({
    gpu: settings.text('gpu'), tpu: settings.text('tpu'), cpu: settings.on('cpu') || undefined,
  })
  const [accelerator = {kind: 'cpu'} as const, ...others] = accelerators
  const image = settings.text('image')
  const provider = settings.text('provider') ?? 'local'
  const wait = settings.text('wait')
  return {
    provider,
    wanted: wantedProvider(cgpu, provider),
    accelerators,
    others,
    spec: {
      accelerator,
      ...(settings.on('high-ram') ? {highRam: true} : {}),
      ...(image === undefined ? {} : {image}),
    },
    ...leaseWish(cgpu),
    ...(wait === undefined ? {} : {waitMs: parseTimeLimit(wait)}),
    ...(settings.on('allow-downgrade') ? {allowDowngrade: true} : {}),
  }
}

const ofThisCall = (source: string | undefined): boolean => source === 'flag' || source === 'environment'

function wantedProvider({settings}: Cgpu, provider: string): WantedProvider {
  const source = settings.get('provider')?.source ?? 'default'
  const account = settings.get('account')
  return {
    ...(source === 'default' ? {} : ofThisCall(source) ? {asked: provider} : {set: provider}),
    ...(ofThisCall(account?.source) && typeof account?.value === 'string' ? {account: account.value} : {}),
  }
}

/** `2h`, or `off`. */
export function leaseWish({settings}: Cgpu): Pick<RuntimeWish, 'leaseSeconds' | 'needsLease'> {
  const lease = settings.get('lease')
  if (typeof lease?.value !== 'string') return {}
  if (lease.value === 'off') return {leaseSeconds: null}
  return {leaseSeconds: parseTimeLimit(lease.value) / 1000, needsLease: ofThisCall(lease.source)}
}

/** What `create` and `ensure` are given of a wish. */
export function requestOf({provider, spec, others = [], leaseSeconds, needsLease}: RuntimeWish): Omit<CreateRequest, 'name'> {
  return {provider, spec, others, ...(leaseSeconds === undefined ? {} : {leaseSeconds}), ...(needsLease === undefined ? {} : {needsLease})}
}

export function makeOptionsOf({waitMs, allowDowngrade}: RuntimeWish): MakeOptions {
  return {...(waitMs === undefined ? {} : {waitMs}), ...(allowDowngrade === undefined ? {} : {allowDowngrade})}
}
